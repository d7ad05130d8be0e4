"""What may stand in a formula, read from its syntax tree.

A name in a formula is a *value* (an array, or a Tensor where the formula runs on Tensors), *many* values (a
tuple or list of them), or static. Positional arguments are values, keyword-only ones are static; the rest
follows by reading the lines, into nested functions and into helpers with the kinds of arguments they are
called with. A value has operators, static indexing, `.shape .ndim .dtype`, and everything else is xp's."""

import ast
import builtins
import inspect
import itertools
import math
import types

from minidl.autograd import OPS, Op
from minidl.backend.algebra import NAMES

from .source import definition

VALUE, MANY, FUNCTION, XP = "value", "many", "function", "xp"
ABOUT = {"shape", "ndim", "dtype"}
ON_SEQUENCES = {"zip", "enumerate", "tuple", "list", "reversed", "len", "iter", "next"}
CONSTANTS = (int, float, str, bool, type(None), type, types.BuiltinFunctionType, type(...), slice)

def violations(formula):
    """Everything in a formula, and in the helpers it calls, that breaks the rules: a sentence each, with its line."""
    return Reader(formula, kinds_of(formula), set()).read()


def kinds_of(formula):
    """Positional arguments are values; keyword-only ones are static."""
    parameters = list(inspect.signature(formula).parameters.values())[1:]
    return {p.name: MANY if p.kind is p.VAR_POSITIONAL else VALUE for p in parameters if p.kind is not p.KEYWORD_ONLY}


