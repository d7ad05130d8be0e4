"""The transforms as functions.

An image is a tensor (…, C, H, W), a NumPy array (H, W) or (H, W, C), or an image of Pillow, and what comes out is of
the same kind. Images of Pillow go through Pillow, tensors and arrays through `pixels`. Only `normalize` has a
gradient."""

import math
import numbers
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from ...autograd import OPS, Tensor, is_grad_enabled, write
from ...backend import get_default_dtype
from ...errors import describe
from ..arrays import host, pil_image, tensor_of
from . import pillow, pixels


class InterpolationMode(Enum):
    """How values between pixels are made. `rotate` and `affine` of tensors know nearest and bilinear."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


_PILLOW_CODES = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}


def _mode(interpolation: Any) -> str:
    if isinstance(interpolation, InterpolationMode):
        return interpolation.value
    if isinstance(interpolation, int) and interpolation in _PILLOW_CODES:
        return _PILLOW_CODES[interpolation]
    raise TypeError(
        "Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant, "
        f"got {interpolation!r}"
    )


def _on(img: Any, change: Callable[[Any], Any]) -> Any:
    """`change` done to a tensor's or an array's pixels as (…, C, H, W), and the result of the same kind as `img`."""
    if isinstance(img, Tensor):
        if img.ndim < 2:
            raise TypeError(f"Tensor is not a torch image: (…, H, W) is needed, got shape {tuple(img.shape)}")
        if img.requires_grad and is_grad_enabled():
            raise NotImplementedError("of the transforms only normalize has a gradient; pass img.detach()")
        x = host(img)
        y = change(x)
        return img if y is x else tensor_of(_own(y, x), img.device)
    if isinstance(img, np.ndarray):
        if img.ndim not in (2, 3):
            raise ValueError(f"an image is an array (H, W) or (H, W, C), got shape {img.shape}")
        x = img[None] if img.ndim == 2 else img.transpose(2, 0, 1)
        y = change(x)
        flat = len(y) == 1 and not (img.ndim == 3 and len(x) == 1)  # made grey, or (H, W) as it was
        return img if y is x else _own(y[0] if flat else y.transpose(1, 2, 0), img)
    raise TypeError(f"img should be PIL Image, Tensor or array. Got {type(img)}")


def _own(y: Any, x: Any) -> Any:
    """Without the memory of `x`, and contiguous."""
    return y.copy() if np.may_share_memory(x, y) else np.ascontiguousarray(y)


def get_dimensions(img: Any) -> list[int]:
    """[C, H, W]"""
    if pil_image(img):
        return [len(img.getbands()), img.height, img.width]
    if isinstance(img, np.ndarray) and img.ndim in (2, 3):
        return [1 if img.ndim == 2 else img.shape[2], *img.shape[:2]]
    if isinstance(img, Tensor) and img.ndim >= 2:
        return [1 if img.ndim == 2 else img.shape[-3], *img.shape[-2:]]
    raise TypeError(f"an image is a PIL Image, a Tensor (…, H, W) or an array (H, W[, C]), got {describe(img)[:80]}")


def get_image_size(img: Any) -> list[int]:
    """[W, H]"""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]


# From one kind to another

_PIL_DTYPES = {"I": np.int32, "I;16": np.uint16, "F": np.float32}


def pil_to_tensor(pic: Any) -> Tensor:
    """The pixels as they are: uint8 (C, H, W) for most images."""
    if not pil_image(pic):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    x = np.array(pic, dtype=np.uint8 if pic.mode == "1" else _PIL_DTYPES.get(pic.mode))
    return tensor_of(np.ascontiguousarray((x[:, :, None] if x.ndim == 2 else x).transpose(2, 0, 1)))


def to_tensor(pic: Any) -> Tensor:
    """(H, W) or (H, W, C) → (C, H, W); bytes become floats in [0, 1], other dtypes stay."""
    if pil_image(pic):
        x = host(pil_to_tensor(pic))
        x = x * np.uint8(255) if pic.mode == "1" else x
    elif isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        x = (pic[:, :, None] if pic.ndim == 2 else pic).transpose(2, 0, 1)
        x = x.astype(x.dtype.newbyteorder("="), order="C")
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    return tensor_of(x.astype(get_default_dtype()) / get_default_dtype().type(255) if x.dtype == np.uint8 else x)


_MODES = {1: {"u1": "L", "i2": "I;16", "u2": "I;16", "i4": "I", "f4": "F"}}
_MODES |= {2: {"u1": "LA"}, 3: {"u1": "RGB"}, 4: {"u1": "RGBA"}}
_ALLOWED = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """An image of Pillow, of a tensor (C, H, W) or (H, W) or an array (H, W, C) or (H, W). A tensor's floats are
    taken for numbers in [0, 1]."""
    if not isinstance(pic, (Tensor, np.ndarray)):
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if pic.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
    x = host(pic)
    if isinstance(pic, Tensor):
        x = x[..., None] if x.ndim == 2 else x.transpose(1, 2, 0)
        if x.dtype.kind == "f" and mode != "F":
            x = (x * 255).astype(np.uint8)
    elif x.ndim == 2:
        x = x[..., None]
    count = x.shape[2]
    if count > 4 or not count:
        raise ValueError(f"pic should not have > 4 channels. Got {count} channels.")
    usual = _MODES[count].get(x.dtype.str[1:])
    allowed = (usual,) if count == 1 else _ALLOWED[count]
    if mode is not None and mode not in allowed:
        raise ValueError(f"Incorrect mode ({mode}) supplied for {describe(pic)}. Should be one of {allowed}")
    if usual is None:
        raise TypeError(f"Input type {x.dtype} is not supported for {count} channels; bytes (uint8) are for all")
    Image = _pillow("to_pil_image").Image
    x = np.ascontiguousarray(x[:, :, 0] if count == 1 else x)
    return Image.frombytes(mode, x.shape[1::-1], x.tobytes()) if mode not in (None, usual) else Image.fromarray(x)


def _pillow(name: str) -> Any:
    try:
        import PIL.Image
    except ImportError as error:
        raise ImportError(f"{name} needs Pillow: pip install pillow") from error
    return PIL


def convert_image_dtype(image: Any, dtype: Any = "float32") -> Any:
    """Another dtype, values scaled so that white stays white (1 for floats, the largest number for integers)."""
    return _on(image, lambda x: pixels.convert(x, np.dtype(dtype)))


def normalize(tensor: Any, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Any:
    """(x − mean) / std, channel by channel."""
    if not isinstance(tensor, (Tensor, np.ndarray)):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    if tensor.dtype.kind != "f":
        raise TypeError(f"Input tensor should be a float tensor. Got {tensor.dtype}.")
    if tensor.ndim < 3 and not (isinstance(tensor, np.ndarray) and tensor.ndim == 2):
        raise ValueError(
            f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tuple(tensor.shape)}"
        )
    count = get_dimensions(tensor)[0]
    m, s = (np.atleast_1d(np.asarray(host(v), dtype=tensor.dtype)) for v in (mean, std))
    where = None if isinstance(tensor, np.ndarray) else tensor.device
    if (s == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {tensor.dtype}, leading to division by zero.")
    for name, v in (("mean", m), ("std", s)):
        if v.ndim != 1 or len(v) not in (1, count) and count != 1:
            raise ValueError(f"normalize: {name} has {v.size} numbers, and the image {count} channels")
    if isinstance(tensor, np.ndarray):
        result = (tensor - m) / s
        if inplace:
            tensor[...] = result
        return tensor if inplace else result
    shift, scale = (tensor_of(v.reshape(-1, 1, 1), where) for v in (m, s))
    if inplace:
        write(OPS.sub, tensor, shift)
        write(OPS.div, tensor, scale)
        return tensor
    return OPS.div(OPS.sub(tensor, shift), scale)


# Geometry


def _pair(size: Any, name: str = "size") -> tuple[int, int]:
    """(height, width) of a number or of one or two."""
    if isinstance(size, numbers.Integral):
        return int(size), int(size)
    size = list(size)
    if len(size) not in (1, 2) or not all(isinstance(n, numbers.Integral) for n in size):
        raise ValueError(f"{name}: an int or a sequence of one or two ints (height, width) is needed, got {size}")
    return int(size[0]), int(size[-1])


def resized_size(height: int, width: int, size: Any, max_size: int | None = None) -> tuple[int, int]:
    """The (height, width) that `resize` gives an image."""
    if size is not None and not isinstance(size, numbers.Integral) and len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1"
            )
        return _pair(size)
    short, long = sorted((width, height))
    if size is None:
        if max_size is None:
            raise ValueError("resize: max_size is needed where size is None")
        new_short, new_long = int(max_size * short / long), max_size
    else:
        new_short, _ = _pair(size)
        new_long = int(new_short * long / short)
        if max_size is not None:
            if max_size <= new_short:
                raise ValueError(
                    f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge "
                    f"size = {size}"
                )
            if new_long > max_size:
                new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    img: Any,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """To (height, width), or the smaller edge to `size` with the larger at most `max_size`. Images of Pillow are always
    antialiased, as Pillow does it."""
    mode = _mode(interpolation)
    _, h, w = get_dimensions(img)
    if not h * w:
        raise ValueError(f"resize: the image of {h} × {w} has no pixels")
    height, width = resized_size(h, w, size, max_size)
    if min(height, width) < 1:
        raise ValueError(f"resize: height and width must be at least 1, got {height} and {width}")
    if (height, width) == (h, w):
        return img
    if pil_image(img):
        return pillow.resize(img, height, width, mode, True)
    if isinstance(img, np.ndarray) and mode == "nearest":
        mode = "nearest-exact"  # an array stands in for an image of Pillow
    return _on(img, lambda x: pixels.resize(x, height, width, mode, bool(antialias)))


_PADDING_MODES = ("constant", "edge", "reflect", "symmetric")


def _padding(padding: Any) -> tuple[int, int, int, int]:
    """left, top, right, bottom"""
    if isinstance(padding, numbers.Integral):
        padding = [padding]
    if not isinstance(padding, (tuple, list)):
        raise TypeError(f"Got inappropriate padding arg: {padding!r}")
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    padding = [int(n) for n in padding]
    return tuple(padding * (4 // len(padding)))


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """All sides by one number, or (left and right, top and bottom), or (left, top, right, bottom).

    constant: with `fill`; edge: the last pixel again; reflect: mirrored without the last pixel; symmetric: with it."""
    sides = _padding(padding)
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in _PADDING_MODES:
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if pil_image(img):
        return pillow.pad(img, sides, fill, padding_mode)
    return _on(img, lambda x: pixels.pad(x, sides, fill, padding_mode))


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A window of the image; what lies outside is 0."""
    if pil_image(img):
        return pillow.crop(img, top, left, height, width)
    return _on(img, lambda x: pixels.crop(x, top, left, height, width))


