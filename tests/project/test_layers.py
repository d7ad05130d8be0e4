"""Who may import whom: downwards, or sideways, never in a circle; and nothing heavy before it is used."""

import ast
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from benchmarks._lines import code_lines

ROOT = Path(__file__).parents[2]

LAYERS = [
    {"backend", "errors", "files"},
    {"autograd"},
    {"ops", "api"},
    {"kernels"},
    {"func", "nn", "optim", "data", "utils", "vision", "saving", "testing", "cuda", "linalg", "special",
     "distributions", "legacy", "text"},
    {"training", "models", "recipes", "explain", "profiler", "viz", "deploy", "distributed", "keras", "demo",
     "machine"},
    {"cli", "__main__"},
]
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}
LEVEL["minidl"] = 4.5  # the public face: what users run may import it, what it is made of may not
LEVEL["__init__"] = 6  # and its own file may import everything

ARRAY_LIBRARIES = {"numpy", "cupy", "cupyx", "scipy", "torch", "jax"}
HEAVY = {"matplotlib", "cupy", "cupyx", "sklearn", "scipy", "torch", "PIL", "pooch", "rich", "tokenizers"}


@dataclass(frozen=True)
class Import:
    file: str  # minidl/nn/linear.py
    line: int
    name: str  # the module asked for, in full: minidl.ops.linalg, numpy.random
    lazy: bool  # inside a function: not run at import time

    @property
    def source(self):
        return package_of(self.file.removesuffix(".py").replace("/", "."))

    @property
    def target(self):
        return package_of(self.name)

    def __str__(self):
        return f"{self.file}:{self.line} imports {self.name}"


def package_of(module):
    """minidl.nn.linear -> nn, minidl.cli -> cli, minidl -> minidl, numpy.random -> None."""
    parts = module.split(".")
    return None if parts[0] != "minidl" else parts[1] if len(parts) > 1 else "minidl"


def imports_of(root, packages):
    """Every import under root/minidl, except those that only a type checker reads."""
    for path in sorted((root / "minidl").rglob("*.py")):
        file = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"), file)
        yield from walk(tree, file, packages, lazy=False)


def walk(node, file, packages, lazy):
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}:
            for other in child.orelse:
                yield from walk(ast.Module([other], []), file, packages, lazy)
        elif isinstance(child, ast.Import):
            yield from (Import(file, child.lineno, alias.name, lazy) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = absolute(child, file)
            for alias in child.names:  # `from minidl import nn` asks for nn, `from minidl import Tensor` for the face
                inner = base == "minidl" and alias.name in packages
                yield Import(file, child.lineno, f"minidl.{alias.name}" if inner else base, lazy)
        else:
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            yield from walk(child, file, packages, lazy or function)


def absolute(node, file):
    """The module that a (perhaps relative) `from` names."""
    if not node.level:
        return node.module
    here = file.removesuffix(".py").split("/")[: -node.level]
    return ".".join([*here, node.module] if node.module else here)


def packages_in(root):
    return {p.stem for p in (root / "minidl").iterdir() if p.suffix == ".py" or (p.is_dir() and any(p.rglob("*.py")))}


def violations(root):
    """Everything in root/minidl that breaks the rules, a sentence each."""
    packages = packages_in(root)
    found = [f"minidl/{p} has no layer: give it one in {Path(__file__).name}" for p in sorted(packages - set(LEVEL))]
    if found:
        return found
    sideways = {}
    for i in imports_of(root, packages):
        top = i.name.split(".")[0]
        if top in HEAVY and not i.lazy:
            found.append(f"{i} at import time: import it where it is used")
        if top in ARRAY_LIBRARIES and i.source == "ops":
            found.append(f"{i}: a formula has only `xp`")
        if top == "numpy" and i.source == "nn":
            found.append(f"{i}: nn works on tensors")
        if i.target is None or i.target == i.source:
            continue
        if i.target not in LEVEL:
            found.append(f"{i}, which is no part of minidl")
        elif LEVEL[i.target] > LEVEL[i.source]:
            found.append(f"{i}, a layer above it")
        elif (i.source, i.target) in {("ops", "api"), ("ops", "kernels")}:
            found.append(f"{i}: formulas come before their callers")
        else:
            sideways.setdefault(i.source, set()).add(i.target)
    try:
        TopologicalSorter(sideways).prepare()
    except CycleError as error:
        found.append("packages import each other in a circle: " + " <- ".join(error.args[1]))
    return found


def test_imports_point_downwards():
    assert not violations(ROOT)


def test_the_engine_keeps_its_line_budget():
    # These stand on the engine and are no part of it: functional.py only calls `grad`, function.py makes records
    # whose vjps are the user's, batch.py is made of such; and __init__.py only names.
    above = {"functional.py", "function.py", "batch.py", "__init__.py"}
    files = [path for path in (ROOT / "minidl/autograd").glob("*.py") if path.name not in above]
    lines = {path.name: code_lines(path.read_text(encoding="utf-8")) for path in files}
    assert sum(lines.values()) <= 700, f"the engine is to be read in one sitting, 700 lines of code: {lines}"


@pytest.mark.parametrize(
    "file, text, message",
    [
        ("ops/a.py", "import numpy as np", "a formula has only `xp`"),
        ("ops/a.py", "def f():\n    from cupy import add", "a formula has only `xp`"),
        ("ops/a.py", "from ..api import functions", "before their callers"),
        ("nn/a.py", "import numpy.random", "nn works on tensors"),
        ("viz/a.py", "try:\n    import matplotlib.pyplot\nexcept ImportError:\n    pass", "where it is used"),
        ("backend/a.py", "from minidl.autograd import Tensor", "a layer above it"),
        ("autograd/a.py", "from .. import nn", "a layer above it"),
        ("autograd/a.py", "def f():\n    import minidl", "a layer above it"),
        ("nn/a.py", "from minidl import Tensor", "a layer above it"),
        ("nn/a.py", "from minidl.nowhere import x", "no part of minidl"),
        ("unheard_of/a.py", "", "has no layer"),
        ("optim/a.py", "from minidl import nn", "in a circle"),
    ],
)
def test_a_planted_fault_is_found(tmp_path, file, text, message):
    plant(tmp_path, "nn/b.py", "from minidl import optim" if "optim" in file else "")
    plant(tmp_path, file, text)
    assert [v for v in violations(tmp_path) if message in v]


@pytest.mark.parametrize(
    "file, text",
    [
        ("viz/a.py", "def f():\n    import matplotlib.pyplot as plt"),
        ("autograd/a.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from minidl.nn import b"),
        ("api/a.py", "from minidl import ops\nfrom ..ops import linalg"),
        ("demo/a.py", "import minidl\nfrom minidl import Tensor, nn\nfrom minidl.viz import plots"),
        ("backend/a.py", "import numpy as np\nfrom . import b"),
        ("__init__.py", "from minidl.nn import b\nfrom .viz import plots"),
    ],
)
def test_what_is_allowed_passes(tmp_path, file, text):
    for package in ("nn", "ops", "viz", "backend"):
        plant(tmp_path, f"{package}/b.py", "")
    plant(tmp_path, file, text)
    assert not violations(tmp_path)


def plant(root, file, text):
    path = root / "minidl" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
