"""Would the checks notice? Plant a fault in every vjp, one at a time, and see which check finds it.

    python -m tests.mutants [--op NAME] [--seed N] [--json FILE]

A mutant is a formula with one fault of a kind that people make:

    negate, double, zero, transpose    the gradient as a whole
    factor     a · b or a / b lost one of its two          sign       a + b for a − b, or the other way round
    sum        a sum was left out, or is a mean            freeze     what the forward pass computed is a constant
                                                                      to create_graph: the second derivative lacks it
Each is put to the checks of the walk (minidl/testing/checks.py) on the op's samples. What none of them finds has
survived: a gap in the samples, or a mutant that computes the same. The latter are listed, each with its reason, in
tests/mutants_explained.toml."""

import argparse
import ast
import collections
import copy
import json
import sys
import time
import tomllib
import types
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import minidl.ops  # noqa: F401  # registers the ops
from minidl.autograd import OPS, Composite, Tensor, grad
from minidl.testing.checks import BOUNDS, Trial, registry
from tests.ops.formula_rules import MANY, VALUE, Reader, arguments, kinds_of, own_nodes
from tests.ops.kinks import KINKS, arrays
from tests.ops.source import definition

EXPLAINED = Path(__file__).with_name("mutants_explained.toml")
ENOUGH = 0.95
CHECKS = ("first order", "create_graph", "formula", "second order")


@dataclass
class Mutant:
    op: str
    kind: str
    change: str
    caught_by: str | None = None  # a check, or "error" where the fault makes the formula fail
    reason: str = ""  # of a survivor that is explained

    @property
    def key(self):
        return self.op, self.kind, self.change


# ---------------------------------------------------------------- faults in the gradient as a whole


def negate(xp, g):
    return -g


def double(xp, g):
    return g * 2.0


def zero(xp, g):
    return g * 0.0


def transpose(xp, g):
    """The last two axes exchanged; where their lengths differ, read off in the wrong order."""
    if g.ndim < 2:
        return g
    turned = xp.transpose(g, axes=(*range(g.ndim - 2), g.ndim - 1, g.ndim - 2))
    return turned if turned.shape == g.shape else xp.reshape(turned, shape=g.shape)


def whole_gradient(op, formula):
    """(kind, change, formula) for each fault in the gradient of each argument."""
    for k, name in enumerate(op.arguments):
        for fault in (negate, double, zero, transpose):
            yield fault.__name__, name, spoiled(formula, k, k == len(op.arguments) - 1, fault)


def spoiled(formula, place, to_the_end, fault):
    """The formula with a fault in the gradient at one place (and all after it: the last name may stand for several)."""

    def mutant(xp, *arrays, **params):
        y, vjps = formula(xp, *arrays, **params)
        if vjps is None:
            return y, None
        here = lambda k: k == place or (to_the_end and k > place)
        wrong = lambda k, g: g if g is None or not here(k) else fault(xp, g)
        if callable(vjps):
            return y, lambda *g: tuple(wrong(k, gx) for k, gx in enumerate(vjps(*g)))
        one = lambda k, vjp: None if vjp is None else lambda *g: wrong(k, vjp(*g))
        return y, tuple(one(k, vjp) for k, vjp in enumerate(vjps))

    return mutant


# ----------------------------------------------------------------------- faults in a line of a vjp


def lines(formula):
    """(kind, change, formula) for each fault in an expression that only the vjps evaluate."""
    for function, reader, regions in parts(formula, kinds_of(formula), set()):
        node = definition(function.__code__)
        places = {n: i for i, n in enumerate(ast.walk(node))}
        for region in regions:
            for kind, old, new in faults(reader, region):
                changed = copy.deepcopy(node)
                replace(changed, places[old] if isinstance(old, ast.AST) else {places[n] for n in old}, new)
                yield kind, told(kind, old, new), rebuilt(formula, function, changed)


