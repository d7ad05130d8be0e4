"""Every function and method beside PyTorch's: values, dtypes, gradients, on drawn and on awkward tensors."""

import math

import numpy as np
import pytest

import minidl

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")


def rng(seed=0):
    return np.random.default_rng(seed)


def both(values, grad=False):
    """The same numbers as a minidl and as a torch tensor."""
    values = np.asarray(values)
    grad = grad and values.dtype.kind == "f"
    return minidl.tensor(values, requires_grad=grad), torch.tensor(values, requires_grad=grad)


def flat(result):
    if isinstance(result, (tuple, list)):
        return [t for part in result for t in flat(part)]
    return [result]


def assert_same(ours, theirs, rtol=1e-6, atol=1e-9):
    ours, theirs = flat(ours), flat(theirs)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        if isinstance(b, torch.Tensor):
            assert tuple(a.shape) == tuple(b.shape)
            assert str(a.dtype) == str(b.dtype).removeprefix("torch.")
            np.testing.assert_allclose(a.detach().numpy(), b.detach().resolve_neg().numpy(), rtol=rtol, atol=atol)
        else:
            assert a == b, (a, b)


def check(ours, theirs, *arrays, tolerance=1e-6):
    """Both functions on the same numbers: values and, for floats, the gradient of a weighted sum."""
    pairs = [both(a, grad=True) if isinstance(a, np.ndarray) else (a, a) for a in arrays]
    y, z = ours(*[p[0] for p in pairs]), theirs(*[p[1] for p in pairs])
    assert_same(y, z, tolerance)
    ys = [t for t in flat(y) if isinstance(t, minidl.Tensor) and t.requires_grad]
    zs = [t for t in flat(z) if isinstance(t, torch.Tensor) and t.requires_grad]
    assert len(ys) == len(zs)
    if not ys:
        return
    seeds = [np.asarray(rng(1).normal(size=t.shape)).astype(str(t.dtype)) for t in ys]
    minidl.autograd.backward(ys, [minidl.tensor(s) for s in seeds])
    torch.autograd.backward(zs, [torch.tensor(s) for s in seeds])
    for a, b in pairs:
        if isinstance(a, minidl.Tensor) and a.requires_grad:
            grad = torch.zeros_like(b) if b.grad is None else b.grad
            mine = minidl.zeros_like(a) if a.grad is None else a.grad
            assert_same(mine, grad, max(tolerance, 1e-6), 1e-8)


def draw(*shape, low=-2.0, high=2.0, seed=0, dtype="float64"):
    return np.asarray(rng(seed).uniform(low, high, shape)).astype(dtype)


X = draw(3, 4)
EVERYWHERE = """exp expm1 exp2 sin cos tan sinh cosh tanh asinh atan erf erfc sigmoid abs neg sign floor ceil round
trunc frac square relu isnan isinf isfinite logical_not positive deg2rad rad2deg signbit isposinf isneginf nan_to_num
sum mean std var prod max min amax amin median all any argmax argmin count_nonzero norm numel
T mT t flatten ravel squeeze clone contiguous is_contiguous stride size dim element_size nonzero unique
tolist""".split()
POSITIVE = "log log1p log2 log10 sqrt rsqrt reciprocal logit".split()
UNIT = "asin acos atanh logit".split()


def either(name):
    """The function, or the method, or the property of that name, on both sides."""

    def call(module):
        def run(*args, **kwargs):
            if hasattr(module, name):
                return getattr(module, name)(*args, **kwargs)
            found = getattr(args[0], name)
            return found(*args[1:], **kwargs) if callable(found) else found

        return run

    return call(minidl), call(torch)


@pytest.mark.parametrize("name", EVERYWHERE)
@pytest.mark.parametrize("values", [X, X.T, X[:, :1], np.array(0.7), X.astype("float32")], ids=str)
def test_functions_of_one_tensor(name, values):
    if values.ndim < 2 and name == "mT":
        pytest.skip("matrices only")
    ours, theirs = either(name)
    if values.size == 1 and name in ("std", "var", "T"):
        pytest.skip("torch warns")
    if name == "unique":  # a choice of values; torch records it without a derivative
        return assert_same(minidl.tensor(values).unique(), torch.tensor(values).unique())
    with np.errstate(all="ignore"):
        check(ours, theirs, values, tolerance=1e-6 if values.dtype == np.float64 else 2e-4)


