"""House rules that a linter does not know. (That a `noqa` or `type: ignore` names its code, ruff's PGH rules check.)"""

import ast
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUILT = {"__pycache__", "runs", "dist", "build", "out", "node_modules"}

# A path that exists on one machine only, or a folder that is no part of the repository.
ELSEWHERE = re.compile(r"/(?:work|root|home|Users)/\w|[.]library\b|\bshared[/]")


def files():
    """The repository's own text files and their names, also where there is no git to list them."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [f for f in folders if f not in BUILT and (f == ".ci" or not f.startswith("."))]
        for name in names:
            path = Path(folder, name)
            try:
                if name not in {".git", "uv.lock"}:
                    yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                pass  # a picture, an array


def elsewhere(text):
    return [line.strip() for line in text.splitlines() if ELSEWHERE.search(line)]


# Where each of pytest's ways out takes its reason, if it takes it by position.
REASON_AT = {"skip": 0, "xfail": 0, "importorskip": 2, "mark.skip": 0, "mark.skipif": None, "mark.xfail": None}


def unexplained(text):
    """Where a test is skipped, or expected to fail, without saying why."""
    nodes = list(ast.walk(ast.parse(text)))
    calls = {id(node.func): node for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        way = ast.unparse(node).removeprefix("pytest.") if isinstance(node, ast.Attribute) else None
        if way not in REASON_AT:
            continue
        call, at = calls.get(id(node)), REASON_AT[way]
        by_name = call and any(keyword.arg == "reason" for keyword in call.keywords)
        by_position = call and at is not None and len(call.args) > at
        if not (by_name or by_position):
            yield f"line {node.lineno}: {ast.unparse(call or node)}"


def test_no_file_names_a_place_outside_the_repository():
    found = {name: lines for name, text in files() if (lines := elsewhere(text))}
    assert not found


def test_every_skip_says_why():
    tests = [(name, text) for name, text in files() if name.startswith("tests/") and name.endswith(".py")]
    assert len(tests) > 5
    found = {name: lines for name, text in tests if (lines := list(unexplained(text)))}
    assert not found


@pytest.mark.parametrize("text", ["see /{}/me/x", "../{}/data", "a /{}/b"])
def test_a_planted_place_is_found(text):
    assert elsewhere(text.format("home" if "me" in text else "shar" + "ed" if ".." in text else "root"))
    assert not elsewhere("a/b shared by two, n / m, https://example.org/homework/1")


def test_a_planted_skip_is_found():
    bad = ["@pytest.mark.skip\ndef f(): ...", "pytest.skip()", "pytest.mark.skipif(1)", "pytest.importorskip('torch')"]
    good = ["@pytest.mark.skip('why')\ndef f(): ...", "pytest.skip('why')", "pytest.importorskip('t', reason='why')"]
    assert [len(list(unexplained(text))) for text in bad + good] == [1, 1, 1, 1, 0, 0, 0]
