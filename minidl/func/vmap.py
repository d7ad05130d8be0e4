"""vmap: a function of one sample becomes a function of a batch.

The function runs once, on tensors that look like one sample and hold the whole batch (backend/batch.py): the formulas
compute for all samples at once, and so do their gradients."""

import functools
from collections.abc import Callable
from typing import Any

from ..autograd import OPS, Tensor
from ..autograd.batch import Batch
from ..backend.random import refusal
from ..errors import what_is
from .tree import leaves, rebuilt

NO_RANDOMNESS = (
    "vmap: a random operation was called; say with randomness=\"same\" or \"different\" whether all samples share its "
    "numbers"
)


def vmap(
    func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:  # fmt: skip
    """A function that maps `func` over an axis of its arguments.

    in_dims: which axis of each argument counts the samples; None: the argument is the same for all. out_dims: where
    that axis goes in the results. Nests of tensors have nests of dims, or one for all. randomness: are random draws
    refused ("error"), the "same" for all samples, or "different"? chunk_size: how many samples at a time."""
    if randomness not in ("error", "same", "different"):
        raise RuntimeError(f'vmap: randomness is "error", "same" or "different", got {randomness!r}')
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"vmap: chunk_size must be at least 1, got {chunk_size}")

    @functools.wraps(func)
    def mapped(*args: Any, **kwargs: Any) -> Any:
        flat, dims, count = _inputs(args, in_dims)
        if randomness == "different":
            return _one_by_one(func, args, kwargs, flat, dims, count, out_dims)
        if chunk_size is not None and count > chunk_size:
            return _in_chunks(func, args, kwargs, flat, dims, count, out_dims, randomness, chunk_size)
        return _at_once(func, args, kwargs, flat, dims, count, out_dims, randomness)

    return mapped


def _at_once(func, args, kwargs, flat, dims, count, out_dims, randomness):
    before = refusal.reason
    with Batch(count) as batch:
        refusal.reason = NO_RANDOMNESS if randomness == "error" else None
        try:
            taken = iter([x if d is None else batch.take(x, d) for x, d in zip(flat, dims)])
            result = func(*rebuilt(args, taken), **kwargs)
        finally:
            refusal.reason = before
        ys, ds = _outputs(result, out_dims)
        given = []
        for y, d in zip(ys, ds):
            if d is None and batch.holds(y):
                raise ValueError("vmap: out_dims=None is for results that are the same for all samples, and one is not")
            given.append(y if d is None else batch.give(y, _out_dim(d, y.ndim + 1)))
    return rebuilt(result, iter(given))


def _in_chunks(func, args, kwargs, flat, dims, count, out_dims, randomness, chunk_size):
    made = []
    for start in range(0, count, chunk_size):
        part = [
            x if d is None else x[(*(slice(None),) * d, slice(start, start + chunk_size))] for x, d in zip(flat, dims)
        ]
        n = min(chunk_size, count - start)
        made.append(_at_once(func, args, kwargs, part, dims, n, out_dims, randomness))
    _, ds = _outputs(made[0], out_dims)
    columns = zip(*map(leaves, made))
    joined = [c[0] if d is None else OPS.concatenate(*c, axis=_out_dim(d, c[0].ndim)) for c, d in zip(columns, ds)]
    return rebuilt(made[0], iter(joined))


def _one_by_one(func, args, kwargs, flat, dims, count, out_dims):
    """Sample after sample: each draws random numbers of its own."""
    before, made = refusal.reason, []
    refusal.reason = None
    try:
        for k in range(count):
            one = [x if d is None else x[(*(slice(None),) * d, k)] for x, d in zip(flat, dims)]
            made.append(func(*rebuilt(args, iter(one)), **kwargs))
    finally:
        refusal.reason = before
    if not made:
        raise RuntimeError("vmap: without samples, randomness=\"different\" has nothing to run")
    _, ds = _outputs(made[0], out_dims)
    joined = []
    for column, d in zip(zip(*map(leaves, made)), ds):
        at = 0 if d is None else _out_dim(d, column[0].ndim + 1)
        rows = [OPS.reshape(y, shape=(*y.shape[:at], 1, *y.shape[at:])) for y in column]
        joined.append(column[0] if d is None else OPS.concatenate(*rows, axis=at))
    return rebuilt(made[0], iter(joined))


def _inputs(args: Any, in_dims: Any) -> tuple[list[Any], list[int | None], int]:
    """The leaves of the arguments, the axis of samples of each, and how many samples there are."""
    if isinstance(in_dims, list):
        in_dims = tuple(in_dims)
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(f"vmap: in_dims is an integer or a tuple with one part for each argument, got {in_dims!r}")
    if not args:
        raise ValueError("vmap: the mapped function got no arguments; there must be something to map over")
    flat, dims = leaves(args), _spread("in_dims", in_dims, args)
    sizes = {}
    for k, (x, d) in enumerate(zip(flat, dims)):
        if d is None:
            continue
        if not isinstance(x, Tensor):
            raise ValueError(f"vmap: in_dim={d} was given for what is no tensor, {what_is(x)}; use None for it")
        if not -x.ndim <= d < x.ndim:
            raise ValueError(
                f"vmap: in_dim={d} was given for a tensor with {x.ndim} axes; expected {-x.ndim} <= in_dim < {x.ndim}"
            )
        dims[k] = d % x.ndim
        sizes[k] = x.shape[d % x.ndim]
    if not sizes:
        raise ValueError(f"vmap: no input is mapped over, as in_dims={in_dims}; at least one must be")
    if len(set(sizes.values())) > 1:
        found = list(sizes.values())
        raise ValueError(f"vmap: expected all tensors to have the same size in the mapped dimension, got sizes {found}")
    return flat, dims, next(iter(sizes.values()))


def _outputs(result: Any, out_dims: Any) -> tuple[list[Any], list[int | None]]:
    ys = leaves(result)
    for y in ys:
        if not isinstance(y, Tensor):
            raise ValueError(f"vmap: the function must return tensors only, got {what_is(y)}")
    if isinstance(result, Tensor) and isinstance(out_dims, (tuple, list)) and len(out_dims) == 1:
        out_dims = out_dims[0]
    return ys, _spread("out_dims", out_dims, result)


def _out_dim(d: int, ndim: int) -> int:
    if not -ndim <= d < ndim:
        raise IndexError(f"vmap: out_dim={d} is out of range for a result of {ndim} axes, the samples' included")
    return d % ndim


def _spread(name: str, dims: Any, value: Any) -> list[int | None]:
    """A dim for each leaf: one for all, or as many parts as the value has."""
    if dims is None or (isinstance(dims, int) and not isinstance(dims, bool)):
        return [dims] * len(leaves(value))
    parts: Any = None
    if isinstance(dims, dict) and isinstance(value, dict) and dims.keys() == value.keys():
        parts = [(dims[key], value[key]) for key in value]
    elif isinstance(dims, (tuple, list)) and isinstance(value, (tuple, list)) and len(dims) == len(value):
        parts = zip(dims, value)
    if parts is None:
        raise ValueError(f"vmap: {name}={dims!r} does not have the form of what it is for; give one part for each part")
    return [d for part, inner in parts for d in _spread(name, part, inner)]
