"""What is uploaded is what was tested: the wheel, installed into an empty environment, used from an empty folder."""

import configparser
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import minidl

ROOT = Path(__file__).parents[2]


def run(command, cwd, **env):
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, env={**os.environ, **env})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built by the build backend itself: no network, no pip."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The Python of an environment with the wheel's files, and NumPy from here (`.pth` files of here do not count)."""
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    executable = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = Path(run([executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], cwd=folder).strip())
    zipfile.ZipFile(wheel).extractall(site)
    (site / "outer.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return executable


def test_wheel_holds_the_package_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"minidl-{minidl.__version__}-py3-none-any.whl"
    assert "minidl/py.typed" in names
    assert {name.split("/")[0] for name in names} == {"minidl", f"minidl-{minidl.__version__}.dist-info"}


def test_wheel_holds_every_file_of_the_package(wheel):
    files = [p for p in (ROOT / "minidl").rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    here = {p.relative_to(ROOT).as_posix() for p in files}
    assert here <= set(zipfile.ZipFile(wheel).namelist())


def test_wheel_names_the_command(wheel):
    entry_points = configparser.ConfigParser()
    entry_points.read_string(zipfile.ZipFile(wheel).read(f"minidl-{minidl.__version__}.dist-info/entry_points.txt").decode())
    assert dict(entry_points["console_scripts"]) == {"minidl": "minidl.cli:main"}


def test_wheel_works_from_an_empty_folder(python, tmp_path):
    env = {"PYTHONPATH": "", "PYTHONWARNINGS": "error"}
    said = run([python, "-c", "import minidl; print(minidl.__version__, minidl.__file__)"], tmp_path, **env)
    version, file = said.strip().split(" ", 1)
    assert version == minidl.__version__
    assert Path(file).resolve().is_relative_to(python.parents[1].resolve())
    assert "demo" in run([python, "-m", "minidl", "--help"], tmp_path, **env)