def parts(function, kinds, seen):
    """The formula and the helpers that its vjps call, each with the nodes that only the vjps evaluate."""
    if function.__code__ in seen:
        return
    seen.add(function.__code__)
    reader = Reader(function, kinds, set())
    while reader.settle():
        pass
    regions = list(backward_only(definition(function.__code__)))
    yield function, reader, regions
    for inside, nodes in ((True, regions), (False, [definition(function.__code__)])):
        for node in nodes:
            for call in ast.walk(node):
                named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
                helper = reader.outside.get(call.func.id) if named else None
                if not isinstance(helper, types.FunctionType):
                    continue
                parameters = arguments(definition(helper.__code__))
                if not parameters or parameters[0].arg != "xp":
                    continue
                given = {p.arg: reader.kind(a) for p, a in zip(parameters, call.args)}
                for f, r, own in parts(helper, given, seen):
                    forward = not inside or called_forward(function, helper)
                    yield f, r, own if forward or f is not helper else [definition(f.__code__)]


def called_forward(function, helper):
    """Is the helper called by lines of the forward pass, too? (Then a fault in it is one of the value.)"""
    regions = {n for r in backward_only(definition(function.__code__)) for n in ast.walk(r)}
    return any(
        isinstance(n, ast.Name) and n.id == helper.__name__ and n not in regions
        for n in ast.walk(definition(function.__code__))
    )


def backward_only(function):
    """The nested functions that the forward pass does not call."""
    own = list(own_nodes(function))
    nested = [n for n in own if isinstance(n, ast.FunctionDef | ast.Lambda)]
    names = {n.name: n for n in nested if isinstance(n, ast.FunctionDef)}
    names |= {
        t.id: n.value for n in own if isinstance(n, ast.Assign) and isinstance(n.value, ast.Lambda)
        for t in n.targets if isinstance(t, ast.Name)
    }  # fmt: skip
    called, queue = set(), own
    while queue:
        node = queue.pop()
        if isinstance(node, ast.Call):
            used = [node.func, *node.args]  # `folded(f, parts)` calls f
            by_name = {names[n.id] for n in used if isinstance(n, ast.Name) and n.id in names}
            for f in by_name | ({node.func} & set(nested)):
                if f not in called:
                    called.add(f)
                    queue.extend(own_nodes(f))
    for f in nested:
        if f in called:
            yield from backward_only(f)
        else:
            yield f


def faults(reader, region):
    """(kind, old node or nodes, what makes the new one) for everything in a region that can go wrong."""
    frozen = collections.defaultdict(list)
    inner = {a.arg for f in ast.walk(region) if isinstance(f, ast.FunctionDef | ast.Lambda) for a in arguments(f)}
    inner |= {n.id for n in ast.walk(region) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    products = [n for n in ast.walk(region) if isinstance(n, ast.BinOp) and reader.kind(n) is VALUE]
    of_values = {n for product in products for n in ast.walk(product)}
    for node in expressions(region):
        match node:
            case ast.BinOp(op=ast.Mult() | ast.Div()) if node in of_values:
                yield "factor", node, lambda n: n.left
                yield "factor", node, lambda n: n.right
            case ast.BinOp(op=ast.Add()) if reader.kind(node) is VALUE:
                yield "sign", node, lambda n: ast.BinOp(n.left, ast.Sub(), n.right)
            case ast.BinOp(op=ast.Sub()) if reader.kind(node) is VALUE:
                yield "sign", node, lambda n: ast.BinOp(n.left, ast.Add(), n.right)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="xp"), attr="sum" | "mean" | "sum_to")):
                yield "sum", node, lambda n: n.args[0]
                if node.func.attr != "sum_to":
                    yield "sum", node, other_mean
            case ast.Name() if reader.kind(node) in (VALUE, MANY) and node.id not in inner:
                frozen[node.id].append(node)
    for nodes in frozen.values():
        yield "freeze", nodes, lambda n: ast.Call(ast.Name("__freeze__", ast.Load()), [n], [])


def other_mean(call):
    attr = {"sum": "mean", "mean": "sum"}[call.func.attr]
    return ast.Call(ast.Attribute(call.func.value, attr, ast.Load()), call.args, call.keywords)


