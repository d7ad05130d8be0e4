"""read_picture: the same picture from every kind of file, and in words what is no picture."""

import gzip

import numpy as np
import pytest

from minidl.vision.files import read_picture

PIXELS = np.arange(6 * 5, dtype=np.uint8).reshape(6, 5) * 8


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes() + array.tobytes()


@pytest.fixture
def files(tmp_path):
    """Grey pictures of 6 × 5, which are the same."""
    np.save(tmp_path / "bytes.npy", PIXELS)
    np.save(tmp_path / "floats.npy", PIXELS[None] / 255)
    np.save(tmp_path / "last.npy", PIXELS[..., None])
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(np.stack([PIXELS, 0 * PIXELS])))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.stack([0 * PIXELS, PIXELS]))))
    return tmp_path


def test_every_kind_of_file(files):
    names = ["bytes.npy", "floats.npy", "last.npy", "t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte:0",
             "t10k-images-idx3-ubyte.gz:1"]  # fmt: skip
    for name in names:
        x = read_picture(files / name)
        assert x.shape == (1, 6, 5) and x.dtype == np.float32
        np.testing.assert_allclose(x.numpy()[0], PIXELS / 255, rtol=1e-6)
    assert not read_picture(files / "t10k-images-idx3-ubyte.gz").any()


def test_pictures_of_pillow(files):
    Image = pytest.importorskip("PIL.Image", reason="Pillow reads pictures")
    Image.fromarray(PIXELS).save(files / "grey.png")
    np.testing.assert_allclose(read_picture(files / "grey.png").numpy()[0], PIXELS / 255, rtol=1e-6)
    colour = np.stack([PIXELS, 255 - PIXELS, 0 * PIXELS], 2)
    Image.fromarray(colour).save(files / "colour.png")
    x = read_picture(files / "colour.png").numpy()
    np.testing.assert_allclose(x, colour.transpose(2, 0, 1) / 255, rtol=1e-6)
    grey = read_picture(files / "colour.png", (1, 6, 5)).numpy()
    np.testing.assert_allclose(grey[0], 0.2989 * x[0] + 0.587 * x[1] + 0.114 * x[2], rtol=1e-5)
    clear = np.concatenate([colour, np.zeros_like(colour[..., :1])], 2)
    Image.fromarray(clear).save(files / "clear.png")
    assert (read_picture(files / "clear.png").numpy() == 1).all()  # nothing is drawn on the paper
    Image.fromarray((PIXELS * 200).astype(np.uint16)).save(files / "deep.png")
    deep = read_picture(files / "deep.png").numpy()
    assert deep.shape == (1, 6, 5) and (deep.min(), deep.max()) == (0, 1)


def test_it_is_brought_to_the_shape_that_is_asked_for(files):
    x = read_picture(files / "bytes.npy", (3, 12, 10)).numpy()
    assert x.shape == (3, 12, 10) and (x[0] == x[2]).all()
    small = read_picture(files / "bytes.npy", (1, 3, 1)).numpy()
    np.testing.assert_allclose(small.mean(), PIXELS.mean() / 255, rtol=0.02)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("absent.png", None, "there is no such file"),
        ("list.npy", [np.zeros(3)], r"one picture \(H, W\)"),
        ("wide.npy", [np.full((2, 2), 7.0)], "from 7.0 to 7.0"),
        ("objects.npy", [np.array([None])], "no array of numbers"),
        ("labels-idx1-ubyte", idx(np.zeros(4, np.uint8)), r"pictures \(N, H, W\) are needed, it holds \(4,\)"),
        ("x-idx3-ubyte:9", None, "the last of its pictures is number 1"),
        ("text.png", b"not a picture", "no picture that Pillow can read"),
    ],
)
def test_what_is_no_picture_is_said(tmp_path, name, content, said):
    if name == "text.png":
        pytest.importorskip("PIL", reason="Pillow reads pictures")
    (tmp_path / "x-idx3-ubyte").write_bytes(idx(np.zeros((2, 4, 4), np.uint8)))
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    elif content is not None:
        np.save(tmp_path / name, content[0])
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        read_picture(tmp_path / name, (1, 4, 4))


def test_two_channels_cannot_be_asked_for(files):
    with pytest.raises(ValueError, match="have 1 or 3 channels, and 2 are needed"):
        read_picture(files / "bytes.npy", (2, 6, 5))
