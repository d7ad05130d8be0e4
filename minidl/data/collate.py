"""From a list of examples to a batch."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

from ..api import stack, tensor
from ..autograd import Tensor
from ..errors import ShapeError, describe


def default_collate(batch: Sequence[Any]) -> Any:
    """Stack what can be stacked, part by part.

    tensors and arrays → a tensor with a new first axis; numbers → a tensor (floats: float64, as PyTorch has it);
    tuples → a list with a batch for each part, a namedtuple → one of batches; dicts → a dict of batches;
    strings and bytes → the list of them"""
    if not batch:
        raise IndexError("default_collate: a batch of no examples has no shape")
    first = batch[0]
    if isinstance(first, Tensor):
        _check_alike("tensors", batch)
        return stack(list(batch))
    if isinstance(first, np.ndarray):
        _check_alike("arrays", batch)
        if first.dtype.kind not in "fiub":
            raise TypeError(f"default_collate: arrays of {first.dtype} cannot become a tensor")
        return Tensor(np.stack(batch))
    if isinstance(first, (str, bytes)):
        return batch
    if isinstance(first, np.generic):
        return Tensor(np.stack(batch))
    if isinstance(first, float):
        return tensor(batch, dtype="float64")
    if isinstance(first, int):
        return tensor(batch)
    if isinstance(first, Mapping):
        return _like(first, {key: default_collate([example[key] for example in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(part) for part in zip(*batch)))
    if isinstance(first, Sequence):
        if len({len(example) for example in batch}) > 1:
            lengths = sorted({len(example) for example in batch})
            raise ShapeError(f"default_collate: each element in a batch should be of equal size, got {lengths} parts")
        return [default_collate(part) for part in zip(*batch)]
    raise TypeError(
        f"default_collate: examples are tensors, arrays, numbers, strings, or tuples, lists and dicts of these, got "
        f"{describe(first)}; give the DataLoader a collate_fn"
    )


def default_convert(example: Any) -> Any:
    """Arrays become tensors, the rest stays: what a DataLoader without batches does."""
    if isinstance(example, (np.ndarray, np.generic)):
        return tensor(example) if example.dtype.kind in "fiub" else example
    if isinstance(example, Mapping):
        return _like(example, {key: default_convert(value) for key, value in example.items()})
    if isinstance(example, tuple) and hasattr(example, "_fields"):
        return type(example)(*map(default_convert, example))
    if isinstance(example, (tuple, list)):
        return [default_convert(part) for part in example]
    return example


def _like(mapping: Any, made: dict[Any, Any]) -> Any:
    """The same kind of mapping (an OrderedDict, a defaultdict …) with other values, where it lets itself be made."""
    try:
        if not isinstance(mapping, MutableMapping):
            return type(mapping)(made)
        clone = copy.copy(mapping)
        clone.update(made)
        return clone
    except TypeError:
        return made


def _check_alike(what: str, batch: Sequence[Any]) -> None:
    shapes = {tuple(example.shape) for example in batch}
    if len(shapes) > 1:
        raise ShapeError(
            f"default_collate: {what} must have one shape to be stacked, got {', '.join(map(str, sorted(shapes)))}; "
            "pad them, or give the DataLoader a collate_fn"
        )
