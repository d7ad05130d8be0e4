"""Formulas are pure text over xp: the rules hold in every file of minidl/ops, and break where a fault is planted."""

import importlib.util

import pytest

from .cases import every_op
from .formula_rules import violations


@every_op
def test_formula_keeps_the_rules(op):
    assert not violations(op.formula)


BAD = {
    "x.max()": "only operators",
    "x.T @ x": "only operators",
    "x.astype(x.dtype)": "only operators",
    "xp.sum(x, (0,))": "by keyword",
    "xp.sum(x, axes=(0,))": "takes no keyword",
    "xp.reshape(x)": "by keyword",
    "xp.var(x)": "not a name of the algebra",
    "xp.random.normal(x)": "not a name of the algebra",
    "xp.concatenate([x, x], axis=0)": "one by one",
    "float(x)": "take values",
    "max(x, 0)": "take values",
    "len(x)": "take values",
    "math.exp(x)": "take values",
    "np.exp(x)": "captures module",
    "exp(x)": ".formula",
    "exp.formula(x)": "first argument is xp",
    "x * TABLE": "captures ndarray",
    "x * NAMED['a']": "captures dict",
    "x[x > 0]": "xp.getitem",
    "xp.getitem(x, key=(x > 0,))": "keywords are static",
    "x if x > 0 else -x": "cannot decide",
    "x if 0 < x.ndim and x > 0 else -x": "truth of a value",
    "not x": "truth of a value",
    "0 < x < 1": "truth of a value",
    "sum(row for row in x)": "not iterated",
    "helper(x)": "only operators",
    "xhelper(xp, x, 1)": "only operators",
    "(lambda t: t.sum())(x)": "only operators",
}
LINES = {
    "x += 1": "writes into the array",
    "x[0] = 1": "writes into nothing",
    "xp.cache = x": "writes into nothing",
    "global TABLE": "keeps state",
    "import numpy": "imports",
    "if xp.any(x): x = -x": "cannot decide",
    "while xp.sum(x) > 0: x = x - 1": "cannot decide",
    "for row in x: pass": "not iterated",
    "if x.ndim: raise ValueError(f'{x} has axes')": "shapes, not values",
    "def gx(g): return g.sum()": "only operators",
    "gx = lambda g: g * xp.dot(g, x)": "not a name",
    "s = x.shape; x = xp.broadcast_to(x, s)": "by keyword",
}
GOOD = [
    "xp.sum(x * x, axis=tuple(range(x.ndim)), keepdims=True)",
    "x[..., None] * x[:, : x.shape[0] // 2]",
    "-x if k else x ** 2.0 + math.sqrt(k) * (x > 0)",
    "exp.formula(xp, x)[0] * xhelper(xp, x, k).dtype.itemsize",
    "xp.concatenate(x, x, axis=k) + sum(n for n in x.shape) * len(x.shape)",
    "[part for part in (x, -x)][k % 2]",
    "(x if b is None else x + b) if min(x.shape) > 1 and not k else xp.maximum(x, 0)",
]

HEAD = """
import math
import numpy as np
from minidl.ops.elementwise import exp
TABLE = np.ones(3)
NAMED = {"a": 1.0}
def helper(t): return t.sum()
def xhelper(xp, t, n): return xp.exp(t) * n if n != 1 else t.mean()
"""


@pytest.mark.parametrize("expression, rule", BAD.items())
def test_a_planted_expression_is_found(tmp_path, expression, rule):
    found = violations(planted(tmp_path, f"    return {expression}, (lambda g: g,)"))
    assert any(rule in v for v in found), found
    found = violations(planted(tmp_path, f"    return x, (lambda g: {expression},)"))
    assert any(rule in v for v in found), found


@pytest.mark.parametrize("line, rule", LINES.items())
def test_a_planted_line_is_found(tmp_path, line, rule):
    found = violations(planted(tmp_path, f"    {line}\n    return x, (lambda g: g,)"))
    assert any(rule in v for v in found), found


@pytest.mark.parametrize("expression", GOOD)
def test_what_is_allowed_passes(tmp_path, expression):
    assert not violations(planted(tmp_path, f"    return {expression}, (lambda g: g,)", "np.exp", "t.mean()"))


def planted(folder, text, *without):
    """A formula of these lines, in a file of its own."""
    head = HEAD if not without else HEAD.replace("t.mean()", "t")
    path = folder / "planted.py"
    path.write_text(f"{head}\ndef formula(xp, x, b=None, *, k=1):\n{text}\n", encoding="utf-8")
    spec = importlib.util.spec_from_file_location("planted", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.formula
