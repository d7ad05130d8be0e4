"""The command line: its exit statuses, its one-line errors, and consoles without x̂."""

import os
import subprocess
import sys
import types

import pytest

import minidl
from minidl import cli


@pytest.fixture
def command(monkeypatch):
    """Put a function behind `minidl try`."""

    def put(function):
        module = types.ModuleType("minidl_try")
        module.main = function
        monkeypatch.setitem(sys.modules, "minidl_try", module)
        monkeypatch.setitem(cli.COMMANDS, "try", ("a try", "minidl_try:main"))

    return put


def raiser(error):
    def main(argv):
        raise error

    return main


def test_version_and_help(capsys):
    for option, expected in [("--version", f"minidl {minidl.__version__}"), ("--help", "  demo ")]:
        with pytest.raises(SystemExit) as done:
            cli.main([option])
        assert done.value.code == 0
        assert expected in capsys.readouterr().out


def test_a_command_gets_its_arguments_and_gives_its_status(command):
    seen = []
    command(lambda argv: seen.append(argv))
    assert cli.main(["try", "--help", "-x", "--version", "a"]) == 0
    assert seen == [["--help", "-x", "--version", "a"]]
    command(lambda argv: 3)
    assert cli.main(["try"]) == 3


@pytest.mark.parametrize(
    "error, status, said",
    [
        (ValueError("epochs is -1;\n  it must be positive"), 2, "minidl try: epochs is -1; it must be positive\n"),
        (FileNotFoundError(2, "No such file", "a.npz"), 1, "minidl try: [Errno 2] No such file: 'a.npz'\n"),
        (ImportError("pip install 'minidl[data]'"), 1, "minidl try: pip install 'minidl[data]'\n"),
        (ValueError(), 2, "minidl try: ValueError\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_a_user_can_mend_take_one_line(command, capsys, error, status, said):
    command(raiser(error))
    assert cli.main(["try"]) == status
    assert capsys.readouterr() == ("", said)


def test_a_fault_of_our_own_keeps_its_traceback(command, monkeypatch):
    command(raiser(AttributeError("ours")))
    with pytest.raises(AttributeError, match="ours"):
        cli.main(["try"])
    command(raiser(ValueError("where?")))
    monkeypatch.setenv("MINIDL_TRACEBACK", "1")
    with pytest.raises(ValueError, match="where"):
        cli.main(["try"])


def test_an_unknown_command_names_the_known(capsys):
    with pytest.raises(SystemExit) as done:
        cli.main(["dmeo"])
    assert done.value.code == 2
    assert "demo" in capsys.readouterr().err


def test_a_console_without_unicode_spells_it_out():
    code = "from minidl import cli; cli.make_printable(); print('x\\u0302 = \\u03b1\\u00b2 \\u2192 \\u6f22')"
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [b"xhat", b"=", b"alpha^2", b"->", b"?"]