class Reader:
    """Reads one function whose arguments have known kinds."""

    def __init__(self, function, kinds, seen):
        self.node, self.seen, self.found = definition(function.__code__), seen, []
        self.file = function.__code__.co_filename.rpartition("/")[2]
        self.outside = {**function.__globals__, **inspect.getclosurevars(function).nonlocals}
        self.kinds = {a.arg: None for a in arguments(self.node)} | kinds
        first = arguments(self.node)[:1]
        if first and first[0].arg == "xp":
            self.kinds["xp"] = XP
        self.functions = {}  # nested ones, by name
        self.keys = set()  # the lambdas of sorted(..., key=lambda k: ...)
        for node in ast.walk(self.node):
            if isinstance(node, ast.keyword) and node.arg == "key" and isinstance(node.value, ast.Lambda):
                self.keys.add(node.value)
            if node is not self.node and isinstance(node, ast.FunctionDef):
                self.functions[node.name] = node
                self.kinds[node.name] = FUNCTION
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.functions[target.id] = node.value
                        self.kinds[target.id] = FUNCTION

    def read(self):
        while self.settle():
            pass
        for node in body(self.node):
            self.look(node)
        return sorted(set(self.found))

    def wrong(self, node, sentence):
        self.found.append(f"{self.file}:{node.lineno}: {sentence}: {ast.unparse(node)[:80]}")

    # ------------------------------------------------------------------- which names are values

    def settle(self):
        """Learn kinds from every assignment, loop and call; whether anything new was learnt."""
        before = dict(self.kinds)
        called = {}
        for node in ast.walk(self.node):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self.bind(target, node.value, self.kind(node.value))
            elif isinstance(node, ast.NamedExpr | ast.AugAssign):
                self.bind(node.target, node.value, self.kind(node.value))
            elif isinstance(node, ast.For | ast.comprehension):
                self.bind_each(node.target, node.iter)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
                if isinstance(node.func.value, ast.Name) and self.any_value(node.args):
                    self.learn(node.func.value.id, MANY)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
                called.setdefault(node.func.id, []).append(node)
        for name, function in self.functions.items():
            parameters = arguments(function)
            for call in called.get(name, ()):
                for p, argument in zip(parameters, call.args):
                    self.learn(p.arg, self.kind(argument))
        for node in ast.walk(self.node):
            if isinstance(node, ast.Lambda | ast.FunctionDef) and node is not self.node:
                name = next((n for n, f in self.functions.items() if f is node), None)
                if name not in called and node not in self.keys:  # a vjp: the engine calls it, with gradients
                    for p in positional(node):
                        self.learn(p.arg, VALUE)
                    if node.args.vararg:
                        self.learn(node.args.vararg.arg, MANY)
        return self.kinds != before

    def bind(self, target, value, kind):
        if isinstance(target, ast.Tuple | ast.List):
            pairs = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
            parts = value.elts if pairs else None
            for k, part in enumerate(target.elts):
                inner = self.kind(parts[k]) if parts else VALUE if kind else None
                self.bind(part, parts[k] if parts else value, inner)
        elif isinstance(target, ast.Starred):
            self.bind(target.value, value, MANY if kind else None)
        elif isinstance(target, ast.Name) and self.kinds.get(target.id) is not FUNCTION:
            self.learn(target.id, kind)

    def bind_each(self, target, iterable):
        """What a loop's names become: numbers from range and enumerate, values from a sequence of values."""
        if isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and isinstance(target, ast.Tuple):
            if iterable.func.id == "enumerate":
                self.bind(target.elts[0], iterable, None)
                self.bind_each(target.elts[1], iterable.args[0])
                return
            if iterable.func.id == "zip" and len(target.elts) == len(iterable.args):
                for part, sequence in zip(target.elts, iterable.args):
                    self.bind_each(part, sequence)
                return
        self.bind(target, iterable, VALUE if self.kind(iterable) else None)

    def learn(self, name, kind):
        if kind is not None and self.kinds.get(name) in (None, VALUE if kind is MANY else kind):
            self.kinds[name] = kind
        else:
            self.kinds.setdefault(name, None)

    def kind(self, node):
        """VALUE, MANY, FUNCTION, XP or None (static)."""
        match node:
            case ast.Name():
                return self.kinds.get(node.id)
            case ast.Attribute():
                return None
            case ast.Tuple() | ast.List() | ast.Set():
                return MANY if any(self.kind(e) in (VALUE, MANY) for e in node.elts) else None
            case ast.Starred():
                return self.kind(node.value)
            case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
                return MANY if self.kind(node.elt) in (VALUE, MANY) else None
            case ast.Subscript():
                inner = self.kind(node.value)
                return VALUE if inner is MANY and not isinstance(node.slice, ast.Slice) else inner
            case ast.IfExp():
                return self.kind(node.body) or self.kind(node.orelse)
            case ast.Compare():
                about = all(isinstance(o, ast.Is | ast.IsNot) for o in node.ops)
                return None if about else self.any_value([node.left, *node.comparators])
            case ast.BinOp():
                kinds = (self.kind(node.left), self.kind(node.right))
                return VALUE if VALUE in kinds else MANY if MANY in kinds else None
            case ast.BoolOp():
                return self.any_value(node.values)
            case ast.UnaryOp():
                return self.any_value([node.operand])
            case ast.NamedExpr():
                return self.kind(node.value)
            case ast.Lambda():
                return FUNCTION
            case ast.Call():
                return self.kind_of_call(node)
        return None

    def kind_of_call(self, node):
        function = node.func
        if isinstance(function, ast.Attribute):
            if self.kind(function.value) is XP:
                return VALUE
            return MANY if function.attr == "formula" else None
        if isinstance(function, ast.Name):
            if function.id in self.functions:
                return self.returned(self.functions[function.id])
            if function.id in ("len", "isinstance"):
                return None
            if function.id in ON_SEQUENCES:
                return MANY if any(self.kind(a) in (VALUE, MANY) for a in node.args) else None
            helper = self.outside.get(function.id)
            if isinstance(helper, types.FunctionType):
                return self.enter(helper, node).returned()
        return self.any_value(node.args)

    def any_value(self, nodes):
        return VALUE if any(self.kind(n) in (VALUE, MANY) for n in nodes) else None

    def returned(self, function=None):
        """What a function gives back: VALUE if any of its returns is one."""
        function = function or self.node
        if isinstance(function, ast.Lambda):
            return self.kind(function.body)
        kinds = {self.kind(n.value) for n in own_nodes(function) if isinstance(n, ast.Return) and n.value is not None}
        return MANY if MANY in kinds else VALUE if VALUE in kinds else FUNCTION if FUNCTION in kinds else None

    def enter(self, helper, call):
        """A helper, read with the kinds of arguments that this call gives it."""
        node = definition(helper.__code__)
        kinds = {p.arg: self.kind(a) for p, a in zip(arguments(node), call.args)}
        if node.args.vararg and kinds.get(node.args.vararg.arg):
            kinds[node.args.vararg.arg] = MANY
        kinds |= {k.arg: self.kind(k.value) for k in call.keywords}
        key = (helper.__code__, tuple(sorted(kinds.items(), key=str)))
        reader = Reader(helper, kinds, self.seen)
        if key not in self.seen:
            self.seen.add(key)
            self.found += reader.read()
        else:
            while (helper.__code__ not in self.seen) and reader.settle():
                pass
        return reader

    # ------------------------------------------------------------------------------- the rules

    def look(self, node):
        rule = getattr(self, f"on_{type(node).__name__}", None)
        if rule:
            rule(node)
        free = for_plain_numbers(node)
        for child in ast.iter_child_nodes(node):
            if child not in free:
                self.look(child)

    def forbidden(self, node):
        self.wrong(node, "a formula neither imports, nor keeps state, nor waits, nor recovers")

    on_Global = on_Nonlocal = on_Import = on_ImportFrom = on_With = on_Try = on_Yield = on_Await = on_Delete = forbidden

    def on_Attribute(self, node):
        kind = self.kind(node.value)
        if kind is VALUE and node.attr not in ABOUT:
            self.wrong(node, "a value has only operators, static indexing, .shape .ndim .dtype")
        elif kind is MANY and node.attr not in ("append", "formula"):
            self.wrong(node, "a sequence of values is only indexed, iterated and appended to")
        elif kind is XP and node.attr not in NAMES:
            self.wrong(node, "not a name of the algebra")

    def on_Call(self, node):
        function = node.func
        if isinstance(function, ast.Attribute) and self.kind(function.value) is XP:
            self.xp_call(node, function.attr)
        elif isinstance(function, ast.Attribute) and function.attr == "formula":
            if not node.args or self.kind(node.args[0]) is not XP:
                self.wrong(node, "another formula runs in the same namespace: its first argument is xp")
            self.static_keywords(node)
        elif isinstance(function, ast.Attribute):
            given = [*node.args, *(k.value for k in node.keywords)]
            if self.any_value(given) and self.kind(function.value) is not MANY:
                self.wrong(node, "only xp and formulas take values")
        elif isinstance(function, ast.Name):
            self.named_call(node, function.id)
        elif not (isinstance(function, ast.Call | ast.Subscript) and self.kind(function) is not VALUE):
            self.wrong(node, "calls go to xp, to formulas and to helpers")

    def xp_call(self, node, name):
        op = vars(OPS).get(name)
        if name not in NAMES:
            return  # on_Attribute tells
        if op is None:
            self.wrong(node, "no op has this name of the algebra, so the formula cannot run on Tensors")
            return
        parameters = list(inspect.signature(op.formula).parameters.values())[1:]
        static = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY}
        several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
        given = {k.arg for k in node.keywords}  # with None for **those
        needed = {p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty}
        if given - static - {None}:
            self.wrong(node, f"the op {name} takes no keyword {', '.join(sorted(given - static - {None}))}")
        if needed - given and None not in given:
            self.wrong(node, f"the op {name} needs {', '.join(sorted(needed))} by keyword")
        if len(node.args) > len(op.arguments) and not several:
            self.wrong(node, "static arguments are passed by keyword")
        for argument in node.args:
            if self.kind(argument) is MANY and not isinstance(argument, ast.Starred):
                self.wrong(node, "several arrays are passed one by one (*xs), not as a sequence")
        self.static_keywords(node)

    def static_keywords(self, node):
        for keyword in node.keywords:
            if self.kind(keyword.value) in (VALUE, MANY):
                self.wrong(node, f"keywords are static, and {keyword.arg} is computed")

    def named_call(self, node, name):
        if name in self.kinds:
            return  # nested, or a vjp of another formula
        kinds = [self.kind(a) for a in node.args]
        target = self.outside.get(name, getattr(builtins, name, None))
        if isinstance(target, Op):
            self.wrong(node, "a formula calls another's .formula(xp, ...), not the op")
        elif isinstance(target, types.FunctionType):
            self.enter(target, node)
        elif VALUE in kinds and name not in ("zip", "enumerate", "tuple", "list", "isinstance", "abs") or (
            MANY in kinds and name not in ON_SEQUENCES | {"isinstance", "range"}
        ):
            self.wrong(node, "only xp and formulas take values")

    def on_Subscript(self, node):
        if self.kind(node.slice) in (VALUE, MANY):
            self.wrong(node, "indices that are values go through xp.getitem or xp.take_along_axis")
        if isinstance(node.ctx, ast.Store | ast.Del) and self.kind(node.value) is not None:
            self.wrong(node, "a formula writes into nothing")

    def on_AugAssign(self, node):
        if self.kind(node.target) is VALUE:
            self.wrong(node, "this writes into the array: give the result a name instead")

    def on_Assign(self, node):
        for target in node.targets:
            for t in ast.walk(target):
                if isinstance(t, ast.Attribute) and isinstance(t.ctx, ast.Store):
                    self.wrong(t, "a formula writes into nothing")

    def decides(self, node, test):
        if self.kind(test) is VALUE:
            self.wrong(node, "a value cannot decide what is computed: use xp.where")

    def on_If(self, node):
        self.decides(node.test, node.test)

    on_While = on_IfExp = on_If

    def on_Assert(self, node):
        self.decides(node, node.test)

    def on_BoolOp(self, node):
        if any(self.kind(v) is VALUE for v in node.values):
            self.wrong(node, "and/or ask for the truth of a value: use & | or xp.logical_and")

    def on_UnaryOp(self, node):
        if isinstance(node.op, ast.Not) and self.kind(node.operand) is VALUE:
            self.wrong(node, "not asks for the truth of a value: use xp.logical_not")

    def on_Compare(self, node):
        chained = len(node.ops) > 1 or isinstance(node.ops[0], ast.In | ast.NotIn)
        if chained and not all(isinstance(o, ast.Is | ast.IsNot) for o in node.ops):
            if any(self.kind(n) is VALUE for n in [node.left, *node.comparators]):
                self.wrong(node, "this asks for the truth of a value")

    def on_For(self, node):
        if self.kind(node.iter) is VALUE:
            self.wrong(node.iter, "a value is not iterated over")

    on_comprehension = on_For

    def on_FormattedValue(self, node):
        if self.kind(node.value) in (VALUE, MANY):
            self.wrong(node, "a message tells shapes, not values")

    def on_Name(self, node):
        if not isinstance(node.ctx, ast.Load) or node.id in self.kinds or hasattr(builtins, node.id):
            return
        if node.id not in self.outside:
            return
        thing = self.outside[node.id]
        if not (constant(thing) or thing is math or thing is itertools or isinstance(thing, Op | types.FunctionType)):
            self.wrong(node, f"captures {type(thing).__name__} from outside: a formula depends on its arguments alone")


def for_plain_numbers(node):
    """What runs only where a value is a Python number: `if isinstance(x, (int, float)): ...`."""
    if isinstance(node, ast.If | ast.IfExp) and isinstance(node.test, ast.Call):
        if ast.unparse(node.test.func) == "isinstance" and ast.unparse(node.test.args[1]) == "(int, float)":
            return node.body if isinstance(node.body, list) else [node.body]
    return []


def constant(thing):
    if isinstance(thing, tuple | frozenset):
        return all(constant(t) for t in thing)
    return isinstance(thing, CONSTANTS)


def arguments(node):
    a = node.args
    return [*a.posonlyargs, *a.args, *([a.vararg] if a.vararg else []), *a.kwonlyargs]


def positional(node):
    """Those without a default: what the engine fills."""
    a = [*node.args.posonlyargs, *node.args.args]
    return a[: len(a) - len(node.args.defaults)]


def body(node):
    return node.body if isinstance(node.body, list) else [node.body]


def own_nodes(function):
    """The nodes of a function, without those of functions inside it."""
    stack = list(body(function))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
