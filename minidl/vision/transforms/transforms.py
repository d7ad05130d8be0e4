"""The transforms as objects. What is random is drawn from minidl's generator: seed it with `minidl.manual_seed`."""

import math
import numbers
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...autograd import Tensor
from ...backend import default_generator
from ...nn import Module
from ..arrays import pil_image
from . import functional as F
from .functional import InterpolationMode


def _uniform(low: float, high: float) -> float:
    return float(default_generator.numpy.uniform(low, high))


def _integer(low: int, high: int) -> int:
    """From low to high, both included."""
    return int(default_generator.numpy.integers(low, high + 1))


def _chance(p: float) -> bool:
    return float(default_generator.numpy.random()) < p


class Compose:
    """One transform after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for t in self.transforms:
            img = t(img)
        return img

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", *(f"    {t}" for t in self.transforms), ")"])


class ToTensor:
    """An image of Pillow or an array (H, W[, C]) of bytes → a float tensor (C, H, W) in [0, 1]."""

    def __call__(self, pic: Any) -> Tensor:
        return F.to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class PILToTensor:
    """An image of Pillow → a tensor (C, H, W), values as they are."""

    def __call__(self, pic: Any) -> Tensor:
        return F.pil_to_tensor(pic)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ConvertImageDtype(Module):
    """Another dtype, values scaled with it."""

    def __init__(self, dtype: Any) -> None:
        super().__init__()
        self.dtype = dtype

    def forward(self, image: Any) -> Any:
        return F.convert_image_dtype(image, self.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class ToPILImage:
    """A tensor (C, H, W) or an array (H, W, C) → an image of Pillow."""

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        return F.to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.mode is None else f'mode={self.mode}'})"


class Lambda:
    """Any function as a transform."""

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Argument lambd should be callable, got {type(lambd).__name__!r}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Normalize(Module):
    """(x − mean) / std, channel by channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        super().__init__()
        self.mean, self.std, self.inplace = mean, std, inplace

    def forward(self, tensor: Any) -> Any:
        return F.normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mean={self.mean}, std={self.std})"


