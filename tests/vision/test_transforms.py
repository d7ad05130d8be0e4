"""The transforms, beside Pillow (what torchvision does to images), PyTorch (what it does to tensors) and formulas."""

import math
import pickle
import sys

import numpy as np
import pytest

import minidl
from minidl.backend import manual_seed
from minidl.vision import transforms as T
from minidl.vision.arrays import host, tensor_of
from minidl.vision.transforms import InterpolationMode as Mode
from minidl.vision.transforms import functional as F

Image = pytest.importorskip("PIL.Image", reason="compares with Pillow: pip install pillow")


@pytest.fixture
def photo(rng):
    """Smooth, with noise, (37, 53, 3) of bytes."""
    y, x = np.mgrid[0:37, 0:53] / 10
    waves = np.stack([np.sin(x + y), np.cos(2 * x - y), np.sin(x * y)], -1) * 90 + 128
    return np.clip(waves + rng.normal(0, 20, waves.shape), 0, 255).astype(np.uint8)


def chw(array):
    return tensor_of(np.ascontiguousarray(array.transpose(2, 0, 1)))


def hwc(t):
    return host(t).transpose(1, 2, 0)


def levels(a, b):
    """The largest difference, and the share of values that differ at all."""
    d = np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int))
    return d.max(), (d > 0).mean()


# From and to tensors


def test_to_tensor(photo, rng):
    pil = Image.fromarray(photo)
    expected = photo.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    for source in (pil, photo, photo[:, ::-1][:, ::-1]):
        t = T.ToTensor()(source)
        assert t.dtype == np.float32
        np.testing.assert_array_equal(host(t), expected)
    grey = photo[..., 0]
    for source in (Image.fromarray(grey), grey, grey[..., None]):
        np.testing.assert_array_equal(host(T.ToTensor()(source)), grey[None] / np.float32(255))
    for dtype in ("float64", "int64", "float32", "bool"):  # other dtypes are not scaled
        x = rng.integers(0, 2, (3, 4, 2)).astype(dtype)
        t = F.to_tensor(x)
        assert t.dtype == x.dtype
        np.testing.assert_array_equal(hwc(t), x)
        t.array[...] = 0
        assert x.any()  # its own memory
    one = Image.fromarray(grey > 128)
    assert one.mode == "1"
    np.testing.assert_array_equal(host(F.to_tensor(one))[0], (grey > 128).astype(np.float32))
    assert F.to_tensor(Image.fromarray(grey.astype(np.int32))).dtype == np.int32
    assert F.to_tensor(Image.fromarray(grey.astype(np.float32))).dtype == np.float32
    assert tuple(F.to_tensor(pil.convert("RGBA")).shape) == (4, 37, 53)
    with pytest.raises(TypeError, match="pic should be PIL Image or ndarray. Got <class 'list'>"):
        F.to_tensor([1])
    with pytest.raises(TypeError, match="pic should be PIL Image or ndarray"):
        F.to_tensor(chw(photo))
    with pytest.raises(ValueError, match="pic should be 2/3 dimensional. Got 1 dimensions"):
        F.to_tensor(np.zeros(3))


def test_there_and_back(photo):
    pil = Image.fromarray(photo)
    for t in (T.ToTensor()(pil), T.PILToTensor()(pil)):
        back = T.ToPILImage()(t)
        assert back.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(back), photo)
    for mode in ("L", "RGBA", "LA"):
        image = pil.convert(mode)
        assert T.ToPILImage()(T.ToTensor()(image)).mode == mode
        assert T.ToPILImage()(np.asarray(image)).tobytes() == image.tobytes()
    assert T.ToPILImage("HSV")(chw(photo)).mode == "HSV"
    assert T.ToPILImage()(photo[..., 0].astype(np.float32)).mode == "F"
    assert T.ToPILImage()(tensor_of(photo[..., 0].astype(np.int32))).mode == "I"
    for wrong, error in ((np.zeros((2, 2, 5), np.uint8), ValueError), (np.zeros(3), ValueError), ("x", TypeError)):
        with pytest.raises(error):
            T.ToPILImage()(wrong)
    with pytest.raises(ValueError, match="Incorrect mode"):
        T.ToPILImage("L")(photo)
    with pytest.raises(TypeError, match="float64"):
        T.ToPILImage()(np.zeros((2, 2)))


