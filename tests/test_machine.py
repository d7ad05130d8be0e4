"""`minidl doctor`: each finding in words, and the line that puts it right."""

import importlib.metadata
import re
import sys
import types

import pytest

import minidl
from minidl import cli, machine
from tests.backend.test_device import fake_cupy


def said(capsys, status=0):
    assert cli.main(["doctor"]) == status
    out = capsys.readouterr().out
    assert all(len(line) <= 79 or "/" in line or "pip install" in line for line in out.splitlines())
    lines = re.sub(r"\n {10,}", " ", out).splitlines()  # unfolded
    return {line.split()[1]: line for line in lines if line.startswith("  ")}, lines


def test_a_healthy_machine(capsys):
    by_name, lines = said(capsys)
    assert lines[0].startswith(f"minidl {minidl.__version__} in ")
    assert lines[-1] == "Everything that minidl needs is here."
    for name in ("Python", "numpy", "matplotlib", "BLAS", "memory", "CuPy", "data", "this", "[test]", "[data]"):
        assert name in by_name
    assert re.search(r"\d thread", by_name["BLAS"])
    for name, line in by_name.items():
        if "lacks" in line:
            assert line.endswith(f"pip install 'minidl{name}'")


def test_a_command_stays_on_one_line():
    command = "pip install --upgrade 'a-package>=2.0'"
    lines = machine.folded(f"lacks this, that, the other, and so on: {command}", "  NO  ").split("\n")
    assert lines == ["  NO  lacks this, that, the other, and so on:", f"      {command}"]


def test_cupy_in_words(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert "not installed: running on NumPy" in said(capsys)[0]["CuPy"]
    assert "pip install 'minidl[gpu-cuda1" in said(capsys)[0]["CuPy"]
    fake_cupy(monkeypatch, RuntimeError("cudaErrorInsufficientDriver"))
    assert "installed, but no usable driver: running on NumPy" in said(capsys)[0]["CuPy"]
    fake_cupy(monkeypatch, 0)
    assert "no GPU is visible: running on NumPy" in said(capsys)[0]["CuPy"]
    fake_cupy(monkeypatch, 1)
    sys.modules["cupy"].cuda.runtime.getDeviceProperties = lambda k: {"name": b"H200"}
    assert "usable: H200" in said(capsys)[0]["CuPy"]


def test_what_is_missing_or_old_comes_with_its_line(capsys, monkeypatch):
    versions = {"numpy": "1.26.4", "rich": "13.0", "matplotlib": None}
    real = machine.version
    monkeypatch.setattr(machine, "version", lambda name: versions.get(name, real(name)))
    by_name, lines = said(capsys, status=1)
    assert by_name["numpy"].endswith("1.26.4 is older than 2.0: pip install --upgrade 'numpy>=2.0'")
    assert by_name["matplotlib"].endswith("missing: pip install 'matplotlib>=3.9'")
    assert by_name["[ui]"].split()[0] == "ok"
    assert lines[-1] == "To be put right: numpy, matplotlib."


def test_places_that_cannot_be_written(capsys, monkeypatch, tmp_path):
    a_file = tmp_path / "file"
    a_file.write_text("")
    monkeypatch.setenv("MINIDL_DATA", str(a_file / "cache"))
    by_name, lines = said(capsys, status=1)
    assert "cannot be written" in by_name["data"] and by_name["data"].split()[0] == "NO"
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "new"))
    assert "not there yet, can be written" in said(capsys)[0]["data"]
    assert not (tmp_path / "new").exists()
    (tmp_path / "new/mnist").mkdir(parents=True)
    assert "holds 1 entries" in said(capsys)[0]["data"]


def test_threads_say_who_set_them(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert "OMP_NUM_THREADS=1" in machine.threads()


@pytest.mark.parametrize("installed", [True, False])
def test_an_installed_package_tells_its_extras_itself(monkeypatch, tmp_path, installed):
    def requires(name):
        if not installed:
            raise importlib.metadata.PackageNotFoundError(name)
        return ["numpy>=2.0", 'cupy-cuda12x[ctk]>=14; extra == "gpu-cuda12"', 'numpy<2.6; extra == "gpu-cuda12"']

    monkeypatch.setattr(machine, "minidl", types.SimpleNamespace(__file__=str(tmp_path / "minidl/__init__.py")))
    monkeypatch.setattr(importlib.metadata, "requires", requires)
    assert machine.requirements(None)[0] == ("numpy", "2.0")
    assert machine.extra_names() == (["gpu-cuda12"] if installed else [])
    assert machine.requirements("gpu-cuda12") == ([("cupy-cuda12x", "14"), ("numpy", "0")] if installed else [])