def expressions(node):
    """The nodes below, without what is static: keywords, indices, shapes, conditions, messages."""
    for name, child in ast.iter_fields(node):
        if name in ("keywords", "slice", "test", "ifs", "decorator_list", "args") and not (
            name == "args" and isinstance(node, ast.Call) and xp_or_name(node)
        ):
            continue
        for n in child if isinstance(child, list) else [child]:
            if isinstance(n, ast.AST) and not isinstance(n, ast.Raise):
                if not (isinstance(n, ast.Attribute) and n.attr in ("shape", "ndim", "dtype")):
                    yield n
                    yield from expressions(n)


def xp_or_name(call):
    static = ("range", "len", "tuple", "sorted", "slice", "part")
    return not (isinstance(call.func, ast.Name) and call.func.id in static)


def replace(tree, places, new):
    """Put new(node) where the nodes at these places of ast.walk stand."""
    places = {places} if isinstance(places, int) else places
    olds = {id(n) for i, n in enumerate(ast.walk(tree)) if i in places}

    class Replace(ast.NodeTransformer):
        def visit(self, node):
            return new(node) if id(node) in olds else self.generic_visit(node)

    Replace().visit(tree)


def told(kind, old, new):
    if isinstance(old, list):
        return old[0].id
    return f"{ast.unparse(old)} → {ast.unparse(new(copy.deepcopy(old)))}"


def rebuilt(formula, function, node):
    """The formula, compiled again with another definition of one function: its own, or a helper's."""
    namespace = dict(function.__globals__, __freeze__=freeze)
    made = compiled(function, node, namespace)
    if function is formula:
        return made
    namespace = dict(formula.__globals__, __freeze__=freeze)
    original = made.__globals__
    original[function.__name__] = made  # it may call itself
    namespace[function.__name__] = made
    for name, thing in formula.__globals__.items():  # helpers that call the helper
        if thing is function or not isinstance(thing, types.FunctionType):
            continue
        if function.__name__ in names_in(thing.__code__):
            namespace[name] = compiled(thing, definition(thing.__code__), namespace)
    return compiled(formula, definition(formula.__code__), namespace)


def names_in(code):
    return {*code.co_names, *(n for c in code.co_consts if isinstance(c, types.CodeType) for n in names_in(c))}


def compiled(function, node, namespace):
    node = copy.deepcopy(node)
    free = function.__code__.co_freevars
    if isinstance(node, ast.Lambda):
        node = ast.Assign([ast.Name("made", ast.Store())], node)
        name = "made"
    else:
        node.decorator_list, name = [], node.name
    if free:
        names = ast.arguments([], [ast.arg(f) for f in free], None, [], [], None, [])
        node = ast.FunctionDef("outer", names, [node, ast.Return(ast.Name(name, ast.Load()))], [], None, None)
    before = namespace.get(name)
    exec(compile(ast.fix_missing_locations(ast.Module([node], [])), function.__code__.co_filename, "exec"), namespace)
    if free:
        return namespace.pop("outer")(*(cell.cell_contents for cell in function.__closure__))
    made = namespace[name]
    if before is not None:
        namespace[name] = before  # the op keeps its name: formulas call `matmul.formula`
    return made


def freeze(t):
    """What a vjp captured, as a constant. On raw arrays nothing changes."""
    if isinstance(t, tuple | list):
        return type(t)(freeze(x) for x in t)
    if isinstance(t, Tensor) and t.requires_grad:
        freeze.used = True
        return t.detach()
    return t


# ---------------------------------------------------------------------------------------- the trial


def mutants_of(op, seed=0):
    """Every mutant of an op that makes a difference to anything, put to the checks."""
    formula, kernels, direct = op.formula, op.kernels, op.direct
    op.kernels, op.direct = {}, True  # the formula itself is on trial
    try:
        trials = [Trial(op, sample, seed=seed) for sample in op.samples]
        for t in trials:  # what finite differences say of the right formula
            _ = t.numeric_slope, t.numeric_curvature
        right = [t.gradients() for t in trials]
        for kind, change, mutant in (*whole_gradient(op, formula), *lines(formula)):
            found = Mutant(op.name, kind, change)
            freeze.used = False
            op.formula = mutant
            try:
                found.caught_by = caught(trials) or wrong_at_kinks(op)
            except Exception:  # a fault may make a formula fail in any way
                found.caught_by = "error"
            idle = found.caught_by is None and not makes_a_difference(kind, trials, right)
            op.formula = formula
            if not idle:
                yield found
    finally:
        op.formula, op.kernels, op.direct = formula, kernels, direct


