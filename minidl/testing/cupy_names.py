"""CuPy's public names and the parameters of its functions, as tables a machine without CuPy can read.

Each entry is ``name`` or ``name:parameter,parameter,…``. ``strict_cupy`` offers these names and takes these
parameters, and nothing else.

Everything below the line VERSION was read from that release of CuPy (CuPy imports without a GPU or a driver). To make
it again, print it where the new release is installed and paste it here:

    pip install cupy-cuda12x && python -m minidl.testing.cupy_names

A test compares the tables with the CuPy that is installed, where one is.
"""

from __future__ import annotations

import importlib
import inspect
import re
import textwrap
import types
from typing import Any


def _parameters(function: Any) -> str:
    """The parameter names of a Python function, or of a compiled one from the first line of its docstring."""
    try:
        found = [(p.kind, p.name) for p in inspect.signature(function).parameters.values()]
        stars: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        text = ",".join(stars.get(kind, "") + name for kind, name in found if name not in ("self", "cls"))
        return text if len(text) < 100 else "*args,**kwargs"
    except (TypeError, ValueError):
        match = re.match(r"[\w.]+\((.*?)\)(?: ->.*)?\n", (function.__doc__ or "") + "\n")
        if match is None:
            return "*args,**kwargs"
        words = [word.split("=")[0].split()[-1] for word in match[1].split(", ") if word]
        return ",".join(word for word in words if word not in ("self", "*", "_ndarray_base"))


def _table(space: Any, *, skip: tuple[type, ...] = ()) -> str:
    entries = []
    for name in dir(space):
        value = getattr(space, name)
        if name.startswith("_") or name in ("annotations", "np") or isinstance(value, skip):
            continue
        plain = isinstance(value, (type, types.ModuleType, int, float)) or not callable(value)
        entries.append(name if plain or type(value).__name__ == "ufunc" else f"{name}:{_parameters(value)}")
    return " ".join(entries)


def survey() -> dict[str, str]:
    """The tables of the CuPy that is installed here."""
    cupy = importlib.import_module("cupy")
    cupyx = importlib.import_module("cupyx")
    importlib.import_module("cupyx.scipy.special")

    specials = sorted(set(dir(cupy.ndarray)) - set(dir(object)))
    return {
        "VERSION": cupy.__version__,
        "UFUNCS": " ".join(name for name in dir(cupy) if isinstance(getattr(cupy, name), cupy.ufunc)),
        "FUNCTIONS": _table(cupy, skip=(cupy.ufunc,)),
        "METHODS": _table(cupy.ndarray),
        "SPECIALS": " ".join(name for name in specials if name.startswith("__")),
        "LINALG": _table(cupy.linalg),
        "FFT": _table(cupy.fft),
        "STRIDES": _table(cupy.lib.stride_tricks),
        "RANDOM": " ".join(name.split(":")[0] for name in _table(cupy.random).split()),
        "CUDA": " ".join(name.split(":")[0] for name in _table(cupy.cuda).split()),
        "CUPYX": " ".join(name.split(":")[0] for name in _table(cupyx).split()),
        "SPECIAL": " ".join(name.split(":")[0] for name in _table(cupyx.scipy.special).split()),
    }


def parse(table: str) -> dict[str, tuple[str, ...]]:
    """``{name: parameters}`` of one table; no parameters are known of a name that stands alone."""
    pairs = (entry.partition(":")[::2] for entry in table.split())
    return {name: tuple(parameters.split(",")) if parameters else () for name, parameters in pairs}


