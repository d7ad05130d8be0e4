"""Damaged files: every byte wrong in turn, every length cut off. They load, or are refused in words; nothing else."""

import io

import numpy as np
import pytest

import minidl
from tests.saving.test_pytorch import pushed, rebuilt, storage, weights
from tests.saving.values import tensor


def ours(format):
    file = io.BytesIO()
    model = {"w": tensor([[1.0, 2.0]]), "n": tensor([True])}
    value = {"model": model, "k": [1, 2.5, None, "é"], 3: np.arange(3), "t": (1,)}
    minidl.save(value, file, format)
    return file.getvalue()


def numpys(write):
    file = io.BytesIO()
    write(file, w=np.arange(3.0), n=np.array([[True]]))
    return file.getvalue()


second = pushed(rebuilt(storage(), 1, (1,), (1,)))
FILES = {
    "safetensors": ours("safetensors"),
    "npz": ours("npz"),
    "npz of NumPy": numpys(np.savez),
    "compressed npz of NumPy": numpys(np.savez_compressed),
    "pytorch": weights(b"}(K\1" + rebuilt() + b"X\1\0\0\0n" + second + b"u").getvalue(),
}


def attempt(raw, allocations):
    """True where it loads."""
    with allocations(within=len(raw)):
        try:
            minidl.load(io.BytesIO(raw))
        except (ValueError, TypeError) as error:
            assert str(error).startswith("load: the file: ")
            return False
        return True


@pytest.mark.parametrize("kind", FILES)
def test_undamaged(kind, allocations):
    assert attempt(FILES[kind], allocations)


@pytest.mark.parametrize("kind", FILES)
def test_cut_off_anywhere(kind, allocations):
    raw = FILES[kind]
    assert not any(attempt(raw[:n], allocations) for n in range(len(raw)))


@pytest.mark.parametrize("kind", FILES)
def test_one_byte_wrong(kind, allocations, rng, request):
    raw = FILES[kind]
    rounds = 20 if request.config.getoption("--all") else 2
    for at in np.tile(np.arange(len(raw)), rounds):
        damaged = bytearray(raw)
        damaged[at] ^= 1 << rng.integers(8) if rng.integers(2) else rng.integers(1, 256)
        attempt(bytes(damaged), allocations)


@pytest.mark.parametrize("kind", FILES)
def test_a_stretch_wrong(kind, allocations, rng, request):
    raw = FILES[kind]
    for _ in range(10_000 if request.config.getoption("--all") else 500):
        damaged = bytearray(raw)
        at, n = rng.integers(len(raw)), rng.integers(1, 20)
        fill = [b"\xff" * n, bytes(n), rng.bytes(n), raw[at // 2 : at // 2 + n]][rng.integers(4)]
        damaged[at : at + (n if rng.integers(2) else 0)] = fill
        attempt(bytes(damaged), allocations)