@pytest.mark.parametrize("name", POSITIVE)
def test_functions_of_positive_numbers(name):
    check(*either(name), draw(3, 4, low=0.1, high=0.9))


@pytest.mark.parametrize("name", UNIT)
def test_functions_on_the_unit_interval(name):
    check(*either(name), draw(3, 4, low=0.05, high=0.95))


def test_arcosh():
    check(*either("acosh"), draw(3, low=1.1, high=3))


AWKWARD = [n for n in EVERYWHERE[:24] if n != "sign"] + [*POSITIVE[:6], "asin", "acosh", "atanh", "signbit"]
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, -2.5, 1e-30, 1e30])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_values(name):
    if name == "unique":
        return
    ours, theirs = either(name)
    y, z = ours(minidl.tensor(SPECIAL)), theirs(torch.tensor(SPECIAL))
    assert_same(y, z, 1e-10)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool"])
@pytest.mark.parametrize(
    "name",
    ("exp sin sqrt log sigmoid square sign reciprocal rsqrt erf tanh floor ceil round trunc isnan isfinite sum prod "
    "max min amax amin all any count_nonzero cumsum0 cumprod0 unique nonzero logical_not bitwise_not flatten sort "
    "argsort").split(),
)
def test_whole_numbers(name, dtype):
    values = np.array([[1, 0, 3], [2, 1, 1]]).astype(dtype)
    with np.errstate(all="ignore"):
        if name.endswith("0"):
            check(lambda x: getattr(minidl, name[:-1])(x, 0), lambda x: getattr(torch, name[:-1])(x, 0), values)
        elif dtype == "bool" and name in ("floor", "ceil", "round", "trunc", "square"):
            pytest.skip("torch has none")
        elif name == "argsort":
            check(lambda x: x.argsort(stable=True), lambda x: x.argsort(stable=True), values)
        elif name == "sort":
            check(lambda x: x.sort(stable=True), lambda x: x.sort(stable=True), values)
        else:
            check(*either(name), values, tolerance=1e-5)


TWO = (
    "add sub mul div maximum minimum atan2 hypot copysign logaddexp logaddexp2 eq ne lt le gt ge fmax fmin remainder "
    "fmod floor_divide xlogy float_power"
).split()


