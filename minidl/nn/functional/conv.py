"""Affine maps: of vectors, and of every patch of a signal or a picture."""

from ...autograd import OPS, Tensor
from ...errors import ShapeError, refusal
from .arguments import SPACES, Ints, batched, several
from .shape import pad


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x wᵀ + b."""
    if weight.ndim == 1:  # one output, without an axis of its own
        y = OPS.matmul(input, weight)
        return y if bias is None else y + bias
    return OPS.linear(input, weight, bias)


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """yₖ = x₁ᵀ wₖ x₂ + bₖ."""
    lead = input1.shape[:-1]
    if lead != input2.shape[:-1] or weight.ndim != 3 or weight.shape[1:] != (input1.shape[-1], input2.shape[-1]):
        raise refusal(
            RuntimeError, "bilinear", "input1 (…, I), input2 (…, J) and weight (K, I, J) are expected",
            input1=input1, input2=input2, weight=weight,
        )  # fmt: skip
    rows = lambda x: OPS.reshape(x, shape=(-1, x.shape[-1]))
    y = OPS.einsum(rows(input1), weight, rows(input2), subscripts="ni,kij,nj->nk")
    y = OPS.reshape(y, shape=(*lead, weight.shape[0]))
    return y if bias is None else y + bias


def conv1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide filters over signals: input (N, C, L) or (C, L), weight (F, C/groups, k)."""
    return _conv("conv1d", 1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide filters over pictures: input (N, C, H, W) or (C, H, W), weight (F, C/groups, kh, kw)."""
    return _conv("conv2d", 2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1,
    padding: Ints | str = 0, dilation: Ints = 1, groups: int = 1,
) -> Tensor:  # fmt: skip
    """Slide filters over volumes: input (N, C, D, H, W) or (C, D, H, W), weight (F, C/groups, kd, kh, kw)."""
    return _conv("conv3d", 3, input, weight, bias, stride, padding, dilation, groups)


def _conv(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None,
    stride: Ints, padding: Ints | str, dilation: Ints, groups: int,
) -> Tensor:  # fmt: skip
    steps, spread = several(stride, n, "stride", name, least=1), several(dilation, n, "dilation", name, least=1)
    x, unbatched = _checked(name, n, input, weight, groups, 1)
    if isinstance(padding, str):
        x, around = _padded(name, x, weight, padding, steps, spread)
    else:
        around = several(padding, n, "padding", name, least=0)
    return unbatched(OPS.conv(x, weight, bias, stride=steps, padding=around, dilation=spread, groups=groups))


def _padded(
    name: str, x: Tensor, weight: Tensor, padding: str, stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[Tensor, tuple[int, ...]]:
    """x and the padding on both sides that "valid" or "same" stands for."""
    if padding not in ("valid", "same"):
        raise refusal(ValueError, name, f'padding is a number, "valid" or "same", got {padding!r}', input=x)
    if padding == "valid":
        return x, (0,) * len(stride)
    if any(s != 1 for s in stride):
        raise refusal(RuntimeError, name, "padding='same' is not supported for strided convolutions", input=x)
    total = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    if any(t % 2 for t in total):  # the odd one goes to the right, and below
        x = pad(x, [side for t in reversed(total) for side in (0, t % 2)])
    return x, tuple(t // 2 for t in total)


def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """conv1d's input gradient as a layer: input (N, F, L) or (F, L), weight (F, C/groups, k)."""
    how = stride, padding, output_padding, groups, dilation
    return _conv_transpose("conv_transpose1d", 1, input, weight, bias, *how)


def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """conv2d's input gradient as a layer: input (N, F, H, W) or (F, H, W), weight (F, C/groups, kh, kw)."""
    how = stride, padding, output_padding, groups, dilation
    return _conv_transpose("conv_transpose2d", 2, input, weight, bias, *how)


def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor | None = None, stride: Ints = 1, padding: Ints = 0,
    output_padding: Ints = 0, groups: int = 1, dilation: Ints = 1,
) -> Tensor:  # fmt: skip
    """conv3d's input gradient as a layer: input (N, F, D, H, W) or (F, D, H, W), weight (F, C/groups, kd, kh, kw)."""
    how = stride, padding, output_padding, groups, dilation
    return _conv_transpose("conv_transpose3d", 3, input, weight, bias, *how)


