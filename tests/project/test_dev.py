"""dev.py without its network: what it would run, in which order, on which machine, and what it says when that fails."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev


class Machine:
    """Stands in for `dev.call`: keeps every command, and fails those that one of the patterns matches."""

    def __init__(self, *failing):
        self.failing, self.ran = failing, []

    def __call__(self, command, quiet=False, cwd=None, **env):
        words = " ".join(str(c) for c in command)
        self.ran.append(words)
        if any(re.search(pattern, words) for pattern in self.failing):
            return 1
        if "-m venv" in words:
            Path(words.split()[-1]).mkdir(exist_ok=True)
        return 0

    def count(self, word):
        return sum(word in words for words in self.ran)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A checkout in a temporary folder, on a machine whose commands fail as told."""
    (tmp_path / "pyproject.toml").write_text("[project]")
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(dev, "STAMP", tmp_path / ".venv/dev-stamp.json")

    def make(*failing):
        monkeypatch.setattr(dev, "call", Machine(*failing))
        return dev.call

    return make


# ---------------------------------------------------------------------------------------------- set-up


def test_the_second_set_up_only_looks(machine):
    first = machine()
    python = dev.set_up("test", torch=True)
    assert (first.count("-m venv"), first.count("--editable"), first.count("torch==")) == (1, 1, 1)
    assert first.ran[-2].endswith(f"install --editable {dev.ROOT}[test] -q")
    second = machine()
    assert dev.set_up("test", torch=True) == python == dev.venv_python(dev.VENV)
    assert len(second.ran) == 1
    assert "find_spec" in second.ran[0]


def test_no_extras_leaves_no_empty_brackets(machine):
    """pip takes `folder[]` for the name of a folder."""
    here = machine()
    dev.set_up()
    assert here.ran[-1].endswith(f"--editable {dev.ROOT} -q")


def test_another_command_adds_its_extras_and_keeps_the_rest(machine):
    machine()
    dev.set_up("test")
    then = machine()
    dev.set_up("data")
    assert (then.count("-m venv"), then.count("[data,test]")) == (0, 1)
    after = machine()
    dev.set_up("test")
    dev.set_up("data")
    assert after.count("pip") == after.count("find_spec")


def test_a_changed_project_is_installed_again(machine):
    machine()
    dev.set_up("test", torch=True)
    (dev.ROOT / "pyproject.toml").write_text("[project] # new")
    then = machine()
    dev.set_up("test", torch=True)
    assert (then.count("-m venv"), then.count("--editable"), then.count("torch==")) == (0, 1, 0)


@pytest.mark.parametrize("damage", ["broken", "no stamp", "torn stamp", "other Python"])
def test_what_cannot_be_trusted_is_made_anew(machine, damage, monkeypatch):
    machine()
    dev.set_up("test")
    if damage == "no stamp":  # what Ctrl-C in the middle leaves
        dev.STAMP.unlink()
    if damage == "torn stamp":
        dev.STAMP.write_text('{"home": ')
    if damage == "other Python":
        monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    (dev.VENV / "left over").touch()
    then = machine(*["find_spec"] * (damage == "broken"))
    dev.set_up("test")
    assert (then.count("-m venv"), then.count("--editable")) == (1, 1)
    assert not (dev.VENV / "left over").exists()


def test_no_stamp_is_left_by_a_set_up_that_fails(machine):
    machine("--editable")
    with pytest.raises(dev.Stop, match="Next: .*network"):
        dev.set_up("test")
    assert dev.read_stamp() == {}
    machine()
    dev.set_up("test")
    (dev.ROOT / "pyproject.toml").write_text("[project] # new")
    machine("--editable")
    with pytest.raises(dev.Stop):
        dev.set_up("test")
    assert dev.read_stamp() == {}


def test_without_ensurepip_the_pip_outside_fills_the_environment(machine):
    debian = machine("-m venv (?!--without-pip)")
    dev.set_up("test")
    (bootstrap,) = [words for words in debian.ran if "--python" in words]
    assert bootstrap.endswith(f"-m pip --python {dev.venv_python(dev.VENV)} install pip -q")
    assert debian.count("--editable") == 1


def test_without_ensurepip_and_pip_the_next_step_is_said(machine):
    machine("-m venv", "-m pip")
    with pytest.raises(dev.Stop, match="lacks ensurepip.*\nNext: .*apt install python3-venv"):
        dev.set_up("test")
    assert not dev.VENV.exists()


@pytest.mark.parametrize(
    "platform, build", [("linux", "torch==2.13.0+cpu"), ("darwin", "torch==2.13.0"), ("win32", "torch==2.13.0")]
)
def test_torch_is_a_cpu_build_or_none(machine, monkeypatch, capsys, platform, build):
    monkeypatch.setattr(sys, "platform", platform)
    none = machine("torch==")
    dev.set_up("test", torch=True)
    assert f"install --only-binary=torch {build} -q" in none.ran[-1]
    assert "skipped" in capsys.readouterr().out
    assert json.loads(dev.STAMP.read_text())["torch"] is False
    asked_again = machine()
    dev.set_up("test", torch=True)
    assert asked_again.count("torch==") == 0


