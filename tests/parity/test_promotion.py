"""The dtype of every result is PyTorch's: all pairs of dtypes, with axes, without, and each kind of Python number."""

import itertools

import numpy as np
import pytest

import minidl

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")

DTYPES = [str(d) for d in minidl.backend.dtypes.DTYPES]
KINDS = [*((d, shape) for d in DTYPES for shape in ((2,), ())), True, 3, 2.5]

# Called as f(module, a, b). The first group is also tried with each kind of Python number.
OPERATIONS = {
    "a + b": lambda m, a, b: a + b,
    "a - b": lambda m, a, b: a - b,
    "a * b": lambda m, a, b: a * b,
    "a / b": lambda m, a, b: a / b,
    "a // b": lambda m, a, b: a // b,
    "a % b": lambda m, a, b: a % b,
    "a ** b": lambda m, a, b: a**b,
    "a == b": lambda m, a, b: a == b,
    "a < b": lambda m, a, b: a < b,
    "a & b": lambda m, a, b: a & b,
    "where": lambda m, a, b: m.where(m.tensor([True, False]), a, b),
    "clamp": lambda m, a, b: m.clamp(a, min=b),
    "float_power": lambda m, a, b: m.float_power(a, b),
    "xlogy": lambda m, a, b: m.xlogy(a, b),
    "result_type": lambda m, a, b: m.empty(0, dtype=m.result_type(a, b)),
    "masked_fill": lambda m, a, b: m.masked_fill(a, m.tensor([True, False]), b),
    "a += b": lambda m, a, b: a.add_(b),
    "a /= b": lambda m, a, b: a.div_(b),
    "a **= b": lambda m, a, b: a.pow_(b),
    "a[...] = b": lambda m, a, b: a.__setitem__(Ellipsis, b) or a,
}
TENSORS = {
    "maximum": lambda m, a, b: m.maximum(a, b),
    "fmin": lambda m, a, b: m.fmin(a, b),
    "atan2": lambda m, a, b: m.atan2(a, b),
    "hypot": lambda m, a, b: m.hypot(a, b),
    "logaddexp": lambda m, a, b: m.logaddexp(a, b),
    "copysign": lambda m, a, b: m.copysign(a, b),
    "heaviside": lambda m, a, b: m.heaviside(a, b),
    "logical_xor": lambda m, a, b: m.logical_xor(a, b),
    "bitwise_left_shift": lambda m, a, b: m.bitwise_left_shift(a, b),
    "cat": lambda m, a, b: m.cat([m.atleast_1d(a), m.atleast_1d(b)]),
    "stack": lambda m, a, b: m.stack([a.expand(2), b.expand(2)]),
    "matmul": lambda m, a, b: a @ b,
    "outer": lambda m, a, b: m.outer(a.reshape(-1), b.reshape(-1)),
    "lerp": lambda m, a, b: m.lerp(a, b, 0.5),
    "addcmul": lambda m, a, b: m.addcmul(a, b, b),
    "isclose": lambda m, a, b: m.isclose(a, b),
}


# Of these pairs PyTorch's answer is not ours. A truth value under − counts as 0 or 1, as under + (sub() refuses it, as
# PyTorch does); and x ** True of truth values x is whole, as every other power of theirs.
OURS = {
    "a - b": lambda pair: "bool" in str(pair) or any(k is True for k in pair),
    "a ** b": lambda pair: pair[1] is True and "bool" in pair[0],
    "a **= b": lambda pair: pair[1] is True and "bool" in pair[0],
}


def operand(module, kind):
    if not isinstance(kind, tuple):
        return kind
    dtype, shape = kind
    values = np.ones(shape, dtype)
    return module.from_numpy(values) if values.ndim else module.tensor(1, dtype=getattr(module, dtype))


def outcome(module, operation, kinds):
    try:
        return str(operation(module, *[operand(module, kind) for kind in kinds]).dtype).removeprefix("torch.")
    except NotImplementedError:
        return "no kernel"  # PyTorch's way to say that nobody wrote the loop for this dtype; a result is no difference
    except Exception:
        return "refused"


def pairs(operation):
    for a, b in itertools.product(KINDS, repeat=2):
        numbers = [k for k in (a, b) if not isinstance(k, tuple)]
        if len(numbers) < 2 and not (numbers and operation in TENSORS):
            yield a, b


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*OPERATIONS, *TENSORS])
def test_every_pair(name):
    operation = {**OPERATIONS, **TENSORS}[name]
    ours = {pair: outcome(minidl, operation, pair) for pair in pairs(name)}
    theirs = {pair: outcome(torch, operation, pair) for pair in pairs(name)}
    assert len(theirs) >= 324
    different = {pair: (ours[pair], theirs[pair]) for pair in theirs
                 if theirs[pair] not in (ours[pair], "no kernel") and not OURS.get(name, lambda pair: False)(pair)}
    assert not different, f"{len(different)} of {len(theirs)} differ (ours, theirs)"


ONE = """exp sqrt sin sigmoid reciprocal rsqrt abs neg sign floor round square positive logical_not bitwise_not isnan
sum prod mean std var max min amax argmax cumsum cumprod all any median nansum count_nonzero logsumexp softmax
sort unique nan_to_num frac trunc deg2rad""".split()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ONE)
def test_every_dtype(name):
    more = {"cumsum": (0,), "cumprod": (0,), "logsumexp": (0,), "softmax": (0,), "amax": ((0,),)}.get(name, ())

    def operation(module, x):
        result = getattr(module, name)(x, *more)
        return result[0] if isinstance(result, tuple) else result

    found = {d: (outcome(minidl, operation, [(d, (2,))]), outcome(torch, operation, [(d, (2,))])) for d in DTYPES}
    assert not {d: both for d, both in found.items() if both[1] not in (both[0], "no kernel")}