@pytest.mark.parametrize("source", ["uint8", "int16", "int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("target", ["uint8", "int16", "int32", "int64", "float32", "float64"])
def test_convert_image_dtype(source, target):
    white = 1.0 if source.startswith("float") else np.iinfo(source).max
    x = tensor_of(np.array([[[0, white // 3 if white > 1 else 1 / 3, white]]], source))
    if (source, target) in {("float32", "int32"), ("float32", "int64"), ("float64", "int64")}:
        with pytest.raises(RuntimeError, match="cannot be performed safely"):
            T.ConvertImageDtype(target)(x)
        return
    y = host(T.ConvertImageDtype(target)(x))[0, 0]
    top = 1.0 if target.startswith("float") else np.iinfo(target).max
    assert y.dtype == target
    np.testing.assert_allclose(y.astype(float) / top, [0, 1 / 3, 1], atol=5e-3)


def test_normalize(photo):
    t = F.to_tensor(photo)
    mean, std = [0.5, 0.4, 0.3], (0.1, 0.2, 0.3)
    expected = (host(t) - np.float32(mean)[:, None, None]) / np.float32(std)[:, None, None]
    before = host(t).copy()
    np.testing.assert_array_equal(host(T.Normalize(mean, std)(t)), expected)
    np.testing.assert_array_equal(host(t), before)
    batch = tensor_of(np.stack([before, before]))
    np.testing.assert_array_equal(host(F.normalize(batch, mean, std))[1], expected)
    np.testing.assert_allclose(F.normalize(before.transpose(1, 2, 0), mean, std), hwc(expected), rtol=1e-6)
    assert F.normalize(t, mean, std, inplace=True) is t
    np.testing.assert_array_equal(host(t), expected)
    np.testing.assert_array_equal(host(F.normalize(tensor_of(before), [0.5], [0.5])), (before - 0.5) / 0.5)
    with pytest.raises(TypeError, match="float tensor. Got uint8"):
        F.normalize(chw(photo), mean, std)
    with pytest.raises(ValueError, match="std evaluated to zero"):
        F.normalize(t, mean, [0.1, 0, 0.1])
    with pytest.raises(ValueError, match="mean has 2 numbers, and the image 3 channels"):
        F.normalize(t, [0.1, 0.2], std)
    with pytest.raises(ValueError, match=r"size \(..., C, H, W\)"):
        F.normalize(tensor_of(before[0]), mean, std)
    with pytest.raises(TypeError, match="Tensor Image"):
        F.normalize(Image.fromarray(photo), mean, std)


def test_normalize_has_a_gradient_and_the_rest_says_that_it_has_none(photo):
    t = F.to_tensor(photo)
    t.requires_grad = True
    y = T.Normalize([0.5] * 3, [0.25, 0.5, 1.0])(t)
    assert y.requires_grad
    from minidl.autograd import backward

    backward([y], [tensor_of(np.ones_like(host(y)))])
    np.testing.assert_allclose(host(t.grad)[:, 0, 0], [4, 2, 1])
    with pytest.raises(NotImplementedError, match="detach"):
        T.CenterCrop(3)(t)
    with minidl.autograd.no_grad():
        assert not T.CenterCrop(3)(t).requires_grad


# Resizing


SIZES = [(20, 20), (37, 10), (90, 53), (64, 111), (5, 4), (1, 1), (37, 53)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode, code", [("bilinear", 2), ("bicubic", 3), ("nearest", 0), ("nearest-exact", 0)])
def test_resize_beside_pillow(photo, size, mode, code):
    expected = np.asarray(F.resize(Image.fromarray(photo), list(size), Mode(mode)))
    assert expected.shape == (*size, 3)
    np.testing.assert_array_equal(expected, np.asarray(Image.fromarray(photo).resize(size[::-1], code)))
    images = [F.resize(photo, list(size), Mode(mode))]
    if mode != "nearest":  # which of tensors is another pixel, as in PyTorch
        images.append(hwc(F.resize(chw(photo), list(size), Mode(mode))))
    for mine in images:
        assert mine.dtype == np.uint8
        most, share = levels(mine, expected)
        assert most <= (0 if code == 0 else 1)
        assert share < 0.02


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode, antialias", [
    ("nearest", False), ("nearest-exact", False), ("bilinear", True), ("bilinear", False), ("bicubic", True),
    ("bicubic", False),
])  # fmt: skip
def test_resize_beside_pytorch(photo, size, mode, antialias):
    torch = pytest.importorskip("torch", reason="compares with PyTorch: pip install torch")
    x = photo.transpose(2, 0, 1)[None].astype(np.float32) / 255
    options = {} if mode.startswith("nearest") else {"align_corners": False, "antialias": antialias}
    expected = torch.nn.functional.interpolate(torch.from_numpy(x), size=size, mode=mode, **options).numpy()
    mine = F.resize(tensor_of(x), list(size), Mode(mode), antialias=antialias)
    np.testing.assert_allclose(host(mine), expected, atol=3e-6)


@pytest.mark.parametrize("h, w, size, max_size, expected", [
    (40, 60, 20, None, (20, 30)),
    (60, 40, 20, None, (30, 20)),
    (60, 40, [20], None, (30, 20)),
    (50, 50, 7, None, (7, 7)),
    (37, 53, 20, None, (20, 28)),  # ⌊20 · 53/37⌋
    (40, 60, (9, 8), None, (9, 8)),
    (40, 80, 20, 30, (15, 30)),
    (40, 60, 20, 31, (20, 30)),
    (40, 80, None, 40, (20, 40)),
])  # fmt: skip
def test_the_size_of_resize(h, w, size, max_size, expected):
    x = np.zeros((h, w, 3), np.uint8)
    for image in (x, Image.fromarray(x), chw(x)):
        assert tuple(F.get_dimensions(T.Resize(size, max_size=max_size)(image)))[1:] == expected


def test_resize_arguments(photo):
    t = chw(photo)
    assert F.resize(t, (37, 53)) is t
    assert F.resize(Image.fromarray(photo), 10, 3).size == (14, 10)  # Pillow's number for bicubic
    with pytest.raises(ValueError, match="max_size = 10 must be strictly greater"):
        F.resize(t, 20, max_size=10)
    with pytest.raises(ValueError, match="max_size should only be passed"):
        F.resize(t, (20, 20), max_size=30)
    with pytest.raises(TypeError, match="Argument interpolation should be a InterpolationMode"):
        F.resize(t, 20, "bilinear")
    with pytest.raises(TypeError, match="Size should be int or sequence"):
        T.Resize("20")
    with pytest.raises(ValueError, match="1 or 2 values"):
        T.Resize((1, 2, 3))
    with pytest.raises(ValueError, match=r"\(lanczos\) is unsupported with Tensor input"):
        F.resize(t, 5, Mode.LANCZOS)
    with pytest.raises(ValueError, match="at least 1"):
        F.resize(t, (0, 5))
    with pytest.raises(TypeError, match="an image is a PIL Image"):
        F.resize("x", 5)
    with pytest.raises(ValueError, match="no pixels"):
        F.resize(np.zeros((0, 3), np.uint8), 5)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int32", "int16", "bool"])
def test_dtypes_are_kept(photo, dtype):
    x = tensor_of((photo.transpose(2, 0, 1) / 255).astype(dtype))
    moved = (T.Pad(2, 1), T.CenterCrop(60), T.RandomHorizontalFlip(1))
    for change in (T.Resize(9), T.RandomRotation(30, Mode.BILINEAR), T.GaussianBlur(3), *moved):
        assert change(x).dtype == np.dtype(dtype)


# Crops, pads, flips


def test_crop_and_pad_beside_pillow(photo):
    pil = Image.fromarray(photo)
    outside = ((-4, -5, 20, 20), (30, 40, 20, 30), (-3, -3, 50, 70), (50, 60, 4, 4), (-9, 0, 5, 5))
    for window in ((0, 0, 37, 53), (3, 4, 5, 6), *outside):
        expected = np.asarray(F.crop(pil, *window))
        np.testing.assert_array_equal(F.crop(photo, *window), expected)
        np.testing.assert_array_equal(hwc(F.crop(chw(photo), *window)), expected)
    for padding in (3, [4], (2, 5), (1, 2, 3, 4), 0):
        for mode in ("constant", "edge", "reflect", "symmetric"):
            fill = (10, 20, 30) if mode == "constant" else 0
            expected = np.asarray(F.pad(pil, padding, fill, mode))
            np.testing.assert_array_equal(F.pad(photo, padding, fill, mode), expected)
            np.testing.assert_array_equal(hwc(F.pad(chw(photo), padding, fill, mode)), expected)
    left, top, right, bottom = 1, 2, 3, 4
    np.testing.assert_array_equal(
        F.pad(photo[..., 0], (left, top, right, bottom), padding_mode="reflect"),
        np.pad(photo[..., 0], ((top, bottom), (left, right)), "reflect"),
    )
    np.testing.assert_array_equal(hwc(F.pad(chw(photo), (-2, 3, 0, -1)))[3:], photo[:-1, 2:])
    assert F.pad(pil, (-2, 3, 0, -1)).size == (51, 39)
    np.testing.assert_array_equal(np.asarray(F.pad(pil, 1, "red"))[0, 0], [255, 0, 0])


@pytest.mark.parametrize("size", [10, (11, 20), (36, 52), (37, 53), (50, 20), (60, 61), [7]])
def test_center_crop(photo, size):
    expected = np.asarray(T.CenterCrop(size)(Image.fromarray(photo)))
    h, w = (size, size) if isinstance(size, int) else (size[0], size[-1])
    assert expected.shape[:2] == (h, w)
    if h <= 37 and w <= 53:
        top, left = round((37 - h) / 2), round((53 - w) / 2)
        np.testing.assert_array_equal(expected, photo[top : top + h, left : left + w])
    np.testing.assert_array_equal(T.CenterCrop(size)(photo), expected)
    np.testing.assert_array_equal(hwc(T.CenterCrop(size)(chw(photo))), expected)


def test_flips_and_many_crops(photo):
    for image, back in ((Image.fromarray(photo), np.asarray), (photo, np.asarray), (chw(photo), hwc)):
        np.testing.assert_array_equal(back(F.hflip(image)), photo[:, ::-1])
        np.testing.assert_array_equal(back(F.vflip(image)), photo[::-1])
        five = [back(c) for c in T.FiveCrop((5, 7))(image)]
        corners = [photo[:5, :7], photo[:5, -7:], photo[-5:, :7], photo[-5:, -7:], photo[16:21, 23:30]]
        for got, expected in zip(five, corners, strict=True):
            np.testing.assert_array_equal(got, expected)
        ten = [back(c) for c in T.TenCrop(5)(image)]
        assert len(ten) == 10
        np.testing.assert_array_equal(ten[5], photo[:5, ::-1][:, :5])
        np.testing.assert_array_equal(back(T.TenCrop(5, vertical_flip=True)(image)[5]), photo[::-1][:5, :5])
    with pytest.raises(ValueError, match="bigger than input size"):
        F.five_crop(photo, 40)
    view = F.crop(photo, 1, 1, 4, 4)
    view[...] = 0
    assert photo[1:5, 1:5].any()  # nothing shares the memory of the image


def test_a_batch_of_tensors_is_one_image_after_the_other(photo):
    batch = tensor_of(np.stack([photo.transpose(2, 0, 1), photo.transpose(2, 0, 1)[:, ::-1]]))
    for change in (
        lambda x: F.resize(x, (11, 60)), lambda x: F.rotate(x, 33, Mode.BILINEAR, fill=[3.0]), F.hflip, F.vflip,
        lambda x: F.pad(x, 3, 7), lambda x: F.crop(x, -2, 3, 9, 60), lambda x: F.adjust_contrast(x, 1.7),
        lambda x: F.adjust_hue(x, 0.2), lambda x: F.adjust_saturation(x, 0.3), lambda x: F.gaussian_blur(x, 5),
        lambda x: F.rgb_to_grayscale(x, 3), lambda x: F.affine(x, 10, (2, 3), 1.2, (5, 6)), F.invert,
        lambda x: F.adjust_gamma(x, 2),
    ):  # fmt: skip
        together = host(change(batch))
        for k in range(2):
            np.testing.assert_array_equal(together[k], host(change(tensor_of(host(batch)[k].copy()))))


# Rotation and affine maps


def turned_by_torch(x, matrix, size, mode, fill):
    """torchvision's way: a grid of normalised places, and a mask that is sampled with the image."""
    torch = pytest.importorskip("torch", reason="compares with PyTorch: pip install torch")
    h, w = x.shape[-2:]
    oh, ow = size
    u, v = np.meshgrid(np.arange(ow) + 0.5 - ow / 2, np.arange(oh) + 0.5 - oh / 2)
    a, b, c, d, e, f = np.ravel(matrix)
    if mode == "nearest":  # half-way between two pixels is the second; PyTorch takes the even one, or as noise has it
        c, f = c + 1e-7, f + 1e-7
    grid = np.stack([(a * u + b * v + c) / (w / 2), (d * u + e * v + f) / (h / 2)], -1)[None]
    both = np.concatenate([x, np.ones((1, h, w))])[None]
    sample = torch.nn.functional.grid_sample
    y = sample(torch.tensor(both), torch.tensor(grid), mode, "zeros", align_corners=False)[0].numpy()
    mask = y[-1:] if mode == "bilinear" else (y[-1:] >= 0.5)
    return y[:-1] * mask + (1 - mask) * np.reshape(fill, (-1, 1, 1))


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle, expand, center", [
    (17, False, None), (-100, True, None), (44, False, (3, 30)), (90, True, None), (0, True, None),
])  # fmt: skip
def test_rotate(photo, mode, angle, expand, center):
    x = photo.transpose(2, 0, 1) / 255
    mine = host(F.rotate(tensor_of(x), angle, Mode(mode), expand, center, [0.1, 0.2, 0.3]))
    offset = (0, 0) if center is None else (center[0] - 53 / 2, center[1] - 37 / 2)
    t = math.radians(angle)
    a, b, d, e = math.cos(t), -math.sin(t), math.sin(t), math.cos(t)  # the result turns the other way
    matrix = (a, b, offset[0] - a * offset[0] - b * offset[1], d, e, offset[1] - d * offset[0] - e * offset[1])
    expected = turned_by_torch(x, matrix, mine.shape[1:], mode, (0.1, 0.2, 0.3))
    np.testing.assert_allclose(mine, expected, atol=1e-9)

    beside = np.asarray(F.rotate(Image.fromarray(photo), angle, Mode(mode), expand, center, (25, 51, 76)))
    array = F.rotate(photo, angle, Mode(mode), expand, center, (25, 51, 76))
    if not (expand and angle in (0, 90)):
        grown = [abs(m - n) for m, n in zip(array.shape, beside.shape)]
        assert max(grown) <= 1  # Pillow makes room for both edge pixels
    if array.shape == beside.shape:
        differs = np.abs(array.astype(int) - beside).max(-1) > 1
        assert differs.mean() < (0.08 if mode == "bilinear" else 0.01)  # bilinear: the edge itself


def test_quarter_turns_are_exact(photo):
    for image, back in ((Image.fromarray(photo), np.asarray), (photo, np.asarray), (chw(photo), hwc)):
        for mode in (Mode.NEAREST, Mode.BILINEAR):
            for quarters in range(-4, 5):
                turned = back(F.rotate(image, 90 * quarters, mode, expand=True))
                np.testing.assert_array_equal(turned, np.rot90(photo, quarters))  # counter-clockwise


@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
@pytest.mark.parametrize("angle, translate, scale, shear, center", [
    (0, (5, -3), 1.0, 0.0, None), (30, (0, 0), 1.0, [0.0, 0.0], None), (0, (0, 0), 0.5, 0, None),
    (0, (0, 0), 2.0, 0, None),
    (0, (0, 0), 1.0, [20, 10], None), (-40, (4, 7), 1.3, [5, -8], None), (25, [1, 2], 0.8, [9.0], (10, 12)),
])  # fmt: skip
def test_affine(photo, mode, angle, translate, scale, shear, center):
    x = photo.transpose(2, 0, 1) / 255
    mine = host(F.affine(tensor_of(x), angle, translate, scale, shear, Mode(mode), [0.5], center))
    # From the image to the result, about the centre: T C R Sh S C⁻¹, as matrices; then its inverse.
    sx, sy = (shear, 0.0) if not isinstance(shear, list) else (shear[0], shear[-1])
    r, sx, sy = (math.radians(t) for t in (angle, sx, sy))
    cx, cy = (0, 0) if center is None else (center[0] - 53 / 2, center[1] - 37 / 2)
    move = lambda p, q: np.array([[1, 0, p], [0, 1, q], [0, 0, 1.0]])
    linear = np.eye(3)
    turn = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]])
    linear[:2, :2] = turn @ [[1, 0], [-math.tan(sy), 1]] @ [[1, -math.tan(sx)], [0, 1]] * scale
    forward = move(*translate) @ move(cx, cy) @ linear @ move(-cx, -cy)
    expected = turned_by_torch(x, np.linalg.inv(forward)[:2].ravel(), (37, 53), mode, 0.5)
    np.testing.assert_allclose(mine, expected, atol=1e-9)
    beside = np.asarray(F.affine(Image.fromarray(photo), angle, translate, scale, shear, Mode(mode), 127, center))
    array = F.affine(photo, angle, translate, scale, shear, Mode(mode), 127, center)
    differs = np.abs(array.astype(int) - beside).max(-1) > 1
    assert differs.mean() < (0.06 if mode == "bilinear" else 0.02)  # Pillow counts in 1/65536; and the edge itself


def test_affine_arguments(photo):
    t = chw(photo)
    with pytest.raises(ValueError, match="scale should be positive"):
        F.affine(t, 0, (0, 0), 0.0, 0.0)
    with pytest.raises(ValueError, match="length 2"):
        F.affine(t, 0, (0, 0, 0), 1.0, 0.0)
    with pytest.raises(TypeError, match="translate should be a sequence"):
        F.affine(t, 0, 3, 1.0, 0.0)
    with pytest.raises(TypeError, match="angle should be int or float"):
        F.rotate(t, "1")
    with pytest.raises(ValueError, match="fill: a number or one for each of the 3 channels"):
        F.rotate(t, 1, fill=[1, 2])
    with pytest.raises(ValueError, match="number of elements does not match"):
        F.rotate(Image.fromarray(photo), 1, fill=[1, 2])
    with pytest.raises(ValueError, match="bicubic"):
        F.rotate(t, 1, Mode.BICUBIC)


# Colour


def test_colours_beside_pillow(photo):
    pil = Image.fromarray(photo)
    for f in (0.0, 0.3, 1.0, 1.4, 3.0):
        for change, most in ((F.adjust_brightness, 0), (F.adjust_saturation, 3), (F.adjust_contrast, 3)):
            expected = np.asarray(change(pil, f))
            for mine in (change(photo, f), hwc(change(chw(photo), f))):
                assert levels(mine, expected)[0] <= most, (change.__name__, f)
    for count in (1, 3):
        expected = np.asarray(F.rgb_to_grayscale(pil, count))
        mine = F.rgb_to_grayscale(photo, count)
        assert mine.shape == expected.shape
        assert levels(mine, expected)[0] <= 1
    for g, gain in ((1, 1), (2.2, 1), (0.5, 0.8), (0, 1)):
        assert levels(F.adjust_gamma(photo, g, gain), F.adjust_gamma(pil, g, gain))[0] <= 1
    np.testing.assert_array_equal(F.invert(photo), 255 - photo)
    np.testing.assert_array_equal(np.asarray(F.invert(pil)), 255 - photo)


def test_colours_by_formula(photo):
    x = photo.transpose(2, 0, 1).astype(np.float64) / 255
    t = tensor_of(x)
    grey = 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2]
    blend = lambda other, f: np.clip(f * x + (1 - f) * other, 0, 1)
    np.testing.assert_allclose(host(F.rgb_to_grayscale(t))[0], grey)
    np.testing.assert_allclose(host(F.adjust_brightness(t, 1.5)), blend(0, 1.5))
    np.testing.assert_allclose(host(F.adjust_contrast(t, 0.5)), blend(grey.mean(), 0.5))
    np.testing.assert_allclose(host(F.adjust_saturation(t, 2.0)), blend(grey, 2.0))
    np.testing.assert_allclose(host(F.adjust_gamma(t, 2.0, 0.5)), 0.5 * x**2)
    for name in ("brightness", "contrast", "saturation"):
        with pytest.raises(ValueError, match="is not non-negative"):
            getattr(F, f"adjust_{name}")(t, -0.1)
    with pytest.raises(TypeError, match="channel values"):
        F.adjust_contrast(tensor_of(np.zeros((2, 4, 4))), 1.0)