def test_paths_on_each_system():
    assert dev.venv_python(Path("e"), windows=True) == Path("e/Scripts/python.exe")
    assert dev.venv_python(Path("e"), windows=False) == Path("e/bin/python")


# -------------------------------------------------------------------------------------------- commands


def test_arguments_are_handed_on(machine):
    here = machine()
    assert dev.main(["demo", "--epochs", "3"]) == 0
    assert here.ran[-1].endswith("-m minidl demo --epochs 3")
    assert dev.main(["test", "-k", "conv"]) == 0
    assert here.ran[-1].endswith("-k conv")
    assert here.count("ruff check") == 0
    assert dev.main(["test", "--pdb"]) == 0
    assert here.ran[-1].endswith("-m pytest --pdb")


def test_the_whole_test_runs_every_step_and_names_what_failed(machine, capsys):
    here = machine("mypy")
    assert dev.main(["test"]) == 1
    assert [here.count(tool) for tool in ("-m ruff check .", "-m mypy", "-m pytest -n ")] == [1, 1, 1]
    assert "Failed: mypy.\nNext: " in capsys.readouterr().err


def test_all_adds_the_mutants_where_they_are(machine, capsys):
    here = machine()
    assert dev.main(["test", "--all"]) == 0
    assert here.count("tests.mutants") == 0
    assert "no tests/mutants" in capsys.readouterr().out
    (dev.ROOT / "tests").mkdir()
    (dev.ROOT / "tests/mutants.py").touch()
    assert dev.main(["test", "--all"]) == 0
    assert here.ran[-2].endswith("--all")
    assert here.ran[-1].endswith("-m tests.mutants")
    here.failing = ["tests.mutants"]
    assert dev.main(["test", "--all"]) == 1


@pytest.mark.parametrize("command", ["bench", "docs", "tutorials", "gpu"])
def test_what_is_not_there_is_said_and_fails(machine, monkeypatch, capsys, command):
    monkeypatch.setattr(subprocess, "check_output", raise_no_such_file)
    assert machine().ran == []
    assert dev.main([command]) == 1
    assert "\nNext: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "said, extra",
    [
        ("CUDA Version: 12.4", "gpu-cuda12"),
        ("CUDA UMD Version: 13.1", "gpu-cuda13"),
        ("CUDA Version: 14.0", "gpu-cuda13"),
        ("CUDA Version: 11.8", "gpu-cuda12"),  # too old for CuPy, which then says so
        ("CUDA Version: N/A", "gpu-cuda12"),
    ],
)
def test_gpu_installs_what_the_driver_can_run(machine, monkeypatch, capsys, said, extra):
    monkeypatch.setattr(subprocess, "check_output", lambda *a, **k: f"| NVIDIA-SMI 570  {said} |".encode())
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    here = machine()
    assert dev.main(["gpu", "-x"]) == 0
    assert here.count(f"[data,{extra},test]") == 1
    assert here.ran[-1].endswith("-m pytest --device cuda -x")
    machine("import cupy")
    assert dev.main(["gpu"]) == 1
    assert "Next: update the NVIDIA driver" in capsys.readouterr().err


def test_bench_takes_a_name(machine, capsys):
    here = machine()
    (dev.ROOT / "benchmarks").mkdir()
    (dev.ROOT / "benchmarks/steps.py").touch()
    assert dev.main(["bench", "--quick"]) == 0
    assert here.ran[-1].endswith("-m benchmarks.steps --quick")
    assert dev.main(["bench", "nothing"]) == 1
    assert "choose one of steps" in capsys.readouterr().err


def test_an_interrupt_is_quiet(machine, monkeypatch, capsys):
    monkeypatch.setattr(dev, "set_up", raise_interrupt)
    assert dev.main(["test"]) == 130
    assert "Next: " in capsys.readouterr().err


def test_help_lists_every_command(capsys):
    assert dev.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in dev.COMMANDS)
    assert dev.main(["no such thing"]) == 2


# -------------------------------------------------------------------------------------------- old Pythons


def test_an_old_python_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 6, 15, "final", 0))
    monkeypatch.setattr(dev.shutil, "which", lambda name: name if name == "python3.12" else None)
    assert dev.main(["test"]) == 1
    assert "minidl needs Python 3.11" in (said := capsys.readouterr().err)
    assert "Next: `python3.12 dev.py test`" in said


def test_an_old_python_can_read_the_script():
    source = Path(dev.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    assert not any(isinstance(node, ast.AnnAssign) for node in ast.walk(tree))
    assert source.isascii()  # for a console, and an editor, of any encoding


def raise_no_such_file(*args, **kwargs):
    raise FileNotFoundError("nvidia-smi")


def raise_interrupt(*args, **kwargs):
    raise KeyboardInterrupt
