"""Devices by name; what is said where there is none; the binding of CuPy on the stand-in."""

import subprocess
import sys
import types

import numpy as np
import pytest

from minidl.backend import NUMPY, backend_for, backend_of, cuda_problem, device, move
from minidl.backend.algebra import NAMES


def test_names():
    assert device("cuda:1") == device("cuda", 1) == device(1)
    assert str(device("cuda:1")) == "cuda:1"
    assert repr(device("cpu")) == "device(type='cpu')"
    assert repr(device("cuda", 0)) == "device(type='cuda', index=0)"
    assert device("cuda") != device("cuda:0")
    assert len({device("cpu"), device(device("cpu"))}) == 1


@pytest.mark.parametrize("name", ["gpu", "cuda:x", "cuda:-1", None])
def test_names_that_are_refused(name):
    with pytest.raises(TypeError if name is None else ValueError, match="device"):
        device(name)


def test_the_cpu_is_always_there_and_nothing_moves_without_need():
    array = np.ones(3)
    assert backend_for("cpu") == (NUMPY, 0)
    assert backend_of(array) is NUMPY
    assert move(array, "cpu") is array
    assert move(array, None) is array


def fake_cupy(monkeypatch, count):
    def devices():
        if isinstance(count, Exception):
            raise count
        return count

    cupy = types.ModuleType("cupy")
    cupy.__version__ = "14.2.0"
    cupy.cuda = types.SimpleNamespace(runtime=types.SimpleNamespace(getDeviceCount=devices))
    monkeypatch.setitem(sys.modules, "cupy", cupy)


def test_cupy_absent_is_said_with_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "pip install 'minidl[gpu-cuda12]'" in cuda_problem()
    with pytest.raises(RuntimeError, match=r"device 'cuda': CuPy is not installed.*use device 'cpu'"):
        move(np.ones(2), "cuda")


@pytest.mark.parametrize(
    "count, words", [(RuntimeError("cudaErrorNoDevice"), "finds no usable driver"), (0, "no GPU is visible")]
)
def test_cupy_without_a_driver_is_said_in_words(monkeypatch, count, words):
    fake_cupy(monkeypatch, count)
    assert words in cuda_problem()
    assert "use device 'cpu'" in cuda_problem()
    with pytest.raises(RuntimeError, match=words):
        move(np.ones(2), "cuda:0")


def test_cupy_is_not_looked_for_until_asked():
    code = "import sys, minidl; x = minidl.ones(2); assert not {'cupy', 'cupyx'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_of_the_algebra_is_bound(device):
    backend, _ = backend_for(device)
    assert [name for name in NAMES if not callable(getattr(backend, name, None))] == []


def test_arrays_go_out_and_come_back(device):
    array = np.arange(6.0).reshape(2, 3)
    there = move(array, device)
    assert np.array_equal(backend_of(there).to_host(there), array)
    assert np.array_equal(move(there, "cpu"), array)