class Resize(Module):
    """To (height, width), or the smaller edge to `size`."""

    def __init__(
        self,
        size: Any,
        interpolation: Any = InterpolationMode.BILINEAR,
        max_size: int | None = None,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        if not isinstance(size, (int, list, tuple)) and not (size is None and max_size is not None):
            raise TypeError(f"Size should be int or sequence. Got {type(size)}")
        if isinstance(size, (list, tuple)) and len(size) not in (1, 2):
            raise ValueError("If size is a sequence, it should have 1 or 2 values")
        self.size, self.max_size, self.antialias = size, max_size, antialias
        self.interpolation = _interpolation(interpolation)

    def forward(self, img: Any) -> Any:
        return F.resize(img, self.size, self.interpolation, self.max_size, self.antialias)

    def __repr__(self) -> str:
        detail = f"interpolation={self.interpolation.value}, max_size={self.max_size}, antialias={self.antialias}"
        return f"{type(self).__name__}(size={self.size}, {detail})"


def _interpolation(value: Any) -> InterpolationMode:
    return InterpolationMode(F._mode(value))


def _size(size: Any, message: str = "Please provide only two dimensions (h, w) for size.") -> tuple[int, int]:
    if isinstance(size, numbers.Integral):
        return int(size), int(size)
    if not isinstance(size, (list, tuple)) or len(size) not in (1, 2):
        raise ValueError(message)
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


class CenterCrop(Module):
    """The middle of the image."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _size(size)

    def forward(self, img: Any) -> Any:
        return F.center_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class Pad(Module):
    """A margin around the image."""

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        F._padding(padding)
        if not isinstance(fill, (numbers.Number, str, tuple, list)):
            raise TypeError("Got inappropriate fill arg")
        if padding_mode not in F._PADDING_MODES:
            raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def forward(self, img: Any) -> Any:
        return F.pad(img, self.padding, self.fill, self.padding_mode)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(padding={self.padding}, fill={self.fill}, padding_mode={self.padding_mode})"


class RandomApply(Module):
    """All of the transforms, or, with probability 1 − p, none."""

    def __init__(self, transforms: Any, p: float = 0.5) -> None:
        super().__init__()
        self.transforms, self.p = transforms, p

    def forward(self, img: Any) -> Any:
        if _chance(self.p):
            for t in self.transforms:
                img = t(img)
        return img

    def __repr__(self) -> str:
        return "\n".join([f"{type(self).__name__}(", f"    p={self.p}", *(f"    {t}" for t in self.transforms), ")"])


class RandomOrder(Compose):
    """All of the transforms, in a random order."""

    def __call__(self, img: Any) -> Any:
        for k in default_generator.numpy.permutation(len(self.transforms)):
            img = self.transforms[k](img)
        return img


class RandomChoice(Compose):
    """One of the transforms, drawn with the weights p."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: Sequence[float] | None = None) -> None:
        if p is not None and (not hasattr(p, "__len__") or len(p) != len(transforms)):
            raise TypeError("Argument p should be a sequence with a weight for each transform")
        super().__init__(transforms)
        self.p = p

    def __call__(self, img: Any) -> Any:
        weights = None if self.p is None else np.asarray(self.p, float) / np.sum(self.p)
        return self.transforms[default_generator.numpy.choice(len(self.transforms), p=weights)](img)

    def __repr__(self) -> str:
        return f"{super().__repr__()}(p={self.p})"


class RandomCrop(Module):
    """A window of this size at a random place, after padding."""

    def __init__(
        self, size: Any, padding: Any = None, pad_if_needed: bool = False, fill: Any = 0, padding_mode: str = "constant"
    ) -> None:
        super().__init__()
        self.size = _size(size)
        if padding is not None:
            F._padding(padding)
        self.padding, self.pad_if_needed, self.fill, self.padding_mode = padding, pad_if_needed, fill, padding_mode

    @staticmethod
    def get_params(img: Any, output_size: tuple[int, int]) -> tuple[int, int, int, int]:
        """top, left, height, width"""
        _, h, w = F.get_dimensions(img)
        height, width = output_size
        if h < height or w < width:
            raise ValueError(f"Required crop size {(height, width)} is larger than input image size {(h, w)}")
        if (h, w) == (height, width):
            return 0, 0, h, w
        return _integer(0, h - height), _integer(0, w - width), height, width

    def forward(self, img: Any) -> Any:
        if self.padding is not None:
            img = F.pad(img, self.padding, self.fill, self.padding_mode)
        _, h, w = F.get_dimensions(img)
        if self.pad_if_needed and w < self.size[1]:
            img = F.pad(img, [self.size[1] - w, 0], self.fill, self.padding_mode)
        if self.pad_if_needed and h < self.size[0]:
            img = F.pad(img, [0, self.size[0] - h], self.fill, self.padding_mode)
        return F.crop(img, *self.get_params(img, self.size))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, padding={self.padding})"


class _RandomFlip(Module):
    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomHorizontalFlip(_RandomFlip):
    """Left and right exchanged with probability p."""

    def forward(self, img: Any) -> Any:
        return F.hflip(img) if _chance(self.p) else img


class RandomVerticalFlip(_RandomFlip):
    """Top and bottom exchanged with probability p."""

    def forward(self, img: Any) -> Any:
        return F.vflip(img) if _chance(self.p) else img