@pytest.mark.parametrize("shift", [-0.5, -0.2, 0.0, 0.1, 1 / 3, 0.5])
def test_hue(photo, shift):
    import colorsys

    x = photo[:6, :9] / 255
    expected = np.zeros_like(x)
    for i in np.ndindex(x.shape[:2]):
        h, s, v = colorsys.rgb_to_hsv(*x[i])
        expected[i] = colorsys.hsv_to_rgb((h + shift) % 1, s, v)
    np.testing.assert_allclose(hwc(F.adjust_hue(chw(x), shift)), expected, atol=1e-9)
    assert levels(F.adjust_hue(photo[:6, :9], shift), expected * 255)[0] <= 1
    beside = np.asarray(F.adjust_hue(Image.fromarray(photo[:6, :9]), shift))
    assert levels(beside, expected * 255)[0] <= 12  # Pillow rounds hue, saturation and value to bytes
    with pytest.raises(ValueError, match=r"is not in \[-0.5, 0.5\]"):
        F.adjust_hue(photo, 0.51)


def test_gaussian_blur(photo):
    scipy = pytest.importorskip("scipy.ndimage", reason="compares with SciPy: pip install scipy")
    x = photo.transpose(2, 0, 1) / 255
    t = np.arange(-3, 4)
    k = np.exp(-(t**2) / (2 * 1.5**2))
    k /= k.sum()
    expected = scipy.correlate1d(scipy.correlate1d(x, k, -1, mode="mirror"), [0.25, 0.5, 0.25], -2, mode="mirror")
    sigma = math.sqrt(1 / (2 * math.log(2)))  # whose kernel of 3 is ¼ ½ ¼
    np.testing.assert_allclose(host(F.gaussian_blur(tensor_of(x), [7, 3], [1.5, sigma])), expected, atol=1e-12)
    np.testing.assert_array_equal(np.asarray(F.gaussian_blur(Image.fromarray(photo), 5)), F.gaussian_blur(photo, 5))
    for wrong in (4, (3, 0), (3, 3, 3)):
        with pytest.raises(ValueError):
            F.gaussian_blur(photo, wrong)


