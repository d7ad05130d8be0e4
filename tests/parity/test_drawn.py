"""Calls that hypothesis draws, on both sides: shapes, strides, dims (also wrong ones), NaN and infinities."""

import warnings

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import minidl

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here; install the extra 'parity'")
from .compare import flat, same  # noqa: E402  # these import torch
from .outcomes import Outcome, gradients  # noqa: E402

SIZES = st.integers(0, 4)
SHAPES = st.lists(SIZES, max_size=4).map(tuple)
LAYOUTS = st.sampled_from(["as made", "transposed", "every second", "expanded", "flipped", "last of a stack"])
NUMBERS = {
    "float64": [0.0, -0.0, 1.0, -1.5, 0.3, 2.5, -7.25, np.inf, -np.inf, np.nan],
    "int64": [0, 1, -1, 2, 5, -7],
    "bool": [False, True],
}
DTYPES = st.sampled_from(["float64", "float64", "float64", "int64", "bool"])


def arranged(t, layout):
    """The tensor with other strides (and, mostly, other numbers): the same for both libraries."""
    if layout == "transposed" and t.ndim > 1:
        return t.transpose(0, -1)
    if layout == "every second" and t.ndim:
        return t[..., ::2]
    if layout == "expanded":
        return t.unsqueeze(0).expand(2, *t.shape)
    if layout == "flipped" and t.ndim:
        return t.flip(0)
    if layout == "last of a stack" and t.ndim and t.shape[0]:
        return t[-1]
    return t


@st.composite
def tensors(draw, shapes=SHAPES, dtypes=DTYPES, tame=False):
    """(array, layout): what both libraries make their tensor of."""
    dtype, shape = draw(dtypes), draw(shapes)
    numbers = NUMBERS[dtype][:7] if tame else NUMBERS[dtype]
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    array = rng.choice(np.array(numbers, dtype), size=shape)
    if tame and dtype == "float64":  # without ties, which each library may break its own way
        array = rng.permutation(np.linspace(-2, 2, array.size)).reshape(shape)
    return array, draw(LAYOUTS)


def made(module, array, layout, grad):
    leaf = module.tensor(array)
    if grad and array.dtype.kind == "f":
        leaf.requires_grad = True
    return leaf, arranged(leaf, layout)


def attempt(module, call, drawn, grad):
    """(leaves, results or the error)"""
    pairs = [made(module, *d, grad) for d in drawn]
    try:
        return [leaf for leaf, _ in pairs], call(module, *[t for _, t in pairs])
    except Exception as error:
        return [], error


ONE_OF_TWO = (IndexError, RuntimeError)  # where two things are wrong at once, either may be told first


