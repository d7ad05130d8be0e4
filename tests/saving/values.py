"""What the tests of saving share: tensors, and the question whether two nested values are the same."""

import struct

import numpy as np

from minidl.autograd import Tensor


def tensor(values, dtype=None, requires_grad=False):
    return Tensor(np.array(values, dtype), requires_grad)


def same(a, b):
    """The same kinds, keys in the same order, and bits (so that nan is nan and -0.0 is not 0.0)."""
    if isinstance(a, Tensor):
        return isinstance(b, Tensor) and a.requires_grad == b.requires_grad and same(a.array, b.array)
    if type(a) is not type(b):
        return False
    if isinstance(a, np.ndarray):
        native = a.dtype.newbyteorder("=")
        return b.dtype == native and a.shape == b.shape and a.astype(native).tobytes() == b.tobytes()
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(p, q) for p, q in zip(a.items(), b.items()))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)
    return a == b