def test_erase(photo):
    t = chw(photo)
    y = F.erase(t, 2, 3, 4, 5, tensor_of(np.array([1, 2, 3], np.uint8).reshape(3, 1, 1)))
    assert host(y)[:, 3, 4].tolist() == [1, 2, 3]
    same = np.ones((37, 53), bool)
    same[2:6, 3:8] = False
    np.testing.assert_array_equal(hwc(y)[same], photo[same])
    np.testing.assert_array_equal(hwc(t), photo)
    assert F.erase(t, 0, 0, 37, 53, 0, inplace=True) is t
    assert not host(t).any()
    assert not F.erase(photo, 0, 0, 9, 9, np.zeros((3, 1, 1)))[:9, :9].any()


# Random


RANDOM = {
    "RandomCrop": T.RandomCrop(20, padding=4),
    "RandomResizedCrop": T.RandomResizedCrop(16),
    "RandomHorizontalFlip": T.RandomHorizontalFlip(),
    "RandomVerticalFlip": T.RandomVerticalFlip(),
    "RandomRotation": T.RandomRotation(30),
    "RandomAffine": T.RandomAffine(20, (0.1, 0.2), (0.8, 1.2), (-5, 5, -3, 3)),
    "ColorJitter": T.ColorJitter(0.4, 0.4, 0.4, 0.1),
    "RandomGrayscale": T.RandomGrayscale(0.5),
    "GaussianBlur": T.GaussianBlur(5),
    "RandomApply": T.RandomApply([T.RandomRotation(10)], 0.7),
    "RandomOrder": T.RandomOrder([T.RandomCrop(20), T.Resize(30)]),
    "RandomChoice": T.RandomChoice([T.RandomCrop(20), T.Resize(30)], p=[1, 3]),
}


