"""Which steps of a sequence count: a mask travels with the tensor it belongs to, for as long as that lives."""

import weakref
from typing import Any

from ..autograd import Tensor

_masks: dict[int, tuple[Any, Tensor]] = {}  # by identity: tensors compare element by element


def mask_of(t: Any) -> Tensor | None:
    """The mask that was put on a tensor, (batch, steps) of booleans, or None."""
    found = _masks.get(id(t))
    return None if found is None or found[0]() is not t else found[1]


def put_mask(t: Tensor, mask: Tensor | None) -> None:
    """Let a mask travel with a tensor."""
    if mask is not None:
        place = id(t)
        _masks[place] = (weakref.ref(t, lambda ref: _masks.pop(place, None)), mask)
    else:
        _masks.pop(id(t), None)