def check(call, *drawn, grad=True):
    """Both give the same, or both refuse with one kind of error; then the first gradients."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        ours, mine = attempt(minidl, call, drawn, grad)
        theirs, expected = attempt(torch, call, drawn, grad)
        if isinstance(expected, NotImplementedError):
            return  # PyTorch lacks the loop for this dtype
        if isinstance(expected, Exception):
            kinds = (type(expected), *ONE_OF_TWO) if isinstance(expected, ONE_OF_TWO) else type(expected)
            assert isinstance(mine, kinds), f"PyTorch: {expected!r}\nminidl: {mine!r}"
            return
        if isinstance(mine, Exception):
            raise mine
        why = same(mine, expected)
        assert not why, why
        if not all(np.isfinite(array).all() for array, _ in drawn):
            return  # nor are slopes at infinities and NaN anybody's promise
        outcome = Outcome("", "", "function", "float64", 0, "")
        gradients(list(zip(theirs, ours)), flat(mine), flat(expected), True, outcome)
        assert not outcome.why, outcome.why


def named(data, names):
    """A function of that name, called as such or as a method."""
    name, method = data.draw(st.sampled_from(names)), data.draw(st.booleans())

    def call(module, x, *args, **keywords):
        if method and hasattr(torch.Tensor, name):
            return getattr(x, name)(*args, **keywords)
        return getattr(module, name)(x, *args, **keywords)

    return call


def dims(ndim):
    """Mostly dims that there are, from both ends; sometimes one beyond."""
    return st.integers(-ndim - 1, ndim)


ONE = """abs neg exp expm1 exp2 log log1p log2 log10 sqrt rsqrt square reciprocal sin cos tan asin acos atan sinh cosh
asinh acosh atanh tanh erf erfc sigmoid relu sign floor ceil trunc round isnan isinf isfinite isposinf isneginf signbit
logical_not nan_to_num positive deg2rad rad2deg clone flatten ravel t numel sinc""".split()


@given(st.data(), tensors())
@settings(max_examples=200)
def test_functions_of_one_tensor(data, x):
    check(named(data, ONE), x)


TWO = """add sub mul div maximum minimum fmax fmin hypot eq ne lt le gt ge logical_and
logical_or logical_xor true_divide heaviside""".split()
OPERATORS = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a < b,
             lambda a, b: a >= b, lambda a, b: a == b, lambda a, b: a != b]  # fmt: skip


@given(st.data(), tensors(), tensors())
@settings(max_examples=200)
def test_functions_of_two_tensors(data, a, b):
    check(named(data, TWO), a, b)


@given(st.data(), tensors())
@settings(max_examples=100)
def test_operators_with_numbers(data, a):
    operator, swapped = data.draw(st.sampled_from(OPERATORS)), data.draw(st.booleans())
    number = data.draw(st.sampled_from([0, 1, -2, 0.5, float("inf"), float("nan")]))
    if a[0].dtype != bool or operator not in OPERATORS[1:2]:  # a truth value under −: see test_promotion.py
        check(lambda module, x: operator(number, x) if swapped else operator(x, number), a)


REDUCTIONS = "sum mean prod std var amax amin logsumexp all any nansum count_nonzero norm".split()
ALONG = "max min median cumsum cumprod argmax argmin sort softmax log_softmax logcumsumexp unbind".split()


@given(st.data(), tensors(tame=True))
@settings(max_examples=250)
def test_reductions(data, x):
    ndim = arranged(minidl.tensor(x[0]), x[1]).ndim
    name = data.draw(st.sampled_from(REDUCTIONS))
    dim = data.draw(st.one_of(dims(ndim), st.lists(dims(ndim), min_size=1, max_size=2).map(tuple)))
    if name in ("prod", "logsumexp", "std", "var") and isinstance(dim, tuple):
        dim = dim[0]
    keywords = data.draw(st.sampled_from([{}, {"keepdim": True}, {"keepdim": False}]))
    if name in ("count_nonzero",):
        keywords = {}
    if name == "norm":
        check(lambda module, t: module.norm(t, 2, dim, **keywords), x)
    elif data.draw(st.booleans()):
        check(lambda module, t: getattr(module, name)(t, dim, **keywords), x)
    else:
        check(lambda module, t: getattr(t, name)(dim=dim, **keywords), x)


@given(st.data(), tensors(tame=True, dtypes=st.just("float64")))
@settings(max_examples=200)
def test_along_one_dim(data, x):
    ndim = arranged(minidl.tensor(x[0]), x[1]).ndim
    call, dim = named(data, ALONG), data.draw(dims(ndim))
    if data.draw(st.booleans()):
        check(lambda module, t: call(module, t, dim), x)
    else:
        check(lambda module, t: call(module, t, dim=dim), x)


@st.composite
def rearrangements(draw, ndim):
    """(name, arguments) of a function that moves numbers, with dims of which some do not exist."""
    dim, other, size = draw(dims(ndim)), draw(dims(ndim)), draw(st.integers(-1, 3))
    return draw(st.sampled_from([
        ("transpose", (dim, other)), ("movedim", (dim, other)), ("swapaxes", (dim, other)), ("squeeze", ()),
        ("squeeze", (dim,)), ("unsqueeze", (dim,)), ("flatten", (dim, other)), ("flip", ((dim,),)),
        ("flip", ((dim, other),)), ("roll", (size, dim)), ("roll", (size,)), ("narrow", (dim, size, 1)),
        ("select", (dim, size)), ("chunk", (size, dim)), ("split", (size, dim)), ("tile", ((2, size),)),
        ("broadcast_to", ((2, *[size] * ndim),)), ("reshape", ((-1, size),)), ("reshape", ((size, -1),)),
        ("diff", (1, dim)), ("tril", (size,)), ("triu", (size,)), ("diagonal", (size, dim, other)),
        ("index_select", (dim, "indices")), ("permute", (tuple(range(ndim))[::-1],)), ("unflatten", (dim, (1, -1))),
        ("repeat_interleave", (2, dim)), ("tensor_split", (max(size, 1), dim)), ("rot90", (size, (dim, other))),
        ("cumsum", (dim,)), ("diag_embed", (size, dim, other)), ("unbind", (dim,)), ("stack", ("twice", dim)),
        ("cat", ("twice", dim)), ("hstack", ("twice",)), ("vstack", ("twice",)), ("atleast_2d", ()),
    ]))  # fmt: skip


@given(st.data(), tensors())
@settings(max_examples=400)
def test_rearrangements(data, x):
    ndim = arranged(minidl.tensor(x[0]), x[1]).ndim
    name, args = data.draw(rearrangements(ndim))

    def call(module, t):
        found = [module.tensor([0, 0]) if a == "indices" else a for a in args if a != "twice"]
        return getattr(module, name)([t, t] if "twice" in args else t, *found)

    check(call, x)
