"""Grids of images, and files of them."""

import io
import subprocess
import sys

import numpy as np
import pytest

from minidl.vision import utils
from minidl.vision.arrays import host, tensor_of


def test_make_grid(rng):
    x = rng.random((5, 3, 4, 6)).astype(np.float32)
    grid = host(utils.make_grid(tensor_of(x), nrow=2, padding=1, pad_value=0.5))
    assert grid.shape == (3, 3 * 5 + 1, 2 * 7 + 1)
    expected = np.full(grid.shape, 0.5, np.float32)
    for k in range(5):
        i, j = divmod(k, 2)
        expected[:, 1 + 5 * i : 5 + 5 * i, 1 + 7 * j : 7 + 7 * j] = x[k]
    np.testing.assert_array_equal(grid, expected)
    np.testing.assert_array_equal(host(utils.make_grid([tensor_of(k) for k in x], 2, 1, pad_value=0.5)), expected)
    assert host(utils.make_grid(tensor_of(x))).shape == (3, 8, 42)
    assert host(utils.make_grid(tensor_of(x[:, :1]))).shape == (3, 8, 42)
    assert host(utils.make_grid(tensor_of((x * 255).astype(np.uint8)))).dtype == np.uint8


def test_one_image_has_no_border(rng):
    x = rng.random((4, 6)).astype(np.float32)
    for shape in ((4, 6), (1, 4, 6), (1, 1, 4, 6)):
        grid = host(utils.make_grid(tensor_of(x.reshape(shape))))
        np.testing.assert_array_equal(grid, np.stack([x] * 3))


def test_normalize(rng):
    x = (rng.random((3, 3, 4, 4)) * [[[[1]]], [[[10]]], [[[100]]]] - 5).astype(np.float32)
    kept = x.copy()
    inside = lambda grid: host(grid)[:, 2:-2, 2:-2]
    whole = inside(utils.make_grid(tensor_of(x), normalize=True))
    np.testing.assert_allclose(whole[:, :, :4], (x[0] - x.min()) / (x.max() - x.min()), rtol=1e-5)
    each = inside(utils.make_grid(tensor_of(x), normalize=True, scale_each=True))
    np.testing.assert_allclose(each[:, :, 6:10], (x[1] - x[1].min()) / (x[1].max() - x[1].min()), rtol=1e-5, atol=1e-7)
    fixed = inside(utils.make_grid(tensor_of(x), normalize=True, value_range=(0, 2)))
    np.testing.assert_allclose(fixed[:, :, 12:16], np.clip(x[2], 0, 2) / 2, rtol=1e-6)
    np.testing.assert_array_equal(x, kept)
    flat = host(utils.make_grid(tensor_of(np.full((2, 3, 2, 2), 7, np.float32)), normalize=True))
    assert (flat == 0).all()
    with pytest.raises(TypeError, match="value_range has to be a tuple"):
        utils.make_grid(tensor_of(x), normalize=True, value_range=[0, 1])
    with pytest.raises(TypeError, match="floating-point"):
        utils.make_grid(tensor_of(x.astype(np.uint8)), normalize=True)


@pytest.mark.parametrize("wrong", [3, "x", [1, 2], [], np.zeros((2, 3, 4, 4))], ids=str)
def test_no_tensors(wrong):
    with pytest.raises(TypeError, match="tensor or list of tensors expected"):
        utils.make_grid(wrong)


def test_shapes():
    with pytest.raises(ValueError, match="images of one size"):
        utils.make_grid([tensor_of(np.zeros((3, 2, 2))), tensor_of(np.zeros((3, 2, 3)))])
    with pytest.raises(ValueError, match=r"\(B, C, H, W\) is needed"):
        utils.make_grid(tensor_of(np.zeros(3)))


def test_save_image(tmp_path, rng):
    Image = pytest.importorskip("PIL.Image", reason="needs Pillow: pip install pillow")
    x = rng.random((5, 3, 4, 6)).astype(np.float32) * 1.4 - 0.2
    utils.save_image(tensor_of(x), tmp_path / "a.png", nrow=3)
    expected = np.clip(host(utils.make_grid(tensor_of(x), nrow=3)) * 255.0 + 0.5, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a.png")), expected.transpose(1, 2, 0))
    buffer = io.BytesIO()
    utils.save_image(tensor_of(x[0]), buffer, format="PNG")
    assert buffer.getvalue().startswith(b"\x89PNG")


def test_vision_is_imported_when_it_is_used():
    code = "import sys, minidl; assert 'minidl.vision' not in sys.modules; print(minidl.vision.transforms.ToTensor())"
    code += "; print({'PIL', 'pickletools', 'matplotlib'} & set(sys.modules), hasattr(minidl, 'nothing'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["ToTensor()", "set() False"]
