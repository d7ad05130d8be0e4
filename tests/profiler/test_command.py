"""`minidl profile`: the script runs as it would alone, and however it ends, there is a table."""

import json

import pytest

from minidl import cli
from minidl.explain.listen import is_plain

SCRIPT = """
import sys
import minidl
from minidl import nn
import beside

assert __name__ == "__main__"
print(beside.word, sys.argv[1:])
nn.Linear(3, 4)(minidl.ones(2, 3)).sum().backward()
if sys.argv[-1] == "fail":
    raise RuntimeError("as asked")
if sys.argv[-1] == "interrupt":
    raise KeyboardInterrupt
if sys.argv[-1].isdigit():
    sys.exit(int(sys.argv[-1]))
"""


@pytest.fixture
def script(tmp_path):
    (tmp_path / "beside.py").write_text("word = 'hello'\n")
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return str(path)


@pytest.mark.parametrize(
    "word, status, said",
    [("ok", 0, ""), ("fail", 1, "as asked"), ("interrupt", 130, "interrupted"), ("7", 7, ""), ("0", 0, "")],
)
def test_script_and_table(script, capsys, word, status, said):
    assert cli.main(["profile", "--top", "2", script, "--top", "9", word]) == status
    out, err = capsys.readouterr()
    assert f"hello ['--top', '9', '{word}']" in out
    assert "linear" in out
    assert "Linear" in out
    assert said in err
    assert "command.py" not in err  # the traceback is the script's own
    assert is_plain()


def test_files_are_written(script, capsys, tmp_path):
    trace, picture = tmp_path / "t.json", tmp_path / "p.svg"
    assert cli.main(["profile", "--trace", str(trace), "--picture", str(picture), "--sort", "name", script]) == 0
    assert json.loads(trace.read_text())["traceEvents"]
    assert picture.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    "arguments, status, said",
    [
        ([], 2, "no script"),
        (["absent.py"], 1, "no script absent.py"),
        (["--trace", "no/such/t.json", "SCRIPT"], 1, "no such folder"),
        (["--picture", "picture.xyz", "SCRIPT"], 2, ".png"),
    ],
)
def test_mistakes_are_said_before_the_script_runs(script, capsys, arguments, status, said):
    assert cli.main(["profile", *(script if a == "SCRIPT" else a for a in arguments)]) == status
    out, err = capsys.readouterr()
    assert said in err
    assert "hello" not in out
