"""The algebra: every name a formula may use besides operators, static indexing, `.shape .ndim .dtype`.

A name enters the list only when no formula can express it. Signatures are NumPy's where NumPy has the
name, except that arrays always come first and one by one (`concatenate(a, b, axis=0)`, `einsum(a, b, subscripts=...)`);
the rest are defined in `numpy_.py`. Creation is by likeness (`zeros_like(x, shape=...)`): the new
array follows the device of one the formula already has.
"""

ALGEBRA = """
exp expm1 exp2                  e^x, e^x - 1, 2^x
log log1p log2 log10            logarithms
sqrt                            square root
sin cos tan                     trigonometry
arcsin arccos arctan arctan2    and back; the angle of (x, y)
sinh cosh tanh                  hyperbolic functions
arcsinh arccosh arctanh         and back
sigmoid                         1/(1 + e^-x): written out, it overflows or has a kink at 0
erf                             the error function 2/sqrt(pi) int_0^x exp(-t^2) dt
abs sign                        magnitude and direction
floor ceil rint trunc           rounding
mod fmod floor_divide           remainders (sign of the divisor, of the dividend) and the quotient
maximum minimum                 the larger, the smaller; NaN where either is NaN
hypot copysign                  sqrt(x^2 + y^2); |x| with the sign of y
where                           x where the condition holds, y elsewhere
isnan isinf isfinite            what kind of number it is
logical_not logical_and         truth tables
logical_or logical_xor
astype                          the same values in another dtype
copy                            the same values in memory of their own

sum prod mean                   reductions
max min argmax argmin           extremes and where they stand (the first, in a tie)
any all                         truth of some, of every one
cumsum cumprod                  running total, running product
sort argsort                    ascending, stable

reshape transpose               the same values, another shape, another order of axes
as_strided                      a vector's values a step apart along each of several axes
broadcast_to sum_to             repeat along axes without copying, and its adjoint
concatenate                     join along an existing axis
flip roll                       reversed, rotated
tril triu                       one triangle, zeros elsewhere
diagonal diag_embed             a diagonal, and its adjoint
pad                             grow by constant zeros
getitem index_add               x[key] with index arrays in the key, and its adjoint
put                             a copy of x with values at [key]
take_along_axis scatter_add     one value per index along an axis, and its adjoint

matmul einsum                   products
inv solve det cholesky          inverse, a⁻¹b, determinant, lower Cholesky factor
slogdet                         the determinant's sign, and the logarithm of its size
eigh eig svd qr                 eigenvalues and -vectors, singular values and vectors, q and r
pinv                            the pseudo-inverse, singular values below max(rtol s₀, atol) left out
pivots                          the swaps of rows that elimination with the largest pivot makes

im2col col2im                   each patch as a column (N, C ∏kernel, ∏places), and its adjoint

zeros_like ones_like            constants by likeness
full_like arange_like
"""

NAMES = tuple(name for line in ALGEBRA.strip().splitlines() for name in line.split("   ")[0].split())