class RandomResizedCrop(Module):
    """A random part of the image, of a random aspect ratio, resized: how Inception was trained."""

    def __init__(
        self,
        size: Any,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = InterpolationMode.BILINEAR,
        antialias: bool | None = True,
    ) -> None:
        super().__init__()
        self.size = _size(size)
        for name, value in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(value, Sequence):
                raise TypeError(f"{name} should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.scale, self.ratio, self.antialias = scale, ratio, antialias
        self.interpolation = _interpolation(interpolation)

    @staticmethod
    def get_params(img: Any, scale: Sequence[float], ratio: Sequence[float]) -> tuple[int, int, int, int]:
        """top, left, height, width"""
        _, h, w = F.get_dimensions(img)
        for _ in range(10):
            area = h * w * _uniform(scale[0], scale[1])
            aspect = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1])))
            width, height = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if 0 < width <= w and 0 < height <= h:
                return _integer(0, h - height), _integer(0, w - width), height, width
        width, height = w, h  # the largest window in the middle whose aspect ratio is allowed
        if w / h < min(ratio):
            height = round(w / min(ratio))
        elif w / h > max(ratio):
            width = round(h * max(ratio))
        return (h - height) // 2, (w - width) // 2, height, width

    def forward(self, img: Any) -> Any:
        window = self.get_params(img, self.scale, self.ratio)
        return F.resized_crop(img, *window, self.size, self.interpolation, self.antialias)

    def __repr__(self) -> str:
        scale, ratio = (tuple(round(s, 4) for s in pair) for pair in (self.scale, self.ratio))
        how = f"interpolation={self.interpolation.value}, antialias={self.antialias}"
        return f"{type(self).__name__}(size={self.size}, scale={scale}, ratio={ratio}, {how})"


class FiveCrop(Module):
    """The four corners and the middle, as a tuple."""

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _size(size)

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.five_crop(img, self.size)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size})"


class TenCrop(Module):
    """The five crops of the image and of the flipped one, as a tuple."""

    def __init__(self, size: Any, vertical_flip: bool = False) -> None:
        super().__init__()
        self.size, self.vertical_flip = _size(size), vertical_flip

    def forward(self, img: Any) -> tuple[Any, ...]:
        return F.ten_crop(img, self.size, self.vertical_flip)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, vertical_flip={self.vertical_flip})"


class ColorJitter(Module):
    """Brightness, contrast, saturation and hue changed at random, in a random order.

    A number x draws the factor from [max(0, 1 − x), 1 + x] (hue: [−x, x]); a pair is the range itself."""

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        super().__init__()
        self.brightness = self._range(brightness, "brightness")
        self.contrast = self._range(contrast, "contrast")
        self.saturation = self._range(saturation, "saturation")
        self.hue = self._range(hue, "hue", center=0.0, bound=(-0.5, 0.5), clip_first_on_zero=False)

    @staticmethod
    def _range(
        value: Any,
        name: str,
        center: float = 1.0,
        bound: tuple[float, float] = (0.0, math.inf),
        clip_first_on_zero: bool = True,
    ) -> tuple[float, float] | None:
        if isinstance(value, numbers.Real):
            if value < 0:
                raise ValueError(f"If {name} is a single number, it must be non negative.")
            low, high = center - float(value), center + float(value)
            low = max(low, 0.0) if clip_first_on_zero else low
        elif isinstance(value, (tuple, list)) and len(value) == 2:
            low, high = float(value[0]), float(value[1])
        else:
            raise TypeError(f"{name} should be a single number or a list/tuple with length 2.")
        if not bound[0] <= low <= high <= bound[1]:
            raise ValueError(f"{name} values should be between {bound}, but got {[low, high]}.")
        return None if low == high == center else (low, high)

    @staticmethod
    def get_params(brightness: Any, contrast: Any, saturation: Any, hue: Any) -> tuple[Any, ...]:
        """The order of the four changes, and a factor for each or None."""
        order = default_generator.numpy.permutation(4)
        return (order, *(None if r is None else _uniform(r[0], r[1]) for r in (brightness, contrast, saturation, hue)))

    def forward(self, img: Any) -> Any:
        order, *factors = self.get_params(self.brightness, self.contrast, self.saturation, self.hue)
        changes = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for k in order:
            if factors[k] is not None:
                img = changes[k](img, factors[k])
        return img

    def __repr__(self) -> str:
        names = ("brightness", "contrast", "saturation", "hue")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"


def _angles(value: Any, name: str, sizes: tuple[int, ...] = (2,)) -> list[float]:
    """A number d is the range from −d to d."""
    if isinstance(value, numbers.Real):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be positive.")
        return [-float(value), float(value)]
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} should be a sequence of length {' or '.join(map(str, sizes))}.")
    if len(value) not in sizes:
        raise ValueError(f"{name} should be a sequence of length {' or '.join(map(str, sizes))}.")
    return [float(v) for v in value]