@pytest.mark.parametrize("transform", RANDOM.values(), ids=RANDOM.keys())
def test_a_seed_repeats_it_and_pickles_carry_it(photo, transform):
    def run(transform):
        manual_seed(7)
        return [np.asarray(transform(Image.fromarray(photo))) for _ in range(12)]

    first = run(transform)
    for again in (run(transform), run(pickle.loads(pickle.dumps(transform)))):
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b)
    assert any(a.shape != first[0].shape or (a != first[0]).any() for a in first)
    for image in (photo, chw(photo)):
        manual_seed(7)
        for expected in first:  # the same draws, whatever the kind of image
            got = transform(image)
            assert F.get_dimensions(got)[1:] == list(expected.shape[:2])


def test_random_erasing(photo):
    t = F.to_tensor(photo)
    manual_seed(1)
    areas = []
    for _ in range(50):
        y = host(T.RandomErasing(1.0, value=2)(t))
        gone = (y == 2).all(0)
        rows, columns = np.flatnonzero(gone.any(1)), np.flatnonzero(gone.any(0))
        assert gone[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        areas.append(gone.mean())
    assert 0.01 < min(areas) < max(areas) < 0.36
    assert T.RandomErasing(0.0)(t) is t
    noise = host(T.RandomErasing(1.0, value="random")(t))
    assert noise.min() < 0
    y = host(T.RandomErasing(1.0, value=(0.1, 0.2, 0.3))(t))
    assert (np.abs(y - np.reshape([0.1, 0.2, 0.3], (3, 1, 1))) < 1e-6).all(0).any()
    before = host(t).copy()
    assert T.RandomErasing(1.0, inplace=True)(t) is t
    assert (host(t) != before).any()
    with pytest.raises(ValueError, match="either a single value or 3"):
        T.RandomErasing(1.0, value=(1, 2))(t)
    with pytest.raises(TypeError, match="after ToTensor"):
        T.RandomErasing(1.0)(Image.fromarray(photo))


def test_random_parameters():
    manual_seed(0)
    image = np.zeros((30, 50, 3), np.uint8)
    for _ in range(200):
        i, j, h, w = T.RandomCrop.get_params(image, (10, 20))
        assert 0 <= i <= 20
        assert 0 <= j <= 30
        i, j, h, w = T.RandomResizedCrop.get_params(image, (0.2, 0.5), (0.5, 2.0))
        assert 0 <= i <= 30 - h
        assert 0 <= j <= 50 - w
        assert 0.15 < h * w / 1500 < 0.56
        angle, move, scale, shear = T.RandomAffine.get_params((-5, 5), (0.1, 0.5), (0.5, 2), (1, 2), (50, 30))
        assert abs(angle) <= 5
        assert abs(move[0]) <= 5
        assert abs(move[1]) <= 15
        assert 0.5 <= scale <= 2
        assert 1 <= shear[0] <= 2
        assert shear[1] == 0
        order, b, c, s, hue = T.ColorJitter.get_params((0.5, 1.5), None, (1, 2), (-0.1, 0.1))
        assert sorted(order) == [0, 1, 2, 3]
        assert c is None
        assert abs(hue) <= 0.1
    assert T.RandomResizedCrop.get_params(np.zeros((10, 1000)), (0.9, 1), (3 / 4, 4 / 3)) == (0, 493, 10, 13)
    flips = sum(int(T.RandomHorizontalFlip(0.3)(np.array([[0, 1]], np.uint8))[0, 0]) for _ in range(2000))
    assert abs(flips - 600) < 100


def test_random_crop_of_small_images(photo):
    with pytest.raises(ValueError, match=r"Required crop size \(40, 40\) is larger than input image size \(37, 53\)"):
        T.RandomCrop(40)(photo)
    for image in (photo, Image.fromarray(photo), chw(photo)):
        assert F.get_dimensions(T.RandomCrop((60, 70), pad_if_needed=True)(image))[1:] == [60, 70]
        assert F.get_dimensions(T.RandomCrop((37, 53))(image))[1:] == [37, 53]


REPRS = {
    "ToTensor()": T.ToTensor(),
    "PILToTensor()": T.PILToTensor(),
    "ToPILImage()": T.ToPILImage(),
    "ToPILImage(mode=RGB)": T.ToPILImage("RGB"),
    "Lambda()": T.Lambda(abs),
    "Normalize(mean=[0.5], std=[0.5])": T.Normalize(mean=[0.5], std=[0.5]),
    "Normalize(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))": T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "Resize(size=32, interpolation=bilinear, max_size=None, antialias=True)": T.Resize(32),
    "CenterCrop(size=(10, 10))": T.CenterCrop(10),
    "Pad(padding=(1, 2), fill=0, padding_mode=constant)": T.Pad((1, 2)),
    "RandomCrop(size=(32, 32), padding=4)": T.RandomCrop(32, padding=4),
    "RandomHorizontalFlip(p=0.5)": T.RandomHorizontalFlip(),
    "RandomVerticalFlip(p=0.1)": T.RandomVerticalFlip(0.1),
    "RandomResizedCrop(size=(224, 224), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, "
    "antialias=True)": T.RandomResizedCrop(224),
    "RandomRotation(degrees=[-30.0, 30.0], interpolation=nearest, expand=False, fill=0)": T.RandomRotation(30),
    "RandomAffine(degrees=[-30.0, 30.0], translate=(0.1, 0.1), scale=(0.9, 1.1))":
        T.RandomAffine(30, (0.1, 0.1), (0.9, 1.1)),
    "ColorJitter(brightness=(0.6, 1.4), contrast=None, saturation=(0.0, 3.0), hue=(-0.1, 0.1))":
        T.ColorJitter(0.4, saturation=2, hue=0.1),
    "RandomErasing(p=0.5, scale=(0.02, 0.33), ratio=(0.3, 3.3), value=0, inplace=False)": T.RandomErasing(),
    "Grayscale(num_output_channels=3)": T.Grayscale(3),
    "RandomGrayscale(p=0.1)": T.RandomGrayscale(),
    "GaussianBlur(kernel_size=(3, 3), sigma=(0.1, 2.0))": T.GaussianBlur(3),
    "FiveCrop(size=(4, 4))": T.FiveCrop(4),
    "TenCrop(size=(4, 5), vertical_flip=False)": T.TenCrop((4, 5)),
    "Compose(\n    ToTensor()\n    CenterCrop(size=(2, 2))\n)": T.Compose([T.ToTensor(), T.CenterCrop(2)]),
    "RandomApply(\n    p=0.5\n    ToTensor()\n)": T.RandomApply([T.ToTensor()]),
    "RandomOrder(\n    ToTensor()\n)": T.RandomOrder([T.ToTensor()]),
    "RandomChoice(\n    ToTensor()\n)(p=None)": T.RandomChoice([T.ToTensor()]),
}  # fmt: skip


@pytest.mark.parametrize("text", REPRS)
def test_repr(text):
    assert repr(REPRS[text]) == text


@pytest.mark.parametrize("make, error, message", [
    (lambda: T.Lambda(3), TypeError, "callable"),
    (lambda: T.CenterCrop((1, 2, 3)), ValueError, "two dimensions"),
    (lambda: T.Pad((1, 2, 3)), ValueError, "1, 2, or 4 element tuple"),
    (lambda: T.Pad("1"), TypeError, "padding"),
    (lambda: T.Pad(1, padding_mode="wrap"), ValueError, "constant, edge, reflect or symmetric"),
    (lambda: T.Pad(1, fill={}), TypeError, "fill"),
    (lambda: T.RandomRotation(-1), ValueError, "must be positive"),
    (lambda: T.RandomRotation((1, 2, 3)), ValueError, "length 2"),
    (lambda: T.RandomAffine(1, translate=(0.1, 2)), ValueError, "between 0 and 1"),
    (lambda: T.RandomAffine(1, scale=(0, 1)), ValueError, "positive"),
    (lambda: T.RandomAffine(1, translate=0.1), TypeError, "length 2"),
    (lambda: T.RandomAffine(1, shear=(1, 2, 3)), ValueError, "length 2 or 4"),
    (lambda: T.ColorJitter(-1), ValueError, "non negative"),
    (lambda: T.ColorJitter((2, 1)), ValueError, "brightness values should be between"),
    (lambda: T.ColorJitter(hue=0.6), ValueError, "hue values should be between"),
    (lambda: T.ColorJitter("a"), TypeError, "single number or a list/tuple"),
    (lambda: T.RandomErasing(p=2), ValueError, "probability"),
    (lambda: T.RandomErasing(scale=(0.1, 2)), ValueError, "between 0 and 1"),
    (lambda: T.RandomErasing(value="x"), ValueError, "random"),
    (lambda: T.RandomErasing(value={}), TypeError, "value"),
    (lambda: T.GaussianBlur(2), ValueError, "odd and positive"),
    (lambda: T.GaussianBlur(3, -1), ValueError, "positive"),
    (lambda: T.Grayscale(2)(np.zeros((2, 2, 3), np.uint8)), ValueError, "1 or 3"),
    (lambda: T.RandomChoice([len], p=[1, 2]), TypeError, "weight"),
])  # fmt: skip
def test_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_in_a_sequential(photo):
    from minidl import nn

    net = nn.Sequential(T.CenterCrop(8), T.ConvertImageDtype("float32"), T.Normalize([0.5] * 3, [0.5] * 3))
    assert tuple(net(chw(photo)).shape) == (3, 8, 8)
    assert list(net.parameters()) == []


def test_without_pillow(photo, monkeypatch):
    jitter = T.ColorJitter(0.1, 0.1, 0.1, 0.1)
    compose = T.Compose([T.RandomCrop(30, 4), T.RandomHorizontalFlip(), jitter, T.ToTensor()])
    for name in [n for n in sys.modules if n == "PIL" or n.startswith("PIL.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert tuple(compose(photo).shape) == (3, 30, 30)
    assert tuple(compose(photo[..., 0]).shape) == (1, 30, 30)
    with pytest.raises(ImportError, match="pip install pillow"):
        T.ToPILImage()(photo)


def test_on_another_device(photo, device):
    from minidl.backend import move

    x = F.to_tensor(photo)
    there = tensor_of(move(host(x), device), device)
    for change in (T.Resize(9), T.Normalize([0.5], [0.5]), T.RandomErasing(1.0, inplace=True)):
        manual_seed(3)
        y = change(there)
        manual_seed(3)
        assert y.device.type == there.device.type
        np.testing.assert_array_equal(host(y), host(change(x)))