@pytest.mark.parametrize("name", TWO)
@pytest.mark.parametrize("shapes", [((3, 4), (3, 4)), ((3, 1), (4,)), ((), (2,)), ((0, 3), (1, 3))], ids=str)
def test_functions_of_two_tensors(name, shapes):
    low = 0.3 if name in ("xlogy", "remainder", "fmod", "floor_divide", "float_power") else -2
    a, b = draw(*shapes[0], low=low), draw(*shapes[1], low=low, seed=5)
    if name == "floor_divide":  # torch records it without a derivative
        a, b = minidl.tensor(a), minidl.tensor(b)
        assert_same(a // b, torch.tensor(a.numpy()) // torch.tensor(b.numpy()))
    else:
        check(*either(name), a, b)


@pytest.mark.parametrize("a", [np.array([7, -7, 7, -7]), np.array([7.5, -7.5, 7.5, -7.5])], ids=["int", "float"])
@pytest.mark.parametrize("b", [np.array([3, 3, -3, -3]), 3, -2.5, np.array([2.5, 2.5, -2.5, -2.5])], ids=str)
@pytest.mark.parametrize("name", ["//", "%", "fmod", "trunc", "floor"])
def test_signs_of_quotients_and_remainders(a, b, name):
    run = {
        "//": lambda m: lambda x, y: x // y,
        "%": lambda m: lambda x, y: x % y,
        "fmod": lambda m: m.fmod,
        "trunc": lambda m: lambda x, y: m.div(x, y, rounding_mode="trunc"),
        "floor": lambda m: lambda x, y: m.div(x, y, rounding_mode="floor"),
    }[name]
    x, y = minidl.tensor(a), minidl.tensor(b) if isinstance(b, np.ndarray) else b
    u, v = torch.tensor(a), torch.tensor(b) if isinstance(b, np.ndarray) else b
    assert_same(run(minidl)(x, y), run(torch)(u, v))


@pytest.mark.parametrize("base", [draw(3, low=0.5), np.array([-2.0, 0.0, 3.0]), np.array([0.0, 0.0])], ids=str)
@pytest.mark.parametrize("exponent", [2, 3, 0, 1, -1, 0.5, 2.5, np.array(2.5)], ids=str)
def test_powers(base, exponent):
    with np.errstate(all="ignore"):
        check(lambda x, e: x**e, lambda x, e: x**e, base, exponent)


@pytest.mark.parametrize("base", [2, 2.5, 0, 0.0, 1])
def test_powers_of_a_number(base):
    check(lambda e: base**e, lambda e: base**e, np.array([2.0, 0.5, 0.0, 3.0]))


REDUCTIONS = (
    "sum mean prod amax amin std var norm logsumexp all any median max min argmax argmin cumsum cumprod"
).split()


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("keepdim", [False, True])
def test_reductions_over_a_dim(name, dim, keepdim):
    kwargs = {} if name.startswith("cum") else {"keepdim": keepdim}
    call = lambda m: lambda x: getattr(m, name)(x, dim=dim, **kwargs)
    for values in (X, X.T, draw(2, 3, 4)):
        check(call(minidl), call(torch), values)


@pytest.mark.parametrize("name", REDUCTIONS[:9])
@pytest.mark.parametrize("dim", [(0, 2), (-1, 1), (0, 1, 2)])
def test_reductions_over_several_dims(name, dim):
    if name == "prod" or (name == "norm" and len(dim) == 3):
        pytest.skip("torch takes fewer")
    call = lambda m: lambda x: getattr(m, name)(x, dim=dim)
    check(call(minidl), call(torch), draw(2, 3, 4))


TIES = np.array([[1.0, 3.0, 3.0], [3.0, 2.0, 1.0], [2.0, 2.0, 2.0]])


@pytest.mark.parametrize("name", ["max", "min", "amax", "amin", "median", "norm", "std", "prod"])
def test_ties_zeros_and_equal_values(name):
    check(*either(name), TIES)
    check(*either(name), np.full((3,), 2.0) if name != "prod" else np.array([2.0, 0.0, 3.0]))
    check(*either(name), np.zeros(3))
    for dim in (0, 1):
        call = lambda m, dim=dim: lambda x: getattr(m, name)(x, dim=dim)
        check(call(minidl), call(torch), np.sort(TIES, 1) if name == "median" else TIES)


@pytest.mark.parametrize("values", [[2.0, 0, 3, 4], [0.0, 0, 3, 1], [1.0, 2, 3, 0], [], [5.0]], ids=str)
def test_running_products_with_zeros(values):
    call = lambda m: lambda x: m.cumprod(x, 0)
    check(call(minidl), call(torch), np.array(values, "float64"))


@pytest.mark.parametrize("p", [0, 1, 2, 3, 0.5, math.inf, -math.inf, "fro"])
@pytest.mark.parametrize("dim", [None, 0, (0, 1)])
def test_norms(p, dim):
    if p == 0:
        assert_same(minidl.norm(minidl.tensor(X), p, dim), torch.norm(torch.tensor(X), p, dim))
        return
    call = lambda m: lambda x: m.norm(x, p, dim)
    check(call(minidl), call(torch), X)


@pytest.mark.parametrize("correction", [0, 1, 2])
def test_corrections(correction):
    for name in ("std", "var", "std_mean", "var_mean"):
        call = lambda m, name=name: lambda x: getattr(m, name)(x, dim=1, correction=correction)
        check(call(minidl), call(torch), X)
    check(lambda x: x.std(False), lambda x: x.std(False), X)
    check(lambda x: x.var(0, False, True), lambda x: x.var(0, False, True), X)


EMPTY = [(0,), (0, 3), (3, 0)]


@pytest.mark.parametrize("shape", EMPTY, ids=str)
@pytest.mark.parametrize("name", "sum prod mean all any cumsum sort amax max argmax logsumexp std median norm".split())
@pytest.mark.parametrize("dim", [None, 0, -1])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_empty_tensors(shape, name, dim):
    def run(m, x):
        try:
            return getattr(m, name)(x) if dim is None else getattr(m, name)(x, dim)
        except Exception as error:
            return type(error).__mro__

    ours, theirs = run(minidl, minidl.zeros(shape)), run(torch, torch.zeros(shape))
    if isinstance(theirs, tuple) and theirs and isinstance(theirs[0], type):
        assert isinstance(ours, tuple), f"torch refuses, minidl gives {ours}"
        if TypeError in theirs:
            return
        assert set(theirs) & set(ours) - {Exception, BaseException, object}
    else:
        assert_same(ours, theirs)


SHAPES = {
    "reshape": lambda m, x: x.reshape(2, -1),
    "view": lambda m, x: x.view(4, 6),
    "permute": lambda m, x: x.permute(2, 0, 1),
    "permute -": lambda m, x: m.permute(x, (-1, 0, 1)),
    "transpose": lambda m, x: x.transpose(0, -1),
    "movedim": lambda m, x: x.movedim((0, 1), (-1, 0)),
    "unsqueeze": lambda m, x: x.unsqueeze(-2),
    "squeeze": lambda m, x: x.unsqueeze(0).unsqueeze(2).squeeze((0, 1)),
    "expand": lambda m, x: x[:, :1].expand(5, 2, 3, -1),
    "repeat": lambda m, x: x.repeat(2, 1, 2, 1),
    "repeat_interleave": lambda m, x: x.repeat_interleave(3, 1),
    "repeat_interleave flat": lambda m, x: x.repeat_interleave(2),
    "repeat_interleave counts": lambda m, x: x.repeat_interleave(m.tensor([1, 0, 2]), dim=1),
    "tile": lambda m, x: x.tile((2,)),
    "flatten": lambda m, x: x.flatten(1),
    "flatten 0 1": lambda m, x: x.flatten(0, 1),
    "unflatten": lambda m, x: x.unflatten(2, (2, -1)),
    "cat": lambda m, x: m.cat([x, x[:, :1], x], dim=1),
    "cat empty": lambda m, x: m.cat([m.tensor([]), x.flatten()]),
    "cat mixed": lambda m, x: m.cat([m.tensor([1, 2]), x.flatten()]),
    "stack": lambda m, x: m.stack([x, 2 * x], -1),
    "hstack": lambda m, x: m.hstack([x, x]),
    "vstack": lambda m, x: m.vstack([x[0, 0], x[1, 1]]),
    "dstack": lambda m, x: m.dstack([x[0], x[1]]),
    "column_stack": lambda m, x: m.column_stack([x[0, 0], x[0].T]),
    "split": lambda m, x: x.split(2, 2),
    "split sizes": lambda m, x: x.split([1, 2], dim=1),
    "chunk": lambda m, x: x.chunk(3, -1),
    "tensor_split": lambda m, x: m.tensor_split(x, 3, 2),
    "tensor_split at": lambda m, x: m.tensor_split(x, (1, 3), 2),
    "unbind": lambda m, x: x.unbind(1),
    "narrow": lambda m, x: x.narrow(1, -2, 2),
    "select": lambda m, x: x.select(-1, -2),
    "flip": lambda m, x: x.flip(0, -1),
    "roll": lambda m, x: x.roll((1, -2), (0, 2)),
    "roll flat": lambda m, x: x.roll(5),
    "rot90": lambda m, x: m.rot90(x, 1, (1, 2)),
    "rot90 3": lambda m, x: m.rot90(x, 3, (0, 2)),
    "tril": lambda m, x: x.tril(-1),
    "triu": lambda m, x: m.triu(x, 1),
    "diagonal": lambda m, x: x.diagonal(1, 1, 2),
    "diag": lambda m, x: m.diag(x[0], -1),
    "diag vector": lambda m, x: m.diag(x[0, 0], 2),
    "diag_embed": lambda m, x: m.diag_embed(x, 1, 0, 2),
    "meshgrid": lambda m, x: m.meshgrid(x[0, 0], x[0, :, 0], indexing="ij"),
    "meshgrid xy": lambda m, x: m.meshgrid(x[0, 0], x[0, :, 0], indexing="xy"),
    "broadcast_tensors": lambda m, x: m.broadcast_tensors(x, x[0, 0]),
    "broadcast_to": lambda m, x: m.broadcast_to(x[0], (3, 3, 4)),
    "atleast_3d": lambda m, x: m.atleast_3d(x[0, 0], x[0]),
    "unfold": lambda m, x: x.unfold(2, 2, 1),
    "T": lambda m, x: x[0].T @ x[0],
    "mT": lambda m, x: x.mT,
    "masked_fill": lambda m, x: x.masked_fill(x > 0, 7.0),
    "masked_select": lambda m, x: x.masked_select(x > 0),
    "masked_scatter": lambda m, x: x.masked_scatter(x > 0, 2 * x),
    "where": lambda m, x: m.where(x > 0, x, 0.5),
    "where both": lambda m, x: m.where(x > 0, 2.0, 0.5),
    "where list": lambda m, x: m.where(x > 1),
    "take": lambda m, x: x.take(m.tensor([[0, 5], [-1, 5]])),
    "take_along_dim": lambda m, x: m.take_along_dim(x, x.argsort(1), 1),
    "index_select": lambda m, x: x.index_select(1, m.tensor([2, 0, 2])),
    "gather": lambda m, x: x.gather(2, m.tensor([[[0, 0, 3]], [[1, 2, 1]]])),
    "scatter": lambda m, x: x.scatter(2, m.tensor([[[0, 3]], [[1, 2]]]), 2 * x[:, :1, :2]),
    "scatter value": lambda m, x: x.scatter(1, m.tensor([[[0, 1]]]), 3.5),
    "scatter_add": lambda m, x: x.scatter_add(2, m.tensor([[[0, 0, 3]], [[1, 2, 1]]]), 3 * x[:, :1, :3]),
    "scatter_reduce": lambda m, x: x.scatter_reduce(2, m.tensor([[[0, 0, 3]], [[1, 2, 1]]]), 3 * x[:, :1, :3], "mean"),
    "index_add": lambda m, x: x.index_add(1, m.tensor([0, 0]), x[:, :2], alpha=2),
    "index_copy": lambda m, x: x.index_copy(1, m.tensor([2, 0]), 3 * x[:, :2]),
    "index_fill": lambda m, x: x.index_fill(-1, m.tensor([0, 3]), 2.0),
    "index_put": lambda m, x: x.index_put((m.tensor([0, 0]), m.tensor([1, 1])), x[0, :2], accumulate=True),
    "nonzero": lambda m, x: (x > 0).nonzero(),
    "nonzero tuple": lambda m, x: (x > 0).nonzero(as_tuple=True),
    "sort": lambda m, x: x.sort(1),
    "sort down": lambda m, x: m.sort(x, -1, descending=True),
    "argsort": lambda m, x: x.argsort(descending=True),
    "topk": lambda m, x: x.topk(2, 1),
    "topk small": lambda m, x: x.topk(3, largest=False),
    "kthvalue": lambda m, x: x.kthvalue(2, 1),
    "diff": lambda m, x: m.diff(x, 2, 2),
    "clamp": lambda m, x: x.clamp(-0.5, 0.5),
    "clamp min": lambda m, x: x.clamp(min=0.1),
    "clamp tensors": lambda m, x: m.clamp(x, x[0, 0], x[1, 1]),
    "lerp": lambda m, x: m.lerp(x, 2 * x, 0.3),
    "lerp tensor": lambda m, x: m.lerp(x, x.flip(0), x.roll(1)),
    "addcmul": lambda m, x: m.addcmul(x, x, x[0], value=0.5),
    "addcdiv": lambda m, x: x.addcdiv(x, x[0] ** 2 + 1, value=2),
    "add alpha": lambda m, x: m.add(x, x[0], alpha=3),
    "round": lambda m, x: x.round(decimals=1).detach(),
    "softmax": lambda m, x: m.softmax(x, 1),
    "log_softmax": lambda m, x: x.log_softmax(-1),
    "logsumexp": lambda m, x: m.logsumexp(x, (0, 2), True),
    "nanmean": lambda m, x: m.nanmean(m.where(x > 0, x, math.nan), 1),
    "isclose": lambda m, x: m.isclose(x, x + 1e-9),
    "aminmax": lambda m, x: tuple(m.aminmax(x, dim=1)),
    "cumsum": lambda m, x: x.cumsum(-2),
    "sum dtype": lambda m, x: x.sum(1, dtype=m.float32),
    "type": lambda m, x: x.float().type(m.float64),
    "to": lambda m, x: x.to(m.float32).to(x),
    "long": lambda m, x: x.long(),
    "bool": lambda m, x: x.bool(),
    "kron": lambda m, x: m.kron(x[0], x[1]),
    "cross": lambda m, x: m.cross(x, 2 * x.flip(0), dim=1),
    "cummax": lambda m, x: x.cummax(1),
    "cummin ties": lambda m, x: m.cummin(x.round(), -1),
    "quantile": lambda m, x: x.quantile(0.3, dim=1, keepdim=True),
    "quantile all": lambda m, x: m.quantile(x, m.tensor([0.0, 0.5, 0.9], dtype=x.dtype)),
    "quantile nearest": lambda m, x: m.quantile(x, 0.3, 2, interpolation="nearest"),
    "logcumsumexp": lambda m, x: x.logcumsumexp(1),
    "dist": lambda m, x: m.dist(x, x[0], 3),
    "histc": lambda m, x: x.detach().histc(5, -1, 1),
    "hsplit": lambda m, x: m.hsplit(x, (1,)),
    "vsplit": lambda m, x: m.vsplit(x, 2),
    "sum_to_size": lambda m, x: x.sum_to_size(3, 1),
    "block_diag": lambda m, x: m.block_diag(x[0], x[1, 0], x[0].T),
    "cartesian_prod": lambda m, x: m.cartesian_prod(x[0, 0], x[0, :, 1]),
    "combinations": lambda m, x: m.combinations(x[0, 0], 3),
    "unique_consecutive": lambda m, x: x.detach().round().flatten().unique_consecutive(True, True),
    "unravel_index": lambda m, x: m.unravel_index(m.tensor([1, 5]), (2, 3)),
    "shifts": lambda m, x: (m.tensor([1, -5]) << 2, m.tensor([9, -9]) >> m.tensor([1, 2])),
    "heaviside": lambda m, x: m.heaviside(x.detach(), x.detach()),
    "sinc": lambda m, x: m.sinc(x),
    "sinc at zero": lambda m, x: m.sinc(0 * x),
    "cdist": lambda m, x: m.cdist(x, x[:, :2] + 5),
    "vander": lambda m, x: m.vander(x[0, 0].detach(), increasing=True),
    "vander N": lambda m, x: m.vander(x[0, 0].detach(), 3),
    "cov": lambda m, x: m.cov(x[0]),
    "corrcoef": lambda m, x: x[0].corrcoef(),
    "trapezoid": lambda m, x: m.trapezoid(x, dx=0.5, dim=1),
    "squeeze_": lambda m, x: (x * 1)[:1].clone().squeeze_(0).unsqueeze_(-1).transpose_(0, 1) * 2,
    "t_": lambda m, x: (x[0] * 2).t_() * 3,
    "is_": lambda m, x: (x.is_floating_point(), x.is_signed(), x.is_same_size(x), m.is_complex(x)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_recipes(name):
    run = SHAPES[name]
    check(lambda x: run(minidl, x), lambda x: run(torch, x), draw(2, 3, 4))


PRODUCTS = {
    "matmul": lambda m, a, b, c, v: a @ b,
    "batches": lambda m, a, b, c, v: m.matmul(c, b),
    "batch of both": lambda m, a, b, c, v: c @ c.transpose(1, 2),
    "row": lambda m, a, b, c, v: v @ b,
    "column": lambda m, a, b, c, v: c @ v,
    "vectors": lambda m, a, b, c, v: m.dot(v, v),
    "mm": lambda m, a, b, c, v: m.mm(a, b),
    "mv": lambda m, a, b, c, v: a.mv(v),
    "bmm": lambda m, a, b, c, v: m.bmm(c, c.mT),
    "outer": lambda m, a, b, c, v: m.outer(v, a[0]),
    "addmm": lambda m, a, b, c, v: m.addmm(b[0], a, b, beta=0.5, alpha=2),
    "baddbmm": lambda m, a, b, c, v: m.baddbmm(a[:, :3], c, c.mT),
    "addmv": lambda m, a, b, c, v: m.addmv(a[:, 0], a, v),
    "addr": lambda m, a, b, c, v: m.addr(a[:, :4], a[:, 0], v, beta=2),
    "inner": lambda m, a, b, c, v: m.inner(a, c),
    "tensordot": lambda m, a, b, c, v: m.tensordot(c, b, 1),
    "tensordot lists": lambda m, a, b, c, v: m.tensordot(c, a, dims=([1, 2], [0, 1])),
    "trace": lambda m, a, b, c, v: m.trace(a @ b[:, :3]),
    "einsum mm": lambda m, a, b, c, v: m.einsum("ij,jk->ik", a, b),
    "einsum implicit": lambda m, a, b, c, v: m.einsum("ij,jk", a, b),
    "einsum implicit order": lambda m, a, b, c, v: m.einsum("ba", a),
    "einsum batch": lambda m, a, b, c, v: m.einsum("bij,bkj->bik", c, c),
    "einsum dots": lambda m, a, b, c, v: m.einsum("...ij,jk->...ik", c, b),
    "einsum dots sum": lambda m, a, b, c, v: m.einsum("...i->...", c),
    "einsum trace": lambda m, a, b, c, v: m.einsum("ii", a @ b[:, :3]),
    "einsum diagonal": lambda m, a, b, c, v: m.einsum("ii->i", a @ b[:, :3]),
    "einsum three": lambda m, a, b, c, v: m.einsum("ij,j,jk->k", a, v, b),
    "einsum sum": lambda m, a, b, c, v: m.einsum("ij->", a),
    "einsum outer": lambda m, a, b, c, v: m.einsum("i,j->ji", v, a[0]),
    "linalg inv": lambda m, a, b, c, v: m.linalg.inv(a @ a.T + m.eye(3, dtype=m.float64)),
    "linalg solve": lambda m, a, b, c, v: m.linalg.solve(a @ a.T + m.eye(3, dtype=m.float64), a),
    "linalg solve vector": lambda m, a, b, c, v: m.linalg.solve(a @ a.T + m.eye(3, dtype=m.float64), a[:, 0]),
    "linalg det": lambda m, a, b, c, v: m.linalg.det(a @ a.T),
    "linalg cholesky": lambda m, a, b, c, v: m.linalg.cholesky(a @ a.T + m.eye(3, dtype=m.float64)),
    "linalg norm": lambda m, a, b, c, v: m.linalg.norm(a),
    "linalg norm 1": lambda m, a, b, c, v: m.linalg.norm(a, 1),
    "linalg norm inf": lambda m, a, b, c, v: m.linalg.matrix_norm(a, math.inf),
    "linalg vector_norm": lambda m, a, b, c, v: m.linalg.vector_norm(c, 3, (0, 2)),
    "linalg matrix_power": lambda m, a, b, c, v: m.linalg.matrix_power(a @ b[:, :3], 5),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    run = PRODUCTS[name]
    arrays = draw(3, 4), draw(4, 5, seed=1), draw(3, 3, 4, seed=2), draw(4, seed=3)
    check(lambda *xs: run(minidl, *xs), lambda *xs: run(torch, *xs), *arrays)


CREATED = [
    "tensor([1, 2])", "tensor([1.0, 2])", "tensor([True, False])", "tensor(3)", "tensor([])", "tensor([[], []])",
    "tensor([True, 2])", "tensor([[1, 2], [3, 4.5]])", "tensor(2.5)", "tensor([1, 2], dtype=m.float64)",
    "tensor([0.1, 0.2], dtype=m.float64)", "tensor(0.1, dtype=m.float64)",
    "tensor([[0.1], [1]], dtype=m.float64)", "as_tensor([0.3], dtype=m.float64)", "full((2,), 0.1, dtype=m.float64)",
    "tensor([m.tensor(1.0), 2.5])", "tensor([m.tensor([1, 2]).tolist(), [3, 4]])", "tensor((1, 2))",
    "tensor(range(3))", "tensor(np.arange(3, dtype='int16'))", "tensor(np.float64(2))", "tensor([np.float64(1)])",
    "as_tensor([1, 2.0])", "tensor([1.5, -2.5], dtype=m.int64)", "tensor([0, 2], dtype=m.bool)", "zeros(2, 3)",
    "zeros((2, 3))", "zeros([])", "zeros(0)", "ones(2, dtype=m.int8)", "full((2,), 3)", "full((2,), 3.0)",
    "full((2,), True)", "eye(3)", "eye(2, 4)", "arange(5)", "arange(2, 9, 3)", "arange(3.0)", "arange(0, 1, 0.3)",
    "arange(5, 0, -2)", "arange(0, 2, dtype=m.float64)", "linspace(0, 1, 5)", "linspace(2, 3, 1)",
    "linspace(0, 1, 0)", "logspace(0, 2, 3)", "zeros_like(m.ones(2, 3))", "full_like(m.ones(2), 7)",
    "ones_like(m.zeros(2), dtype=m.int64)", "tril_indices(3, 4)", "triu_indices(3, 4, 1)",
    "ones(2, dtype=m.float16).new_tensor([1, 2])", "ones(2, dtype=m.int32).new_zeros(2, 3)",
    "ones(2).new_full((2,), 5)", "zeros(1, dtype=float)", "zeros(1, dtype=int)", "bincount(m.tensor([1, 3, 1]))",
    "isin(m.tensor([1, 2]), m.tensor([2]))", "searchsorted(m.tensor([1.0, 3, 5]), m.tensor([0.0, 3, 6]))",
    "bucketize(m.tensor([3.0]), m.tensor([1.0, 3]), right=True)",
    "tensor([3, 1, 3]).unique(return_inverse=True, return_counts=True)", "tensor([1, 0, 2]).nonzero()",
    "tensor(3).nonzero()", "tensor(5).sort()", "tensor([1.0, float('nan'), 3]).sort(descending=True)",
    "tensor([1.0, float('nan'), 3]).median()", "tensor([2.0, 1.0, float('nan')]).median(0)", "tensor(5).topk(1)",
    "tensor([1.0, float('nan')]).max()", "tensor([1.0, float('nan')]).max(0)", "tensor([1.0, float('nan')]).argmax()",
    "tensor([7]) / 2", "tensor([7]) + 0.5", "tensor([7]) * True", "tensor([True]) + True", "tensor([True]) + 1",
    "tensor([7], dtype=m.int8) * 2", "tensor([1.5], dtype=m.float16) + 1", "tensor(1.5, dtype=m.float64) + m.ones(2)",
    "tensor([6, 5]) & 3", "tensor([True, False]) | m.tensor([False, False])", "~m.tensor([True])", "~m.tensor([5])",
    "tensor([5]) ^ 1", "tensor([1, 2]) == m.tensor([1.0, 2.5])", "tensor([1, 2]) < 1.5",
    "equal(m.ones(2), m.ones(2))", "allclose(m.ones(2), m.ones(2) + 1e-9)", "tensor([1, 2]).clamp(min=1.5)",
    "tensor([2]) ** 3", "tensor([2]) ** 0.5", "tensor([2.0]).item()", "tensor([1, 2]).tolist()",
    "tensor(2.7).__int__()", "tensor([[1, 2]]).numel()", "promote_types(m.int8, m.uint8)",
    "result_type(m.tensor([1]), 1.0)", "can_cast(m.float32, m.int64)", "is_tensor(m.ones(1))", "is_tensor(1)",
    "broadcast_shapes((2, 1), (3,))", "where(m.tensor([True, False]), 1, 2)",
    "where(m.tensor([True, False]), 1.0, 2)", "where(m.tensor([True]), m.tensor([1]), 2.5)",
    "nan_to_num(m.tensor([1.0, float('inf')]))", "ones(2, 3).sum(dim=())", "ones(2, 3).size()", "ones(2, 3).size(-1)",
    "ones(2, 3).stride()", "ones(2, 3).T.stride(0)", "tensor([3, 1, 2]).max(0)", "tensor([3, 1, 2]).sum()",
    "tensor([True, True]).sum()", "tensor([3, 4]).cumprod(0)", "tensor([1, 2, 3]).float().mean()",
    "tensor([1, 2]).dtype == m.int64", "ones(3).is_contiguous()", "ones(2, 3).t().is_contiguous()",
    "tensor([1.0, 2.0]).erfc()", "tensor([10.0, 5.0, -3.0], dtype=m.float64).erfc()", "tensor(1).expand(2)",
    "tensor([0.5, 1.5, 2.5]).round()", "argwhere(m.tensor([[0, 1]]))", "count_nonzero(m.tensor([[0, 1], [2, 3]]), 0)",
    "len(m.ones(3, 2))",
]  # fmt: skip


@pytest.mark.parametrize("text", CREATED)
@pytest.mark.filterwarnings("ignore:.*(extremely slow|copy construct).*:UserWarning")
def test_expressions(text):
    def run(m):
        prefix = "" if text.startswith(("~", "len")) else "m."
        return eval(prefix + text, {"m": m, "np": np, "float": float})

    try:
        theirs = run(torch)
    except Exception as error:
        with pytest.raises(type(error)):
            run(minidl)
        return
    ours = run(minidl)
    if isinstance(theirs, torch.dtype):
        assert str(ours) == str(theirs).removeprefix("torch.")
    else:
        assert_same(ours, theirs)


def test_logaddexp_bends_where_both_are_equal():
    """Its second derivative is ¼ there; it was 0, because the difference of equal numbers was taken for a constant."""
    a = minidl.tensor(1.0, requires_grad=True)
    (slope,) = minidl.autograd.grad(minidl.logaddexp(a, minidl.tensor(1.0)), a, create_graph=True)
    (bend,) = minidl.autograd.grad(slope, a)
    assert bend.item() == pytest.approx(0.25)