VERSION = "14.2.0"
UFUNCS = """
abs absolute acos acosh add arccos arccosh arcsin arcsinh arctan arctan2 arctanh asin asinh atan atan2 atanh
bitwise_and bitwise_count bitwise_invert bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift bitwise_xor
cbrt ceil conj conjugate copysign cos cosh deg2rad degrees divide divmod equal exp exp2 expm1 fabs fix float_power
floor floor_divide fmax fmin fmod frexp gcd greater greater_equal heaviside hypot i0 invert isfinite isinf isnan lcm
ldexp left_shift less less_equal log log10 log1p log2 logaddexp logaddexp2 logical_and logical_not logical_or
logical_xor maximum minimum mod modf multiply negative nextafter not_equal positive pow power rad2deg radians
reciprocal remainder right_shift rint sign signbit sin sinc sinh sqrt square subtract tan tanh true_divide trunc
"""
FUNCTIONS = """
AxisError ComplexWarning DataSource ElementwiseKernel Inf Infinity ModuleDeprecationWarning NAN NINF NZERO NaN PINF
PZERO RankWarning RawKernel RawModule ReductionKernel TooHardError VisibleDeprecationWarning all:a,axis,out,keepdims
allclose:a,b,rtol,atol,equal_nan alltrue:a,axis,out,keepdims amax:a,axis,out,keepdims amin:a,axis,out,keepdims
angle:z,deg any:a,axis,out,keepdims append:arr,values,axis apply_along_axis:func1d,axis,arr,*args,**kwargs
apply_over_axes:func,a,axes arange:start,stop,step,dtype argmax:a,axis,dtype,out,keepdims
argmin:a,axis,dtype,out,keepdims argpartition:a,kth,axis argsort:a,axis,kind argwhere:a around:a,decimals,out
array:obj,dtype,copy,order,subok,ndmin,blocking array2string:a,*args,**kwargs array_equal:a1,a2,equal_nan
array_equiv:a1,a2 array_repr:arr,max_line_width,precision,suppress_small array_split:ary,indices_or_sections,axis
array_str:arr,max_line_width,precision,suppress_small asanyarray:a,dtype,order,copy,blocking
asarray:a,dtype,order,copy,blocking asarray_chkfinite:a,dtype,order ascontiguousarray:a,dtype asfarray:a,dtype
asfortranarray:a,dtype asnumpy:a,stream,order,out,blocking astype:x,dtype,copy atleast_1d:*arys atleast_2d:*arys
atleast_3d:*arys average:a,axis,weights,returned,keepdims bartlett:M base_repr:number,base,padding
binary_repr:num,width bincount:x,weights,minlength blackman:M bool bool_ broadcast broadcast_arrays:*args
broadcast_shapes:*args broadcast_to:array,shape byte byte_bounds:a c_ can_cast:from_,to,casting cdouble cfloat
choose:a,choices,out,mode clear_memo: clip:a,a_min,a_max,out column_stack:tup common_type:*arrays complex128 complex64
complex_ complexfloating compress:condition,a,axis,out concat:tup,axis,out,dtype,casting
concatenate:tup,axis,out,dtype,casting convolve:a,v,mode copy:a,order copyto:dst,src,casting,where
corrcoef:a,y,rowvar,bias,ddof,dtype correlate:a,v,mode count_nonzero:a,axis
cov:a,y,rowvar,bias,ddof,fweights,aweights,dtype cross:a,b,axisa,axisb,axisc,axis csingle cuda
cumprod:a,axis,dtype,out cumproduct:a,axis,dtype,out cumsum:a,axis,dtype,out
cumulative_prod:x,axis,dtype,out,include_initial cumulative_sum:x,axis,dtype,out,include_initial
delete:arr,indices,axis diag:v,k diag_indices:n,ndim diag_indices_from:arr diagflat:v,k diagonal:a,offset,axis1,axis2
diff:a,n,axis,prepend,append digitize:x,bins,right disable_experimental_feature_warning disp:*args,**kwds dot:a,b,out
double dsplit:ary,indices_or_sections dstack:tup dtype e ediff1d:arr,to_end,to_begin einsum:*operands,**kwargs
empty:shape,dtype,order empty_like:prototype,dtype,order,subok,shape euler_gamma exceptions expand_dims:a,axis
extract:condition,a eye:N,M,k,dtype,order fft fill_diagonal:a,val,wrap find_common_type:*args,**kwds finfo flatiter
flatnonzero:a flip:a,axis fliplr:a flipud:a float16 float32 float64 float_ floating
format_float_positional:x,*args,**kwargs format_float_scientific:x,*args,**kwargs format_parser fromDlpack:dltensor
from_dlpack:array,device,copy frombuffer:*args,**kwargs fromfile:*args,**kwargs fromfunction:*args,**kwargs
fromiter:*args,**kwargs fromstring:*args,**kwargs full:shape,fill_value,dtype,order
full_like:a,fill_value,dtype,order,subok,shape fuse:*args,**kwargs generic genfromtxt:*args,**kwargs
get_array_module:*args get_array_wrap:*args,**kwds get_default_memory_pool: get_default_pinned_memory_pool:
get_printoptions: gradient:f,*varargs,axis,edge_order half hamming:M hanning:M histogram:x,bins,range,density,weights
histogram2d:x,y,bins,range,weights,density histogramdd:sample,bins,range,weights,density
hsplit:ary,indices_or_sections hstack:tup,dtype,casting identity:n,dtype iinfo imag:val
in1d:ar1,ar2,assume_unique,invert index_exp indices:dimensions,dtype inexact inf infty inner:a,b int16 int32 int64
int8 int_ intc integer interp:x,xp,fp,left,right,period intersect1d:arr1,arr2,assume_unique,return_indices intp
is_available: isclose:a,b,rtol,atol,equal_nan iscomplex:x iscomplexobj:x isdtype:dtype,kind isfortran:a
isin:element,test_elements,assume_unique,invert isneginf:x,out isposinf:x,out isreal:x isrealobj:x isscalar:element
issctype:rep issubclass_:arg1,arg2 issubdtype:arg1,arg2 issubsctype:arg1,arg2 iterable:y ix_:*args kaiser:M,beta
kron:a,b lexsort:keys lib linalg linspace:start,stop,num,endpoint,retstep,dtype,axis load:file,mmap_mode,allow_pickle
loadtxt:*args,**kwargs logspace:start,stop,num,endpoint,base,dtype,axis long longlong
make_aligned_dtype:dtype,alignment,recurse mask_indices:n,mask_func,k
matmul:*args,axes,axis,keepdims,casting,dtype,signature,order,out matrix_transpose:x max:a,axis,out,keepdims
may_share_memory:a,b,max_work mean:a,axis,dtype,out,keepdims median:a,axis,out,overwrite_input,keepdims
memoize:for_each_device meshgrid:*xi,**kwargs mgrid min:a,axis,out,keepdims min_scalar_type:a
mintypecode:typechars,typeset,default moveaxis:a,source,destination msort:a nan nan_to_num:x,copy,nan,posinf,neginf
nanargmax:a,axis,dtype,out,keepdims nanargmin:a,axis,dtype,out,keepdims nancumprod:a,axis,dtype,out
nancumsum:a,axis,dtype,out nanmax:a,axis,out,keepdims nanmean:a,axis,dtype,out,keepdims
nanmedian:a,axis,out,overwrite_input,keepdims nanmin:a,axis,out,keepdims nanprod:a,axis,dtype,out,keepdims
nanstd:a,axis,dtype,out,ddof,keepdims nansum:a,axis,dtype,out,keepdims nanvar:a,axis,dtype,out,ddof,keepdims ndarray
ndim:a ndindex newaxis nonzero:a number obj2sctype:rep,default ogrid ones:shape,dtype,order
ones_like:a,dtype,order,subok,shape outer:a,b,out packbits:a,axis,bitorder pad:array,pad_width,mode,**kwargs
partition:a,kth,axis percentile:a,q,axis,out,overwrite_input,method,keepdims,interpolation permute_dims:a,axes pi
piecewise:x,condlist,funclist place:arr,mask,vals poly:seq_of_zeros poly1d polyadd:a1,a2
polyfit:x,y,deg,rcond,full,w,cov polymul:a1,a2 polynomial polysub:a1,a2 polyval:p,x printoptions:*args,**kwargs
prod:a,axis,dtype,out,keepdims product:a,axis,dtype,out,keepdims promote_types:type1,type2 ptp:a,axis,out,keepdims
put:a,ind,v,mode put_along_axis:arr,indices,values,axis putmask:a,mask,values
quantile:a,q,axis,out,overwrite_input,method,keepdims,interpolation r_ random ravel:a,order
ravel_multi_index:multi_index,dims,mode,order real:val real_if_close:a,tol repeat:a,repeats,axis
require:a,dtype,requirements reshape:a,newshape,order,copy resize:a,new_shape result_type:*arrays_and_dtypes
roll:a,shift,axis rollaxis:a,axis,start roots:p rot90:a,k,axes round:a,decimals,out round_:a,decimals,out
row_stack:tup,dtype,casting s_ safe_eval:*args,**kwds save:file,arr,allow_pickle savetxt:fname,X,*args,**kwargs
savez:file,*args,**kwds savez_compressed:file,*args,**kwds sctype2char:sctype searchsorted:a,v,side,sorter
select:condlist,choicelist,default set_printoptions:*args,**kwargs set_string_function:*args,**kwds
setdiff1d:ar1,ar2,assume_unique setxor1d:ar1,ar2,assume_unique shape:a shares_memory:a,b,max_work short
show_config:_full signedinteger single singlecomplex size:a,axis sometrue:a,axis,out,keepdims sort:a,axis,kind
sort_complex:a split:ary,indices_or_sections,axis squeeze:a,axis stack:tup,axis,out,dtype,casting
std:a,axis,dtype,out,ddof,keepdims sum:a,axis,dtype,out,keepdims swapaxes:a,axis1,axis2 take:a,indices,axis,out
take_along_axis:a,indices,axis tensordot:a,b,axes testing tile:A,reps trace:a,offset,axis1,axis2,dtype,out
transpose:a,axes trapezoid:y,x,dx,axis trapz:y,x,dx,axis tri:N,M,k,dtype tril:m,k tril_indices:n,k,m
tril_indices_from:arr,k trim_zeros:filt,trim triu:m,k triu_indices:n,k,m triu_indices_from:arr,k typename:char typing
ubyte ufunc uint uint16 uint32 uint64 uint8 uintc uintp ulong ulonglong union1d:arr1,arr2
unique:ar,return_index,return_inverse,return_counts,axis,equal_nan unique_all:x unique_counts:x unique_inverse:x
unique_values:x unpackbits:a,axis,bitorder unravel_index:indices,dims,order unsignedinteger
unwrap:p,discont,axis,period ushort vander:x,N,increasing var:a,axis,dtype,out,ddof,keepdims vdot:a,b vectorize
vsplit:ary,indices_or_sections vstack:tup,dtype,casting where:condition,x,y who:vardict zeros:shape,dtype,order
zeros_like:a,dtype,order,subok,shape
"""
METHODS = """
T all:axis,out,keepdims any:axis,out,keepdims argmax:axis,out,dtype,keepdims argmin:axis,out,dtype,keepdims
argpartition:kth,axis argsort:axis,kind astype:dtype,order,casting,subok,copy base byteswap:inplace
choose:choices,out,mode clip:min,max,out compress:condition,axis,out conj: conjugate: copy:order cstruct
cumprod:axis,dtype,out cumsum:axis,dtype,out data device diagonal:offset,axis1,axis2 dot:b,out dtype dump:file dumps:
fill:value flags flat flatten:order get:stream,order,out,blocking imag item: itemsize mT max:axis,out,keepdims
mdspan:index_type,allow_unsafe mean:axis,dtype,out,keepdims min:axis,out,keepdims nbytes ndim nonzero:
partition:kth,axis prod:axis,dtype,out,keepdims ptp:axis,out,keepdims put:indices,values,mode ravel:order real
reduced_view:dtype repeat:repeats,axis reshape:*shape,order,copy round:decimals,out scatter_add:slices,value
scatter_max:slices,value scatter_min:slices,value searchsorted:v,side,sorter set:arr,stream shape size sort:axis,kind
squeeze:axis std:axis,dtype,out,ddof,keepdims strides sum:axis,dtype,out,keepdims swapaxes:axis1,axis2
take:indices,axis,out toDlpack: tobytes:order tofile:fid,sep,format tolist: trace:offset,axis1,axis2,dtype,out
transpose:*axes var:axis,dtype,out,ddof,keepdims view:dtype,type
"""
SPECIALS = """
__abs__ __add__ __and__ __array__ __array_finalize__ __array_function__ __array_priority__ __array_ufunc__ __bool__
__bytes__ __class_getitem__ __complex__ __copy__ __cuda_array_interface__ __deepcopy__ __delitem__ __div__ __divmod__
__dlpack__ __dlpack_device__ __float__ __floordiv__ __getitem__ __hex__ __iadd__ __iand__ __idiv__ __ifloordiv__
__ilshift__ __imod__ __imul__ __int__ __invert__ __ior__ __ipow__ __irshift__ __isub__ __iter__ __itruediv__ __ixor__
__len__ __lshift__ __matmul__ __mod__ __module__ __mul__ __neg__ __oct__ __or__ __pos__ __pow__ __pyx_vtable__
__radd__ __rand__ __rdivmod__ __rfloordiv__ __rlshift__ __rmatmul__ __rmod__ __rmul__ __ror__ __rpow__ __rrshift__
__rshift__ __rsub__ __rtruediv__ __rxor__ __setitem__ __slots__ __sub__ __truediv__ __xor__
"""
LINALG = """
LinAlgError cholesky:a cond:x,p cross:x1,x2,axis det:a eig:a eigh:a,UPLO eigvals:a eigvalsh:a,UPLO inv:a
lstsq:a,b,rcond matmul:*args,axes,axis,keepdims,casting,dtype,signature,order,out matrix_power:M,n matrix_rank:M,tol
matrix_transpose:a norm:x,ord,axis,keepdims pinv:a,rcond qr:a,mode slogdet:a solve:a,b svd:a,full_matrices,compute_uv
tensorinv:a,ind tensorsolve:a,b,axes
"""
FFT = """
config fft:a,n,axis,norm fft2:a,s,axes,norm fftfreq:n,d fftn:a,s,axes,norm fftshift:x,axes hfft:a,n,axis,norm
ifft:a,n,axis,norm ifft2:a,s,axes,norm ifftn:a,s,axes,norm ifftshift:x,axes ihfft:a,n,axis,norm irfft:a,n,axis,norm
irfft2:a,s,axes,norm irfftn:a,s,axes,norm rfft:a,n,axis,norm rfft2:a,s,axes,norm rfftfreq:n,d rfftn:a,s,axes,norm
"""
STRIDES = """
as_strided:x,shape,strides sliding_window_view:x,window_shape,axis,subok,writeable
"""
RANDOM = """
BitGenerator MRG32k3a Philox4x3210 RandomState XORWOW beta binomial bytes chisquare choice default_rng dirichlet
exponential f gamma geometric get_random_state gumbel hypergeometric laplace logistic lognormal logseries multinomial
multivariate_normal negative_binomial noncentral_chisquare noncentral_f normal pareto permutation poisson power rand
randint randn random random_integers random_sample ranf rayleigh reset_states sample seed set_random_state shuffle
standard_cauchy standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises wald
weibull zipf
"""
CUDA = """
BaseMemory CFunctionAllocator Device Event ExternalStream Function Graph ManagedMemory Memory MemoryAsync
MemoryAsyncPool MemoryHook MemoryPointer MemoryPool Module PinnedMemory PinnedMemoryPointer PinnedMemoryPool
PythonFunctionAllocator Stream UnownedMemory alloc alloc_pinned_memory common compiler contextlib cub device driver
function get_allocator get_cublas_handle get_cuda_path get_current_stream get_device_id get_elapsed_time
get_hipcc_path get_local_runtime_version get_nvcc_path get_rocm_path graph is_available malloc_async malloc_managed
memory memory_hook memory_hooks nvrtc nvtx pinned_memory profile profiler runtime set_allocator
set_pinned_memory_allocator stream texture thrust using_allocator warnings
"""
CUPYX = """
DeviceSynchronized GeneralizedUFunc allow_synchronize empty_like_pinned empty_pinned errstate get_runtime_info geterr
linalg optimizing profiler rsqrt scatter_add scatter_max scatter_min scipy seterr time zeros_like_pinned zeros_pinned
"""
SPECIAL = """
bdtr bdtrc bdtri beta betainc betaincinv betaln binom boxcox boxcox1p btdtr btdtri cbrt chdtr chdtrc chdtri cosdg
cosm1 cotdg digamma ellipeinc ellipj ellipk ellipkinc ellipkm1 entr erf erfc erfcinv erfcx erfinv exp1 exp10 exp2 expi
expit expm1 expn exprel fdtr fdtrc fdtri gamma gammainc gammaincc gammainccinv gammaincinv gammaln gammasgn gdtr gdtrc
huber i0 i0e i1 i1e inv_boxcox inv_boxcox1p j0 j1 k0 k0e k1 k1e kl_div lambertw log1p log_expit log_ndtr log_softmax
loggamma logit logsumexp lpmv multigammaln nbdtr nbdtrc nbdtri ndtr ndtri pdtr pdtrc pdtri poch polygamma pseudo_huber
psi radian rel_entr rgamma round shichi sici sinc sindg softmax sph_harm sph_harm_y spherical_yn tandg wright_bessel
xlog1py xlogy y0 y1 yn zeta zetac
"""


if __name__ == "__main__":
    for key, text in survey().items():
        if key == "VERSION":
            print(f'{key} = "{text}"')
        else:
            lines = textwrap.wrap(text, 118, break_long_words=False, break_on_hyphens=False)
            print("\n".join((f'{key} = """', *lines, '"""')))