def caught(trials):
    """The first check that finds something, on any sample."""
    for check in CHECKS:
        for t in trials:
            error = getattr(t, check.replace(" ", "_"))()
            if error is not None and not error <= BOUNDS[check]:
                return check
    return None


def wrong_at_kinks(op):
    """The last check: the gradients that are so by definition."""
    for name, args, params, expected in KINKS:
        if name == op.name:
            xs = [Tensor(a, a.dtype.kind == "f") for a in arrays(args)]
            found = grad(OPS.sum(op(*xs, **params)), [x for x in xs if x.requires_grad])
            for g, e in zip(found, [e for e in expected if e is not None]):
                if not np.allclose(g.array, e, equal_nan=True):
                    return "kinks"
    return None


def makes_a_difference(kind, trials, right):
    """A gradient that is zero cannot be doubled, a row cannot be transposed, a number cannot be frozen."""
    if kind == "freeze":
        return freeze.used
    if kind not in ("negate", "double", "zero", "transpose"):
        return True
    return any(not np.array_equal(a, b) for t, gs in zip(trials, right) for a, b in zip(t.gradients(), gs))


def explanations():
    """The reason by mutant, and how many such mutants there are, for those that compute the same."""
    groups = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["same"]
    pairs = [(tuple(m.split(": ", 2)), group["reason"]) for group in groups for m in group["mutants"]]
    return dict(pairs), collections.Counter(key for key, _ in pairs)


def main(argv=None):
    parser = argparse.ArgumentParser(description="plant faults in every vjp and see whether the checks find them")
    parser.add_argument("--op", action="append", metavar="NAME", help="only this op; may be given several times")
    parser.add_argument("--seed", type=int, default=0, help="of the values that the checks draw")
    parser.add_argument("--json", metavar="FILE", help="write all that is known of every mutant")
    options = parser.parse_args(argv)
    ops = [op for op in registry() if not isinstance(op, Composite) and (not options.op or op.name in options.op)]
    unknown = set(options.op or ()) - {op.name for op in ops}
    if unknown:
        parser.error(f"there is no op with vjps called {', '.join(sorted(unknown))}")

    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = [mutant for op in ops for mutant in mutants_of(op, options.seed)]
    seconds = time.perf_counter() - start

    reasons, unused = explanations()
    for m in found:
        if m.caught_by is None and unused[m.key]:
            m.reason = reasons[m.key]
            unused[m.key] -= 1
    equal = [m for m in found if m.reason]
    counted = [m for m in found if not m.reason]
    survivors = [m for m in counted if m.caught_by is None]
    stale = [] if options.op else sorted(unused.elements())
    share = 1 - len(survivors) / max(len(counted), 1)

    caught_ones = len(counted) - len(survivors)
    print(f"{len(counted)} mutants of {len(ops)} ops: {caught_ones} caught ({share:.1%}) in {seconds:.0f} s")
    for kind in dict.fromkeys(m.kind for m in found):
        of_kind = [m for m in counted if m.kind == kind]
        by = collections.Counter(m.caught_by or "nothing" for m in of_kind)
        print(f"  {kind:10}{len(of_kind):6}   " + ", ".join(f"{check} {n}" for check, n in by.most_common()))
    if equal:
        print(f"{len(equal)} more compute the same, each for a reason given in {EXPLAINED.name}")
    for m in survivors:
        print(f"SURVIVED  {m.op}: {m.kind}: {m.change}")
    for key in stale:
        print(f"EXPLAINED, but caught or gone: {': '.join(key)}")
    if options.json:
        report = {
            "ops": len(ops), "mutants": len(counted), "caught": caught_ones, "explained": len(equal),
            "seconds": round(seconds, 1), "seed": options.seed, "all": [asdict(m) for m in found],
        }  # fmt: skip
        Path(options.json).write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    return int(share < ENOUGH or bool(survivors) or bool(stale))


if __name__ == "__main__":
    sys.exit(main())
