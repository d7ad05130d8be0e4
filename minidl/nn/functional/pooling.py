"""Pooling: the largest or the mean of each window."""

from collections.abc import Sequence
from typing import Any

from ...autograd import OPS, Tensor
from ...errors import refusal
from .arguments import Ints, batched, in_rows, out_of_rows, several


def max_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; with return_indices also where it stands, as row · W + column."""
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest of each window; with return_indices also where it stands."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Ints, stride: Ints | None = None, padding: Ints = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool = False,
) -> Any:  # fmt: skip
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _max_pool(name, n, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices):
    x, back, how = _windows(name, n, input, kernel_size, stride, padding, ceil_mode)
    how["dilation"] = (*(1,) * (2 - n), *several(dilation, n, "dilation", name, least=1))
    y = back(OPS.max_pool2d(x, **how))
    return (y, back(OPS.max_pool2d_places(x, **how))) if return_indices else y


def avg_pool2d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window."""
    if divisor_override == 0:
        raise refusal(RuntimeError, "avg_pool2d", "divisor_override cannot be 0", input=input)
    x, back, how = _windows("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode)
    return back(OPS.avg_pool2d(x, **how, count_include_pad=bool(count_include_pad), divisor_override=divisor_override))


def avg_pool1d(
    input: Tensor,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:
    """The mean of each window."""
    x, back, how = _windows("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode)
    return back(OPS.avg_pool2d(x, **how, count_include_pad=bool(count_include_pad)))


def lp_pool2d(
    input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window."""
    y = avg_pool2d(input**norm_type, kernel_size, stride, 0, ceil_mode, divisor_override=1)
    return OPS.relu(y) ** (1.0 / norm_type)


def lp_pool1d(
    input: Tensor, norm_type: float, kernel_size: int, stride: Ints | None = None, ceil_mode: bool = False
) -> Tensor:
    """(Σ xᵖ)^(1/p) of each window."""
    means = avg_pool1d(input**norm_type, kernel_size, stride, 0, ceil_mode)
    return OPS.relu(means * float(kernel_size)) ** (1.0 / norm_type)


def _windows(name, n, input, kernel_size, stride, padding, ceil_mode):
    """The input as (N, C, H, W), the way back, and the keywords of the op."""
    kernel = several(kernel_size, n, "kernel_size", name, least=1)
    steps = kernel if stride is None or stride == () or stride == [] else several(stride, n, "stride", name, least=1)
    around = several(padding, n, "padding", name, least=0)
    x, unbatched = batched(input, n + 2, name, ("C, L", "C, H, W")[n - 1])
    if x.dtype.kind != "f":
        raise refusal(NotImplementedError, name, "floats are expected; convert with .float()", input=input)
    if n == 1:
        kernel, steps, around = (1, *kernel), (1, *steps), (0, *around)
    back = unbatched if n == 2 else lambda y: unbatched(out_of_rows(y))
    how = {"kernel": kernel, "stride": steps, "padding": around, "ceil_mode": bool(ceil_mode)}
    return x if n == 2 else in_rows(x), back, how


def adaptive_avg_pool2d(input: Tensor, output_size: int | None | Sequence[int | None]) -> Tensor:
    """The means of as many windows as the result has places; None keeps the input's size along an axis."""
    x, unbatched = batched(input, 4, "adaptive_avg_pool2d", "C, H, W")
    return unbatched(_means(x, _sizes("adaptive_avg_pool2d", output_size, x.shape[2:])))


def adaptive_avg_pool1d(input: Tensor, output_size: Ints) -> Tensor:
    """The means of as many windows as the result has places."""
    x, unbatched = batched(input, 3, "adaptive_avg_pool1d", "C, L")
    return unbatched(out_of_rows(_means(in_rows(x), (1, *_sizes("adaptive_avg_pool1d", output_size, x.shape[2:])))))


def _means(x: Tensor, size: tuple[int, ...]) -> Tensor:
    H, W = x.shape[2:]
    if size == (1, 1) and H and W:
        return OPS.mean(x, axis=(2, 3), keepdims=True)
    if 0 in size or H % size[0] or W % size[1] or not H or not W:
        return OPS.adaptive_avg_pool2d(x, size=size)
    window = (H // size[0], W // size[1])
    return OPS.avg_pool2d(x, kernel=window, stride=window)


def adaptive_max_pool2d(
    input: Tensor, output_size: int | None | Sequence[int | None], return_indices: bool = False
) -> Any:
    """The largest of each of as many windows as the result has places."""
    x, unbatched = batched(input, 4, "adaptive_max_pool2d", "C, H, W")
    y, places = _largest(x, _sizes("adaptive_max_pool2d", output_size, x.shape[2:]))
    return (unbatched(y), unbatched(places)) if return_indices else unbatched(y)


def adaptive_max_pool1d(input: Tensor, output_size: Ints, return_indices: bool = False) -> Any:
    """The largest of each of as many windows as the result has places."""
    x, unbatched = batched(input, 3, "adaptive_max_pool1d", "C, L")
    y, places = _largest(in_rows(x), (1, *_sizes("adaptive_max_pool1d", output_size, x.shape[2:])))
    back = lambda t: unbatched(out_of_rows(t))
    return (back(y), back(places)) if return_indices else back(y)


def _largest(x: Tensor, size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Window by window: few enough, and of different sizes."""
    N, C, H, W = x.shape
    flat = OPS.reshape(x, shape=(N, C, H * W))
    edges = lambda n, m: [(i * n // m, -(-(i + 1) * n // m)) for i in range(m)]
    places = []
    for top, bottom in edges(H, size[0]):
        for left, right in edges(W, size[1]):
            width, window = right - left, x.detach()[:, :, top:bottom, left:right]
            window = OPS.reshape(window, shape=(N, C, (bottom - top) * width))
            first = OPS.argmax(window, axis=2, keepdims=True)
            places.append((OPS.floor_divide(first, width) + top) * W + OPS.mod(first, width) + left)
    index = OPS.concatenate(*places, axis=2)
    shape = (N, C, *size)
    return OPS.reshape(OPS.take_along_axis(flat, index, axis=2), shape=shape), OPS.reshape(index, shape=shape)


def _sizes(name, output_size, given):
    asked = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * len(given)
    asked = asked * len(given) if len(asked) == 1 else asked
    if len(asked) != len(given):
        raise refusal(ValueError, name, f"output_size is one number or {len(given)}, got {output_size!r}")
    return several(tuple(g if a is None else a for a, g in zip(asked, given)), len(given), "output_size", name, least=0)