def _fill_checked(fill: Any) -> Any:
    if fill is None:
        return 0
    if not isinstance(fill, (Sequence, numbers.Number)):
        raise TypeError("Fill should be either a sequence or a number.")
    return fill


class RandomRotation(Module):
    """Turned by a random angle; a number d is the range from −d to d degrees."""

    def __init__(
        self,
        degrees: Any,
        interpolation: Any = InterpolationMode.NEAREST,
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: Any = 0,
    ) -> None:
        super().__init__()
        self.degrees, self.expand, self.center = _angles(degrees, "degrees"), expand, F._center(center)
        self.interpolation, self.fill = _interpolation(interpolation), _fill_checked(fill)

    @staticmethod
    def get_params(degrees: Sequence[float]) -> float:
        return _uniform(degrees[0], degrees[1])

    def forward(self, img: Any) -> Any:
        angle = self.get_params(self.degrees)
        return F.rotate(img, angle, self.interpolation, self.expand, self.center, self.fill)

    def __repr__(self) -> str:
        text = f"degrees={self.degrees}, interpolation={self.interpolation.value}, expand={self.expand}"
        text += "" if self.center is None else f", center={self.center}"
        return f"{type(self).__name__}({text}, fill={self.fill})"


class RandomAffine(Module):
    """Turned, moved (by parts of width and height), scaled and sheared at random, the middle staying the centre."""

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = InterpolationMode.NEAREST,
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.degrees = _angles(degrees, "degrees")
        for name, value in (("translate", translate), ("scale", scale)):
            if value is not None and (not isinstance(value, (list, tuple)) or len(value) != 2):
                raise TypeError(f"{name} should be a sequence of length 2.")
        if translate is not None and not all(0.0 <= t <= 1.0 for t in translate):
            raise ValueError("translation values should be between 0 and 1")
        if scale is not None and not all(s > 0 for s in scale):
            raise ValueError("scale values should be positive")
        self.translate, self.scale = translate, scale
        self.shear = None if shear is None else _angles(shear, "shear", (2, 4))
        self.interpolation, self.fill = _interpolation(interpolation), _fill_checked(fill)
        self.center = F._center(center)

    @staticmethod
    def get_params(
        degrees: Sequence[float],
        translate: Sequence[float] | None,
        scale_ranges: Sequence[float] | None,
        shears: Sequence[float] | None,
        img_size: Sequence[int],
    ) -> tuple[float, tuple[int, int], float, tuple[float, float]]:
        """angle, (x, y) in pixels, scale, (x, y) in degrees; img_size is (width, height)"""
        angle = _uniform(degrees[0], degrees[1])
        reach = [float(t * n) for t, n in zip(translate, img_size)] if translate is not None else [0.0, 0.0]
        move = (round(_uniform(-reach[0], reach[0])), round(_uniform(-reach[1], reach[1])))
        scale = 1.0 if scale_ranges is None else _uniform(scale_ranges[0], scale_ranges[1])
        sx = 0.0 if shears is None else _uniform(shears[0], shears[1])
        sy = 0.0 if shears is None or len(shears) < 4 else _uniform(shears[2], shears[3])
        return angle, move, scale, (sx, sy)

    def forward(self, img: Any) -> Any:
        params = self.get_params(self.degrees, self.translate, self.scale, self.shear, F.get_image_size(img))
        return F.affine(img, *params, interpolation=self.interpolation, fill=self.fill, center=self.center)

    def __repr__(self) -> str:
        text = f"degrees={self.degrees}"
        for name in ("translate", "scale", "shear"):
            text += "" if getattr(self, name) is None else f", {name}={getattr(self, name)}"
        nearest = self.interpolation is InterpolationMode.NEAREST
        text += "" if nearest else f", interpolation={self.interpolation.value}"
        text += f", fill={self.fill}" if self.fill != 0 else ""
        text += "" if self.center is None else f", center={self.center}"
        return f"{type(self).__name__}({text})"


