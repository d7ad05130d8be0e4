"""The random numbers that functions need, drawn outside the formulas and handed to them."""

import math

from ...autograd import OPS, Tensor
from ...backend import default_generator, move


def uniform(shape: tuple[int, ...], like: Tensor, low: float = 0.0, high: float = 1.0) -> Tensor:
    """Numbers drawn evenly from [low, high), in the dtype and on the device of a tensor."""
    if like.is_meta:
        return OPS.zeros_like(like, shape=shape)
    draws = Tensor(move(default_generator.numpy.random(shape), like.device))
    return OPS.astype(low + (high - low) * draws, dtype=like.dtype)


def gumbel(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Gumbel noise, −log(−log u): adding it to logits and taking the largest samples the softmax."""
    if like.is_meta:
        return OPS.zeros_like(like, shape=shape)
    draws = Tensor(move(default_generator.numpy.gumbel(size=shape), like.device))
    return OPS.astype(draws, dtype=like.dtype)


def kept(shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
    """1 with probability 1 − p, else 0; p counts in steps of 2⁻¹⁶, so that a quarter of a random word decides."""
    if like.is_meta:
        return OPS.zeros_like(like, shape=shape)
    n = math.prod(shape)
    words = default_generator.numpy.integers(0, 2**64, -(-n // 4), dtype="uint64")
    draws = words.astype("<u8", copy=False).view("<u2")[:n] >= round(p * 2**16)
    return OPS.astype(OPS.reshape(Tensor(move(draws, like.device)), shape=shape), dtype=like.dtype)
