"""Every method of Tensor, listed once. `api/__init__.py` binds them; type checkers see Tensor inherit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import (
    convert,
    creation,
    elementwise,
    factor,
    graph,
    indexing,
    inplace,
    linalg,
    memory,
    printing,
    random,
    reduce,
    shape,
    special,
)

if TYPE_CHECKING:
    from ..autograd import Tensor
    from .arguments import Operand


class Methods:
    """The methods and properties that Tensor gets from the functions of this package."""

    __slots__ = ()

    # ----------------------------------------------------------------------------------- elementwise

    exp = elementwise.exp
    expm1 = elementwise.expm1
    exp2 = elementwise.exp2
    log = elementwise.log
    log1p = elementwise.log1p
    log2 = elementwise.log2
    log10 = elementwise.log10
    sqrt = elementwise.sqrt
    rsqrt = elementwise.rsqrt
    square = elementwise.square
    reciprocal = elementwise.reciprocal
    sin = elementwise.sin
    cos = elementwise.cos
    tan = elementwise.tan
    asin = elementwise.asin
    arcsin = elementwise.arcsin
    acos = elementwise.acos
    arccos = elementwise.arccos
    atan = elementwise.atan
    arctan = elementwise.arctan
    sinh = elementwise.sinh
    cosh = elementwise.cosh
    tanh = elementwise.tanh
    asinh = elementwise.asinh
    arcsinh = elementwise.arcsinh
    acosh = elementwise.acosh
    arccosh = elementwise.arccosh
    atanh = elementwise.atanh
    arctanh = elementwise.arctanh
    erf = elementwise.erf
    erfc = elementwise.erfc
    sigmoid = elementwise.sigmoid
    abs = elementwise.abs
    absolute = elementwise.absolute
    neg = elementwise.neg
    negative = elementwise.negative
    sign = elementwise.sign
    sgn = elementwise.sgn
    floor = elementwise.floor
    ceil = elementwise.ceil
    trunc = elementwise.trunc
    fix = elementwise.fix
    frac = elementwise.frac
    positive = elementwise.positive
    round = elementwise.round
    deg2rad = elementwise.deg2rad
    rad2deg = elementwise.rad2deg
    logit = elementwise.logit
    nan_to_num = elementwise.nan_to_num
    relu = elementwise.relu
    hardshrink = elementwise.hardshrink
    softmax = elementwise.softmax
    log_softmax = elementwise.log_softmax
    add = elementwise.add
    sub = elementwise.sub
    subtract = elementwise.subtract
    mul = elementwise.mul
    multiply = elementwise.multiply
    div = elementwise.div
    divide = elementwise.divide
    true_divide = elementwise.true_divide
    floor_divide = elementwise.floor_divide
    remainder = elementwise.remainder
    fmod = elementwise.fmod
    pow = elementwise.pow
    float_power = elementwise.float_power
    maximum = elementwise.maximum
    minimum = elementwise.minimum
    fmax = elementwise.fmax
    fmin = elementwise.fmin
    atan2 = elementwise.atan2
    arctan2 = elementwise.arctan2
    hypot = elementwise.hypot
    copysign = elementwise.copysign
    logaddexp = elementwise.logaddexp
    logaddexp2 = elementwise.logaddexp2
    xlogy = elementwise.xlogy
    lerp = elementwise.lerp
    addcmul = elementwise.addcmul
    addcdiv = elementwise.addcdiv
    clamp = elementwise.clamp
    clip = elementwise.clip
    clamp_min = elementwise.clamp_min
    clamp_max = elementwise.clamp_max
    where = elementwise.where_method
    eq = elementwise.eq
    ne = elementwise.ne
    not_equal = elementwise.not_equal
    lt = elementwise.lt
    less = elementwise.less
    le = elementwise.le
    less_equal = elementwise.less_equal
    gt = elementwise.gt
    greater = elementwise.greater
    ge = elementwise.ge
    greater_equal = elementwise.greater_equal
    equal = elementwise.equal
    isclose = elementwise.isclose
    allclose = elementwise.allclose
    isnan = elementwise.isnan
    isinf = elementwise.isinf
    isfinite = elementwise.isfinite
    isposinf = elementwise.isposinf
    isneginf = elementwise.isneginf
    signbit = elementwise.signbit
    logical_not = elementwise.logical_not
    logical_and = elementwise.logical_and
    logical_or = elementwise.logical_or
    logical_xor = elementwise.logical_xor
    bitwise_and = elementwise.bitwise_and
    bitwise_or = elementwise.bitwise_or
    bitwise_xor = elementwise.bitwise_xor
    bitwise_not = elementwise.bitwise_not
    bitwise_left_shift = elementwise.bitwise_left_shift
    bitwise_right_shift = elementwise.bitwise_right_shift
    heaviside = elementwise.heaviside
    sinc = elementwise.sinc
    is_floating_point = elementwise.is_floating_point
    is_complex = elementwise.is_complex
    is_signed = elementwise.is_signed
    is_nonzero = elementwise.is_nonzero
    is_same_size = elementwise.is_same_size
    igamma = special.igamma
    igammac = special.igammac
    angle = elementwise.angle
    conj = elementwise.conj
    conj_physical = elementwise.conj_physical
    frexp = elementwise.frexp
    gcd = elementwise.gcd
    isreal = elementwise.isreal
    lcm = elementwise.lcm
    ldexp = elementwise.ldexp
    nextafter = elementwise.nextafter
    resolve_conj = elementwise.resolve_conj
    resolve_neg = elementwise.resolve_neg
    lgamma = special.lgamma
    digamma = special.digamma
    polygamma = special.polygamma_method
    mvlgamma = special.mvlgamma
    erfinv = special.erfinv
    i0 = special.i0

    __lshift__ = elementwise.bitwise_left_shift
    __rshift__ = elementwise.bitwise_right_shift

    def __rlshift__(self: Any, other: Operand) -> Tensor:
        return elementwise.bitwise_left_shift(other, self)

    def __rrshift__(self: Any, other: Operand) -> Tensor:
        return elementwise.bitwise_right_shift(other, self)

    if TYPE_CHECKING:  # the operators are bound by the ops themselves, when they register

        def __add__(self, other: Operand) -> Tensor: ...
        def __radd__(self, other: Operand) -> Tensor: ...
        def __sub__(self, other: Operand) -> Tensor: ...
        def __rsub__(self, other: Operand) -> Tensor: ...
        def __mul__(self, other: Operand) -> Tensor: ...
        def __rmul__(self, other: Operand) -> Tensor: ...
        def __truediv__(self, other: Operand) -> Tensor: ...
        def __rtruediv__(self, other: Operand) -> Tensor: ...
        def __pow__(self, other: Operand) -> Tensor: ...
        def __rpow__(self, other: Operand) -> Tensor: ...
        def __matmul__(self, other: Tensor) -> Tensor: ...
        def __rmatmul__(self, other: Tensor) -> Tensor: ...
        def __and__(self, other: Operand) -> Tensor: ...
        def __rand__(self, other: Operand) -> Tensor: ...
        def __or__(self, other: Operand) -> Tensor: ...
        def __ror__(self, other: Operand) -> Tensor: ...
        def __xor__(self, other: Operand) -> Tensor: ...
        def __rxor__(self, other: Operand) -> Tensor: ...
        def __eq__(self, other: object) -> Tensor: ...  # type: ignore[override]  # number by number
        def __ne__(self, other: object) -> Tensor: ...  # type: ignore[override]
        def __lt__(self, other: Operand) -> Tensor: ...
        def __le__(self, other: Operand) -> Tensor: ...
        def __gt__(self, other: Operand) -> Tensor: ...
        def __ge__(self, other: Operand) -> Tensor: ...
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...

    __pos__ = elementwise.positive

    def __floordiv__(self: Any, other: Operand) -> Tensor:
        return elementwise.floor_divide(self, other)

    def __rfloordiv__(self: Any, other: Operand) -> Tensor:
        return elementwise.floor_divide(other, self)

    def __mod__(self: Any, other: Operand) -> Tensor:
        return elementwise.remainder(self, other)

    def __rmod__(self: Any, other: Operand) -> Tensor:
        return elementwise.remainder(other, self)

    # ------------------------------------------------------------------------------------ reductions

    sum = reduce.sum
    mean = reduce.mean
    nansum = reduce.nansum
    nanmean = reduce.nanmean
    prod = reduce.prod
    var = reduce.var
    std = reduce.std
    var_mean = reduce.var_mean
    std_mean = reduce.std_mean
    max = reduce.max
    min = reduce.min
    amax = reduce.amax
    amin = reduce.amin
    aminmax = reduce.aminmax
    argmax = reduce.argmax
    argmin = reduce.argmin
    median = reduce.median
    logsumexp = reduce.logsumexp
    all = reduce.all
    any = reduce.any
    count_nonzero = reduce.count_nonzero
    cumsum = reduce.cumsum
    cumprod = reduce.cumprod
    diff = reduce.diff
    norm = reduce.norm
    cummax = reduce.cummax
    cummin = reduce.cummin
    quantile = reduce.quantile
    logcumsumexp = reduce.logcumsumexp
    dist = reduce.dist
    histc = reduce.histc
    histogram = reduce.histogram
    mode = reduce.mode
    nanmedian = reduce.nanmedian
    nanquantile = reduce.nanquantile
    renorm = reduce.renorm

    # ----------------------------------------------------------------------------------------- shape

    reshape = shape.reshape
    view = shape.view
    view_as = shape.view_as
    reshape_as = shape.reshape_as
    flatten = shape.flatten
    ravel = shape.ravel
    unflatten = shape.unflatten
    squeeze = shape.squeeze
    unsqueeze = shape.unsqueeze
    permute = shape.permute
    transpose = shape.transpose
    swapaxes = shape.swapaxes
    swapdims = shape.swapdims
    t = shape.t
    movedim = shape.movedim
    moveaxis = shape.moveaxis
    expand = shape.expand
    expand_as = shape.expand_as
    broadcast_to = shape.broadcast_to
    repeat = shape.repeat
    tile = shape.tile
    repeat_interleave = shape.repeat_interleave
    split = shape.split
    chunk = shape.chunk
    tensor_split = shape.tensor_split
    unbind = shape.unbind
    narrow = shape.narrow
    select = shape.select
    flip = shape.flip
    fliplr = shape.fliplr
    flipud = shape.flipud
    rot90 = shape.rot90
    roll = shape.roll
    tril = shape.tril
    triu = shape.triu
    diagonal = shape.diagonal
    diag = shape.diag
    diag_embed = shape.diag_embed
    diagflat = shape.diagflat
    contiguous = shape.contiguous
    clone = shape.clone
    is_contiguous = shape.is_contiguous
    stride = shape.stride
    size = shape.size
    numel = shape.numel
    element_size = shape.element_size
    dim = shape.dim
    unfold = shape.unfold
    split_with_sizes = shape.split_with_sizes
    hsplit = shape.hsplit
    vsplit = shape.vsplit
    sum_to_size = shape.sum_to_size
    nelement = shape.numel
    ndimension = shape.dim
    apply_ = memory.apply_
    as_strided = memory.as_strided
    as_strided_ = memory.as_strided_
    as_strided_scatter = memory.as_strided_scatter
    data_ptr = memory.data_ptr
    diagonal_scatter = memory.diagonal_scatter
    dim_order = memory.dim_order
    get_device = memory.get_device
    is_set_to = memory.is_set_to
    map_ = memory.map_
    narrow_copy = memory.narrow_copy
    new_empty_strided = memory.new_empty_strided
    resize_ = memory.resize_
    resize_as_ = memory.resize_as_
    select_scatter = memory.select_scatter
    set_ = memory.set_
    slice_scatter = memory.slice_scatter
    storage_offset = memory.storage_offset
    is_inference = memory.is_inference
    is_conj = memory.is_conj
    is_neg = memory.is_neg
    is_shared = memory.is_shared
    is_pinned = memory.is_pinned
    pin_memory = memory.itself
    share_memory_ = memory.itself
    adjoint = shape.adjoint
    dsplit = shape.dsplit

    @property
    def T(self: Any) -> Tensor:
        """The axes in reverse."""
        return shape.reversed_axes(self)

    @property
    def mT(self: Any) -> Tensor:
        """The last two axes swapped."""
        return shape.matrices_transposed(self)

    @property
    def H(self: Any) -> Tensor:
        """A matrix transposed."""
        return shape.t(self)

    @property
    def mH(self: Any) -> Tensor:
        """The last two axes swapped."""
        return shape.matrices_transposed(self)

    # -------------------------------------------------------------------------------------- indexing

    index_select = indexing.index_select
    gather = indexing.gather
    take_along_dim = indexing.take_along_dim
    take = indexing.take
    scatter = indexing.scatter
    scatter_add = indexing.scatter_add
    scatter_reduce = indexing.scatter_reduce
    index_add = indexing.index_add
    index_copy = indexing.index_copy
    index_fill = indexing.index_fill
    index_put = indexing.index_put
    masked_fill = indexing.masked_fill
    masked_select = indexing.masked_select
    masked_scatter = indexing.masked_scatter
    nonzero = indexing.nonzero
    argwhere = indexing.argwhere
    sort = indexing.sort
    argsort = indexing.argsort
    msort = indexing.msort
    topk = indexing.topk
    kthvalue = indexing.kthvalue
    unique = indexing.unique
    bincount = indexing.bincount
    unique_consecutive = indexing.unique_consecutive
    __getitem__ = indexing.getitem
    __setitem__ = indexing.setitem
    index_reduce = indexing.index_reduce
    nonzero_static = indexing.nonzero_static
    put = indexing.put

    # -------------------------------------------------------------------------------- linear algebra

    matmul = linalg.matmul
    mm = linalg.mm
    mv = linalg.mv
    bmm = linalg.bmm
    dot = linalg.dot
    vdot = linalg.vdot
    inner = linalg.inner
    outer = linalg.outer
    ger = linalg.ger
    addmm = linalg.addmm
    addmv = linalg.addmv
    addr = linalg.addr
    baddbmm = linalg.baddbmm
    addbmm = linalg.addbmm
    trace = linalg.trace
    cross = linalg.cross
    kron = linalg.kron
    inverse = linalg.inverse
    cholesky = linalg.cholesky
    det = linalg.det
    slogdet = linalg.slogdet
    logdet = linalg.logdet
    matrix_power = linalg.matrix_power
    cov = linalg.cov
    corrcoef = linalg.corrcoef
    cholesky_inverse = factor.cholesky_inverse
    cholesky_solve = factor.cholesky_solve
    lu_solve = factor.lu_solve
    matrix_exp = factor.matrix_exp
    orgqr = factor.orgqr
    pinverse = factor.pinverse
    qr = factor.qr
    svd = factor.svd
    triangular_solve = factor.triangular_solve
    geqrf = factor.geqrf
    ormqr = factor.ormqr
    lu = factor.lu

    # ----------------------------------------------------------------------- creation and conversion

    to = creation.to
    new_zeros = creation.new_zeros
    new_ones = creation.new_ones
    new_empty = creation.new_empty
    new_full = creation.new_full
    new_tensor = creation.new_tensor
    item = convert.item
    tolist = convert.tolist
    __bool__ = convert.__bool__
    __int__ = convert.__int__
    __float__ = convert.__float__
    __complex__ = convert.__complex__
    __index__ = convert.__index__
    __len__ = convert.__len__
    __iter__ = convert.__iter__
    __reversed__ = convert.__reversed__
    __contains__ = convert.__contains__
    __delitem__ = convert.__delitem__
    numpy = convert.numpy
    __array__ = convert.__array__
    __dlpack__ = convert.__dlpack__
    __dlpack_device__ = convert.__dlpack_device__
    type = convert.type
    type_as = convert.type_as
    double = convert.double
    float = convert.float
    half = convert.half
    long = convert.long
    int = convert.int
    short = convert.short
    char = convert.char
    byte = convert.byte
    bool = convert.bool
    cpu = convert.cpu
    cuda = convert.cuda
    __deepcopy__ = convert.__deepcopy__
    __reduce_ex__ = convert.__reduce_ex__
    __repr__ = printing.text
    __str__ = printing.text
    __format__ = printing.__format__

    @property
    def itemsize(self: Any) -> Any:
        """How many bytes one element takes."""
        return shape.element_size(self)

    @property
    def nbytes(self: Any) -> Any:
        """How many bytes all elements take."""
        return shape.element_size(self) * shape.numel(self)

    @property
    def is_meta(self: Any) -> Any:
        """Has it a shape and no numbers?"""
        return self.device.type == "meta"

    @property
    def _version(self: Any) -> Any:
        """How often the memory was written in place."""
        return self.memory.version

    @property
    def is_cpu(self: Any) -> Any:
        """Is the tensor in the host's memory?"""
        return self.device.type == "cpu"

    @property
    def real(self: Any) -> Any:
        """The real part: the tensor itself."""
        return self

    @property
    def is_cuda(self: Any) -> Any:
        """Is the tensor on a GPU?"""
        return self.device.type == "cuda"

    # ---------------------------------------------------------------------------------------- random

    bernoulli = random.bernoulli
    multinomial = random.multinomial
    uniform_ = random.uniform_
    normal_ = random.normal_
    bernoulli_ = random.bernoulli_
    random_ = random.random_
    exponential_ = random.exponential_
    log_normal_ = random.log_normal_
    geometric_ = random.geometric_
    cauchy_ = random.cauchy_

    # ------------------------------------------------------------------------------------- the graph

    backward = graph.backward
    requires_grad_ = graph.requires_grad_
    detach_ = graph.detach_
    register_hook = graph.register_hook
    retain_grad = graph.retain_grad
    grad_fn = property(graph.grad_fn)
    retains_grad = property(graph.retains_grad)

    # -------------------------------------------------------------------------------------- in place

    fill_ = inplace.fill_
    zero_ = inplace.zero_
    copy_ = inplace.copy_
    fill_diagonal_ = inplace.fill_diagonal_
    abs_ = inplace.abs_
    absolute_ = inplace.absolute_
    neg_ = inplace.neg_
    negative_ = inplace.negative_
    exp_ = inplace.exp_
    expm1_ = inplace.expm1_
    exp2_ = inplace.exp2_
    log_ = inplace.log_
    log1p_ = inplace.log1p_
    log2_ = inplace.log2_
    log10_ = inplace.log10_
    sqrt_ = inplace.sqrt_
    rsqrt_ = inplace.rsqrt_
    square_ = inplace.square_
    reciprocal_ = inplace.reciprocal_
    sin_ = inplace.sin_
    cos_ = inplace.cos_
    tan_ = inplace.tan_
    asin_ = inplace.asin_
    arcsin_ = inplace.arcsin_
    acos_ = inplace.acos_
    arccos_ = inplace.arccos_
    atan_ = inplace.atan_
    arctan_ = inplace.arctan_
    sinh_ = inplace.sinh_
    cosh_ = inplace.cosh_
    tanh_ = inplace.tanh_
    asinh_ = inplace.asinh_
    arcsinh_ = inplace.arcsinh_
    acosh_ = inplace.acosh_
    arccosh_ = inplace.arccosh_
    atanh_ = inplace.atanh_
    arctanh_ = inplace.arctanh_
    erf_ = inplace.erf_
    erfc_ = inplace.erfc_
    sigmoid_ = inplace.sigmoid_
    sign_ = inplace.sign_
    sgn_ = inplace.sgn_
    floor_ = inplace.floor_
    ceil_ = inplace.ceil_
    trunc_ = inplace.trunc_
    fix_ = inplace.fix_
    frac_ = inplace.frac_
    round_ = inplace.round_
    nan_to_num_ = inplace.nan_to_num_
    logit_ = inplace.logit_
    relu_ = inplace.relu_
    deg2rad_ = inplace.deg2rad_
    rad2deg_ = inplace.rad2deg_
    add_ = inplace.add_
    sub_ = inplace.sub_
    subtract_ = inplace.subtract_
    mul_ = inplace.mul_
    multiply_ = inplace.multiply_
    div_ = inplace.div_
    divide_ = inplace.divide_
    true_divide_ = inplace.true_divide_
    floor_divide_ = inplace.floor_divide_
    remainder_ = inplace.remainder_
    fmod_ = inplace.fmod_
    pow_ = inplace.pow_
    float_power_ = inplace.float_power_
    atan2_ = inplace.atan2_
    arctan2_ = inplace.arctan2_
    hypot_ = inplace.hypot_
    copysign_ = inplace.copysign_
    xlogy_ = inplace.xlogy_
    lerp_ = inplace.lerp_
    addcmul_ = inplace.addcmul_
    addcdiv_ = inplace.addcdiv_
    clamp_ = inplace.clamp_
    clip_ = inplace.clip_
    clamp_min_ = inplace.clamp_min_
    clamp_max_ = inplace.clamp_max_
    eq_ = inplace.eq_
    ne_ = inplace.ne_
    not_equal_ = inplace.not_equal_
    lt_ = inplace.lt_
    less_ = inplace.less_
    le_ = inplace.le_
    less_equal_ = inplace.less_equal_
    gt_ = inplace.gt_
    greater_ = inplace.greater_
    ge_ = inplace.ge_
    greater_equal_ = inplace.greater_equal_
    logical_not_ = inplace.logical_not_
    logical_and_ = inplace.logical_and_
    logical_or_ = inplace.logical_or_
    logical_xor_ = inplace.logical_xor_
    bitwise_and_ = inplace.bitwise_and_
    bitwise_or_ = inplace.bitwise_or_
    bitwise_xor_ = inplace.bitwise_xor_
    bitwise_not_ = inplace.bitwise_not_
    scatter_ = inplace.scatter_
    scatter_add_ = inplace.scatter_add_
    scatter_reduce_ = inplace.scatter_reduce_
    index_add_ = inplace.index_add_
    index_copy_ = inplace.index_copy_
    index_fill_ = inplace.index_fill_
    index_put_ = inplace.index_put_
    masked_fill_ = inplace.masked_fill_
    masked_scatter_ = inplace.masked_scatter_
    cumsum_ = inplace.cumsum_
    cumprod_ = inplace.cumprod_
    tril_ = inplace.tril_
    triu_ = inplace.triu_
    addmm_ = inplace.addmm_
    addmv_ = inplace.addmv_
    addr_ = inplace.addr_
    addbmm_ = inplace.addbmm_
    baddbmm_ = inplace.baddbmm_
    bitwise_left_shift_ = inplace.bitwise_left_shift_
    bitwise_right_shift_ = inplace.bitwise_right_shift_
    heaviside_ = inplace.heaviside_
    squeeze_ = inplace.squeeze_
    unsqueeze_ = inplace.unsqueeze_
    transpose_ = inplace.transpose_
    lgamma_ = inplace.lgamma_
    digamma_ = inplace.digamma_
    polygamma_ = inplace.polygamma_
    mvlgamma_ = inplace.mvlgamma_
    erfinv_ = inplace.erfinv_
    i0_ = inplace.i0_
    sinc_ = inplace.sinc_
    gcd_ = inplace.gcd_
    lcm_ = inplace.lcm_
    ldexp_ = inplace.ldexp_
    nextafter_ = inplace.nextafter_
    conj_physical_ = inplace.conj_physical_
    renorm_ = inplace.renorm_
    index_reduce_ = inplace.index_reduce_
    put_ = inplace.put_
    swapaxes_ = inplace.swapaxes_
    swapdims_ = inplace.swapdims_
    igamma_ = inplace.igamma_
    igammac_ = inplace.igammac_
    t_ = inplace.t_
    __iadd__ = inplace.add_
    __isub__ = inplace.sub_
    __imul__ = inplace.mul_
    __itruediv__ = inplace.div_
    __ifloordiv__ = inplace.floor_divide_
    __imod__ = inplace.remainder_
    __ipow__ = inplace.pow_
    __iand__ = inplace.bitwise_and_
    __ior__ = inplace.bitwise_or_
    __ixor__ = inplace.bitwise_xor_
    __ilshift__ = inplace.bitwise_left_shift_
    __irshift__ = inplace.bitwise_right_shift_