class Grayscale(Module):
    """Grey, in one channel or in three that are equal."""

    def __init__(self, num_output_channels: int = 1) -> None:
        super().__init__()
        self.num_output_channels = num_output_channels

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, self.num_output_channels)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_output_channels={self.num_output_channels})"


class RandomGrayscale(Module):
    """Grey with probability p, in as many channels as before."""

    def __init__(self, p: float = 0.1) -> None:
        super().__init__()
        self.p = p

    def forward(self, img: Any) -> Any:
        return F.rgb_to_grayscale(img, F.get_image_num_channels(img)) if _chance(self.p) else img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p})"


class RandomErasing(Module):
    """A random window of a tensor overwritten with probability p (Zhong et al. 2017).

    value: a number, one for each channel, or "random" for normal noise."""

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        super().__init__()
        if not isinstance(value, (numbers.Number, str, tuple, list)):
            raise TypeError("Argument value should be either a number or str or a sequence")
        if isinstance(value, str) and value != "random":
            raise ValueError("If value is str, it should be 'random'")
        for name, pair in (("Scale", scale), ("Ratio", ratio)):
            if not isinstance(pair, (tuple, list)):
                raise TypeError(f"{name} should be a sequence")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        if scale[0] < 0 or scale[1] > 1:
            raise ValueError("Scale should be between 0 and 1")
        if not 0 <= p <= 1:
            raise ValueError("Random erasing probability should be between 0 and 1")
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    @staticmethod
    def get_params(
        img: Any, scale: Sequence[float], ratio: Sequence[float], value: Sequence[float] | None = None
    ) -> tuple[int, int, int, int, Any]:
        """top, left, height, width and what to write; value None is noise"""
        c, h, w = F.get_dimensions(img)
        for _ in range(10):
            area = h * w * _uniform(scale[0], scale[1])
            aspect = math.exp(_uniform(math.log(ratio[0]), math.log(ratio[1])))
            height, width = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
            if not (height < h and width < w):
                continue
            if value is None:
                new = default_generator.numpy.standard_normal((c, height, width), dtype=np.float32)
            else:
                new = np.asarray(value, np.float32)[:, None, None]
            return _integer(0, h - height), _integer(0, w - width), height, width, new
        return 0, 0, h, w, img

    def forward(self, img: Any) -> Any:
        if not _chance(self.p):
            return img
        if pil_image(img):
            raise TypeError("RandomErasing works on tensors: put it after ToTensor")
        value: Any = self.value
        value = None if value == "random" else [float(value)] if isinstance(value, numbers.Real) else list(value)
        if value is not None and len(value) not in (1, F.get_image_num_channels(img)):
            raise ValueError(
                "If value is a sequence, it should have either a single value or "
                f"{F.get_image_num_channels(img)} (number of input channels)"
            )
        i, j, h, w, v = self.get_params(img, self.scale, self.ratio, value)
        return img if v is img else F.erase(img, i, j, h, w, v, self.inplace)

    def __repr__(self) -> str:
        names = ("p", "scale", "ratio", "value", "inplace")
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)}' for name in names)})"


class GaussianBlur(Module):
    """Blurred by a Gaussian whose sigma is drawn from a range."""

    def __init__(self, kernel_size: Any, sigma: Any = (0.1, 2.0)) -> None:
        super().__init__()
        self.kernel_size = _size(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(n <= 0 or n % 2 == 0 for n in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        if isinstance(sigma, numbers.Real):
            sigma = (float(sigma), float(sigma))
        if not isinstance(sigma, (tuple, list)) or len(sigma) != 2:
            raise TypeError("sigma should be a single number or a list/tuple with length 2.")
        if not 0.0 < sigma[0] <= sigma[1]:
            raise ValueError("sigma values should be positive and of the form (min, max).")
        self.sigma = sigma

    @staticmethod
    def get_params(sigma_min: float, sigma_max: float) -> float:
        return _uniform(sigma_min, sigma_max)

    def forward(self, img: Any) -> Any:
        sigma = self.get_params(self.sigma[0], self.sigma[1])
        return F.gaussian_blur(img, list(self.kernel_size), [sigma, sigma])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kernel_size={self.kernel_size}, sigma={self.sigma})"