def center_crop(img: Any, output_size: Any) -> Any:
    """The middle of the image, which is padded with 0 where it is smaller."""
    height, width = _pair(output_size, "output_size")
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        dw, dh = max(width - w, 0), max(height - h, 0)
        img = pad(img, [dw // 2, dh // 2, (dw + 1) // 2, (dh + 1) // 2])
        _, h, w = get_dimensions(img)
        if (h, w) == (height, width):
            return img
    return crop(img, round((h - height) / 2.0), round((w - width) / 2.0), height, width)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Any,
    interpolation: Any = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    return pillow.hflip(img) if pil_image(img) else _on(img, lambda x: x[..., ::-1])


def vflip(img: Any) -> Any:
    return pillow.vflip(img) if pil_image(img) else _on(img, lambda x: x[..., ::-1, :])


def five_crop(img: Any, size: Any) -> tuple[Any, ...]:
    """Top left, top right, bottom left, bottom right, centre."""
    height, width = _pair(size)
    _, h, w = get_dimensions(img)
    if width > w or height > h:
        raise ValueError(f"Requested crop size {(height, width)} is bigger than input size {(h, w)}")
    corners = [crop(img, top, left, height, width) for top in (0, h - height) for left in (0, w - width)]
    return (*corners, center_crop(img, (height, width)))


def ten_crop(img: Any, size: Any, vertical_flip: bool = False) -> tuple[Any, ...]:
    """The five crops, and those of the flipped image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def inverse_affine_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> list[float]:
    """From the place of a pixel in the result to its place in the image: the inverse of T C R(angle) Sh scale C⁻¹,
    turning clockwise on the screen, with C the move to the centre."""
    turn, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(turn - sy) / math.cos(sy)
    b = -math.cos(turn - sy) * math.tan(sx) / math.cos(sy) - math.sin(turn)
    c = math.sin(turn - sy) / math.cos(sy)
    d = -math.sin(turn - sy) * math.tan(sx) / math.cos(sy) + math.cos(turn)
    (cx, cy), (tx, ty) = center, translate
    m = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]
    m[2] = m[0] * (-cx - tx) + m[1] * (-cy - ty) + cx
    m[5] = m[3] * (-cx - tx) + m[4] * (-cy - ty) + cy
    return m


def _center(center: Any) -> Any:
    if center is not None and (not isinstance(center, (list, tuple)) or len(center) != 2):
        raise TypeError(f"Argument center should be a sequence of two numbers (x, y), got {center!r}")
    return center


def _enlarged(m: Sequence[float], h: int, w: int) -> tuple[int, int]:
    """The (height, width) that holds the whole turned image."""
    corners = [(u, v) for u in (-w / 2, w / 2) for v in (-h / 2, h / 2)]
    x = [m[0] * u + m[1] * v + m[2] + w / 2 for u, v in corners]  # on the grid of the pixels' edges
    y = [m[3] * u + m[4] * v + m[5] + h / 2 for u, v in corners]
    span = lambda t: math.ceil(round(max(t), 4)) - math.floor(round(min(t), 4))  # an error of 1e-15 costs no row
    return span(y), span(x)


def rotate(
    img: Any,
    angle: float,
    interpolation: Any = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Turned counter-clockwise by `angle` degrees about `center` (x, y from the top left; by default the middle).
    expand: a result large enough for all of it (meant for turns about the middle)."""
    mode = _mode(interpolation)
    if not isinstance(angle, numbers.Real):
        raise TypeError("Argument angle should be int or float")
    _center(center)
    if pil_image(img):
        return pillow.rotate(img, float(angle), mode, expand, center, fill)
    _, h, w = get_dimensions(img)
    offset = (0.0, 0.0) if center is None else (center[0] - w / 2, center[1] - h / 2)
    matrix = inverse_affine_matrix(offset, -angle, (0.0, 0.0), 1.0, (0.0, 0.0))
    height, width = _enlarged(matrix, h, w) if expand else (h, w)
    return _on(img, lambda x: pixels.warp(x, matrix, height, width, mode, fill))


def affine(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: Any = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Turned clockwise by `angle` degrees, scaled, sheared (degrees along x, y) and moved by `translate` (x, y) pixels,
    about `center`."""
    mode = _mode(interpolation)
    if not isinstance(angle, numbers.Real):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    if not isinstance(shear, (numbers.Real, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shear = [shear, 0.0] if isinstance(shear, numbers.Real) else list(shear) * (2 if len(shear) == 1 else 1)
    if len(shear) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shear}")
    _center(center)
    _, h, w = get_dimensions(img)
    if pil_image(img):
        middle = (w * 0.5, h * 0.5) if center is None else center
        return pillow.affine(img, inverse_affine_matrix(middle, angle, translate, scale, shear), mode, fill)
    offset = (0.0, 0.0) if center is None else (center[0] - w / 2, center[1] - h / 2)
    matrix = inverse_affine_matrix(offset, angle, translate, scale, shear)
    return _on(img, lambda x: pixels.warp(x, matrix, h, w, mode, fill))


def gaussian_blur(img: Any, kernel_size: Any, sigma: Any = None) -> Any:
    """Blurred by a Gaussian of `kernel_size` pixels (x, y), odd; sigma is by default 0.3 ((size − 1)/2 − 1) + 0.8."""
    sizes = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2 or not all(isinstance(n, int) and n > 0 and n % 2 for n in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {kernel_size}")
    sigma = [0.15 * n + 0.35 for n in sizes] if sigma is None else sigma
    sigmas = [float(sigma)] * 2 if isinstance(sigma, (int, float)) else [float(s) for s in sigma]
    sigmas = sigmas * 2 if len(sigmas) == 1 else sigmas
    if len(sigmas) != 2 or min(sigmas) <= 0.0:
        raise ValueError(f"sigma should have positive values. Got {sigma}")
    if pil_image(img):
        return pillow.blur(img, sizes, sigmas)
    return _on(img, lambda x: pixels.blur(x, sizes, sigmas))


# Colour


def _colours(img: Any, name: str, counts: tuple[int, ...] = (1, 3)) -> None:
    count = get_dimensions(img)[0]
    if not pil_image(img) and (count not in counts or (isinstance(img, Tensor) and img.ndim < 3)):
        raise TypeError(f"{name}: Input image tensor permitted channel values are {list(counts)}, but found {count}")


def _factor(value: float, name: str) -> float:
    if value < 0:
        raise ValueError(f"{name} ({value}) is not non-negative.")
    return value


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0 is black, 1 the image itself, 2 twice as bright."""
    f = _factor(brightness_factor, "brightness_factor")
    return pillow.brightness(img, f) if pil_image(img) else _on(img, lambda x: pixels.brightness(x, f))


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0 is the mean grey, 1 the image itself, 2 twice the contrast."""
    f = _factor(contrast_factor, "contrast_factor")
    _colours(img, "adjust_contrast")
    return pillow.contrast(img, f) if pil_image(img) else _on(img, lambda x: pixels.contrast(x, f))


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0 is grey, 1 the image itself, 2 twice as colourful."""
    f = _factor(saturation_factor, "saturation_factor")
    _colours(img, "adjust_saturation")
    return pillow.saturation(img, f) if pil_image(img) else _on(img, lambda x: pixels.saturation(x, f))


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """The hue moved by a part of a turn, from −0.5 to 0.5; 0 is the image itself."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    _colours(img, "adjust_hue")
    return pillow.hue(img, hue_factor) if pil_image(img) else _on(img, lambda x: pixels.hue(x, hue_factor))


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain · x^γ, on values in [0, 1]."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return pillow.gamma(img, gamma, gain) if pil_image(img) else _on(img, lambda x: pixels.gamma(x, gamma, gain))


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """Grey, in one channel or in three that are equal."""
    if num_output_channels not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    if pil_image(img):
        return pillow.grey(img, num_output_channels)
    _colours(img, "rgb_to_grayscale")
    one = lambda x: pixels.grey(x)
    three = lambda x: np.repeat(pixels.grey(x), 3, axis=-3)
    return _on(img, one if num_output_channels == 1 else three)


def to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """rgb_to_grayscale, for images of Pillow."""
    if not pil_image(img):
        raise TypeError("Input should be PIL Image")
    return rgb_to_grayscale(img, num_output_channels)


def invert(img: Any) -> Any:
    """White minus the image."""
    if pil_image(img):
        from PIL import ImageOps

        return ImageOps.invert(img)
    return _on(img, lambda x: (pixels.largest(x.dtype) - x).astype(x.dtype))


def erase(img: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """The h × w window at (i, j) overwritten with v."""
    if not isinstance(img, (Tensor, np.ndarray)):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if isinstance(img, Tensor) and img.requires_grad and is_grad_enabled():
        raise NotImplementedError("erase has no gradient; use img.detach(), or minidl.no_grad()")
    value = host(v)
    if isinstance(img, Tensor):
        result = img if inplace else tensor_of(host(img).copy(), img.device)
        window = result.array[..., i : i + h, j : j + w]
        window[...] = tensor_of(np.broadcast_to(value, window.shape).astype(img.dtype), img.device).array
        result.memory.written(result.array)
        return result
    array = img if inplace else img.copy()
    array[i : i + h, j : j + w] = value.transpose(1, 2, 0) if value.ndim == 3 and img.ndim == 3 else value.squeeze()
    return array