def _conv_transpose(
    name: str, n: int, input: Tensor, weight: Tensor, bias: Tensor | None,
    stride: Ints, padding: Ints, output_padding: Ints, groups: int, dilation: Ints,
) -> Tensor:  # fmt: skip
    steps, spread = several(stride, n, "stride", name, least=1), several(dilation, n, "dilation", name, least=1)
    around, more = several(padding, n, "padding", name, least=0), several(output_padding, n, "output_padding", name)
    if any(m >= max(s, d) for m, s, d in zip(more, steps, spread)):
        reason = f"output_padding={more} must be smaller than stride={steps} or dilation={spread}"
        raise refusal(RuntimeError, name, reason, input=input)
    x, unbatched = _checked(name, n, input, weight, groups, 0)
    how = {"stride": steps, "padding": around, "output_padding": more, "dilation": spread, "groups": groups}
    return unbatched(OPS.conv_transpose(x, weight, bias, **how))


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """conv1d with time first: input (T, N, C), weight (k, C, F)."""
    if input.ndim != 3 or weight.ndim != 3:
        raise refusal(
            RuntimeError, "conv_tbc", "input (T, N, C) and weight (k, C, F) are expected", input=input, weight=weight
        )
    y = conv1d(OPS.transpose(input, axes=(1, 2, 0)), OPS.transpose(weight, axes=(2, 1, 0)), bias, padding=pad)
    return OPS.transpose(y, axes=(2, 0, 1))


def _checked(name, n, input, weight, groups, kernel_axis):
    """The input with a batch axis, and the way back, once its axes and channels (that axis of the weight) are right."""
    if weight.ndim != n + 2:
        reason = f"a weight with {n + 2} axes is expected, ({('k', 'kh, kw', 'kd, kh, kw')[n - 1]}) last"
        raise refusal(RuntimeError, name, reason, input=input, weight=weight)
    if groups < 1:
        raise refusal(RuntimeError, name, f"groups must be at least 1, got {groups}", input=input)
    x, unbatched = batched(input, n + 2, name, SPACES[n])
    C, channels = x.shape[1], weight.shape[kernel_axis] * (groups if kernel_axis else 1)
    if C != channels:
        reason = f"the input has {C} channels, weight {weight.shape} expects {channels} with groups={groups}"
        raise refusal(ShapeError, name, reason, input=input, weight=weight)
    return x, unbatched


def unfold(input: Tensor, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1) -> Tensor:
    """Every patch as a column: (N, C, H, W) → (N, C kh kw, L)."""
    kernel, spread, around, steps = _window("unfold", kernel_size, dilation, padding, stride)
    x, unbatched = batched(input, 4, "unfold", "C, H, W")
    size = [n + 2 * p - d * (k - 1) for n, p, d, k in zip(x.shape[2:], around, spread, kernel)]
    if min(size) < 1:
        raise refusal(
            RuntimeError, "unfold", f"the kernel {kernel} is larger than the input with padding={around}", input=input
        )
    x = OPS.pad(x, pad_width=((0, 0), (0, 0), *((p, p) for p in around))) if any(around) else x
    return unbatched(OPS.im2col(x, kernel=kernel, stride=steps, dilation=spread))


def fold(
    input: Tensor, output_size: Ints, kernel_size: Ints, dilation: Ints = 1, padding: Ints = 0, stride: Ints = 1
) -> Tensor:
    """Columns added up where their patches lie, the adjoint of unfold: (N, C kh kw, L) → (N, C, H, W)."""
    kernel, spread, around, steps = _window("fold", kernel_size, dilation, padding, stride)
    size = several(output_size, 2, "output_size", "fold", least=1)
    x, unbatched = batched(input, 3, "fold", "C kh kw, L")
    wide = [n + 2 * p for n, p in zip(size, around)]
    count = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(wide, spread, kernel, steps)]
    if x.shape[1] % (kernel[0] * kernel[1]) or x.shape[2] != count[0] * count[1]:
        expected = f"(N, C · {kernel[0]} · {kernel[1]}, {count[0]} · {count[1]})"
        raise refusal(RuntimeError, "fold", f"{expected} is expected for output_size={size}", input=input)
    shape = (x.shape[0], x.shape[1] // (kernel[0] * kernel[1]), *wide)
    y = OPS.col2im(x, kernel=kernel, stride=steps, dilation=spread, shape=shape)
    return unbatched(y[:, :, around[0] : wide[0] - around[0], around[1] : wide[1] - around[1]])


def _window(name: str, kernel_size: Ints, dilation: Ints, padding: Ints, stride: Ints) -> list[tuple[int, ...]]:
    named = {"kernel_size": (kernel_size, 1), "dilation": (dilation, 1), "padding": (padding, 0), "stride": (stride, 1)}
    return [several(value, 2, key, name, least) for key, (value, least) in named.items()]
