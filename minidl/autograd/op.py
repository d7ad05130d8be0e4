"""An op is a formula `(xp, *arrays, **static) -> (y, vjps)`, evaluated in whatever namespace it is given.

On raw arrays `xp` is their backend. Where derivatives of derivatives are wanted, the same text runs on
Tensors, and `xp` is OPS: every registered op by its name.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend import BACKENDS, INDEX, NUMPY, Backend, backend_of, get_default_dtype, result_type
from ..backend.dtypes import float32, settled
from ..errors import Unsupported, explain, operand_names, refusal, refuse_mixed, what_is
from .memory import Memory, tick
from .modes import modes
from .tensor import OPERATORS, Node, Tensor, make


class _Registry:
    """Every op by name: the namespace of formulas that run on Tensors."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no op is called {name!r}; formulas use the names of backend/algebra.py and of ops")


OPS: Any = _Registry()
LIFT: list[Any] = []  # what brings operands into one batch, once `vmap` has been used (batch.py)
PLAIN = (float, int, bool, type(None))
_USER_ERRORS = (ValueError, TypeError, IndexError, ArithmeticError, NotImplementedError, AttributeError)
_ndarray = NUMPY.array_type
_node = Node.__new__


class Op:
    """A registered formula. Calling it runs the formula on the tensors' arrays and records what it did."""

    def __init__(
        self,
        formula: Callable[..., Any],
        samples: Sequence[Any],
        promote: str | None = None,
        keep: Sequence[str] = (),
        constant: Sequence[int] = (),
    ) -> None:
        self.name = formula.__name__
        if not samples:
            raise ValueError(f"op {self.name}: what cannot be checked cannot be registered; give samples=")
        if self.name in vars(OPS):
            raise ValueError(f"op {self.name}: registered twice")
        self.formula, self.samples, self.promote, self.constant = formula, samples, promote, constant
        self.kernels: dict[Backend, Callable[..., Any]] = {}
        self.direct = True  # nothing stands between a call and the formula
        self.__doc__, self.__module__ = formula.__doc__, formula.__module__
        self.arguments = operand_names(formula)
        self.kept = {self.arguments.index(name) for name in keep}
        self.optional = None in (formula.__defaults__ or ())  # may an operand be absent?
        setattr(OPS, self.name, self)
        for operator, swapped in OPERATORS.get(self.name, ()):
            setattr(Tensor, operator, _operator(self, len(self.arguments), swapped))

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.arguments)})>"

    def kernel(self, backend: Backend) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a faster formula with the same signature for one backend; it may return NotImplemented."""

        def register(formula: Callable[..., Any]) -> Callable[..., Any]:
            self.kernels[backend], self.direct = formula, False
            return formula

        return register

    def evaluate(self, xp: Any, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
        """(y, vjps) on raw arrays: by this backend's kernel, where there is one that takes the case."""
        kernel = self.kernels.get(xp)
        result = NotImplemented if kernel is None else kernel(xp, *arrays, **params)
        return self.formula(xp, *arrays, **params) if result is NotImplemented else result

    def promoted(self, xp: Any, operands: Sequence[Any]) -> list[Any]:
        """The operands (arrays, or Tensors where xp is OPS) in the dtype that the formula will see."""
        taking_part = [x for k, x in enumerate(operands) if x is not None and k not in self.kept]
        if self.promote == "same":
            refuse_mixed(taking_part)
        dtype = result_type(*taking_part)
        if self.promote == "float" and dtype.kind != "f":
            dtype = get_default_dtype()
        return [x if k in self.kept else settled(xp, x, dtype) for k, x in enumerate(operands)]

    def __call__(self, *args: Any, **params: Any) -> Any:
        if LIFT:
            args = LIFT[0](args)
        arrays, inputs, wanted = [], [], []
        array = dtype = None
        settled = True
        for a in args:
            if isinstance(a, Tensor):
                array = a.array
                arrays.append(array)
                inputs.append(a.node or a)
                wanted.append(a.needs_grad)
                its = array.dtype
                if its is not dtype:
                    settled = dtype is None and (its is float32 or its.kind == "f")
                    dtype = its
            elif type(a) in PLAIN and (a is not None or self.optional):
                arrays.append(a)
                inputs.append(a)
                wanted.append(False)
            else:
                return self(*(_operand(self, b) for b in args), **params)
        if array is None:
            raise refusal(Unsupported, self.name, f"at least one tensor is needed, got {', '.join(map(repr, args))}")
        recording = modes.recording
        if recording and Memory.watched and look(args, True in wanted):
            return self(*args, **params)  # with the history that views have taken over
        xp = NUMPY if type(array) is _ndarray else backend_of(array)
        try:
            if not settled and self.promote is not None:
                arrays = self.promoted(xp, arrays)
            y, vjps = self.formula(xp, *arrays) if self.direct and not params else self.evaluate(xp, arrays, params)
        except _USER_ERRORS as error:
            raise explain(self, args, params, error) from error

        node = None
        if recording and vjps is not None and True in wanted:
            node = _node(Node)
            node.op, node.inputs, node.params = self, inputs, params
            node.hooks, node.number = None, tick()
            if False in wanted and type(vjps) is tuple:
                vjps = list(vjps)
                for k, want in enumerate(wanted):
                    if not want:
                        vjps[k] = None  # what nobody needs is dropped, with all it captured
            node.vjps = vjps
        if type(y) is not type(array):
            if type(y) is tuple:
                return self._values(xp, y, node, args)
            y = xp.asarray(y)  # NumPy gives a scalar where a result has no axes
        base = None if y.base is None and y is not array else _owner(xp, y, args)
        memory = Memory() if base is None else base.memory
        if node is not None:
            node.shape = y.shape
            node.memory = memory
            node.dtype = dtype = y.dtype
            if dtype is not float32 and dtype.kind != "f":
                node = None  # integers and truth values are not differentiable
        out = make(y, node is not None, node, memory)
        if base is not None and recording:
            out.base = base if base.base is None else base.base
        return out

    def _values(self, xp: Any, ys: Any, node: Node | None, args: Any) -> tuple[Tensor, ...]:
        """The end of a call whose formula has several values: each gets a record of its own, that it is the k-th."""
        ys = [y if type(y) is xp.array_type else xp.asarray(y) for y in ys]
        floats = [y.dtype.kind == "f" and k not in self.constant for k, y in enumerate(ys)]
        kinds = [(y.shape, y.dtype) if floating else None for y, floating in zip(ys, floats)]
        if node is not None:  # the memory is that of its values
            node.shape, node.dtype, node.memory = kinds, None, Memory()  # type: ignore[assignment]
        outs = []
        for k, y in enumerate(ys):
            base = _owner(xp, y, args)
            memory = Memory() if base is None else base.memory
            value = value_node(node, k, y, memory) if node is not None and kinds[k] else None
            out = make(y, value is not None, value, memory)
            if base is not None and modes.recording:
                out.base = base if base.base is None else base.base
            outs.append(out)
        return tuple(outs)


class Composite(Op):
    """An op without vjps of its own: where gradients are wanted, each of its lines is recorded instead."""

    def __init__(self, formula: Callable[..., Any], *args: Any) -> None:
        super().__init__(formula, *args)
        self.direct = False

    def evaluate(self, xp: Any, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
        return self.formula(xp, *arrays, **params), None

    def __call__(self, *args: Any, **params: Any) -> Any:
        if modes.recording and any(isinstance(a, Tensor) and a.needs_grad for a in args):
            try:
                operands = [_operand(self, a) for a in args]
                return self.formula(OPS, *(self.promoted(OPS, operands) if self.promote else operands), **params)
            except _USER_ERRORS as error:
                raise explain(self, args, params, error) from error
        return super().__call__(*args, **params)


def op(
    samples: Sequence[Any], promote: str | None = None, keep: Sequence[str] = (), constant: Sequence[int] = ()
) -> Callable[[Callable[..., Any]], Op]:
    """Register the formula below as an op.

    samples: what it is checked on (`ops/samples.py`). promote: None leaves dtypes alone, "common" brings
    the operands to one dtype, "float" to one floating dtype, "same" refuses what differs; `keep` names operands
    left out of that.
    constant: the indices of values that are not differentiable although they are floats."""
    return lambda formula: Op(formula, samples, promote, keep, constant)


def composite(
    samples: Sequence[Any], promote: str | None = None, keep: Sequence[str] = ()
) -> Callable[[Callable[..., Any]], Op]:
    """Register a formula that returns y alone: it is differentiated through its lines."""
    return lambda formula: Composite(formula, samples, promote, keep)


class _Value:
    """The pseudo-op of the records that pick one value of a record with several, or rename a replayed one.

    Its gradient to the parent is a list, so that adding up contributions joins lists."""

    name, promote, arguments, constant = "value", None, ("y",), ()


VALUE = _Value()


def value_node(parent: Node, index: int | None, y: Any, memory: Memory) -> Node:
    node = _node(Node)
    node.op, node.inputs, node.params, node.hooks, node.number = VALUE, (parent,), {"index": index}, None, tick()
    node.vjps = (lambda g: g,) if index is None else (lambda g: [(index, g)],)
    node.shape, node.dtype, node.memory = y.shape, y.dtype, memory
    return node


def _operand(op: Op, value: Any) -> Any:
    """What was passed, as something a formula can take; arrays are copied, so that theirs may change."""
    if isinstance(value, Tensor) or (type(value) in PLAIN and (value is not None or op.optional)):
        return value
    if isinstance(value, (np.generic, int, float)):
        return value.item() if isinstance(value, np.generic) else float(value) + 0
    if type(value) in BACKENDS:
        return Tensor(value.copy())
    raise refusal(Unsupported, op.name, f"a tensor or a number is needed, got {what_is(value)}")


def look(args: Sequence[Any], records: bool) -> bool:
    """Before a record reads watched memory: has the user written it? Did a view get another history?"""
    tensors = [a for a in args if isinstance(a, Tensor) and (a.base is not None or a.memory.exposed)]
    return True in [follow(a, records) for a in tensors]


def follow(view: Tensor, records: bool) -> bool:
    """A view whose memory a recorded operation wrote through another view takes over the history of its base."""
    if records:
        view.memory.look()
    base, memory = view.base, view.memory
    since = view.node is not None and view.node.number >= memory.stamp  # was it taken, or itself written, since?
    if base is None or since or not memory.recorded or not base.needs_grad:
        return False
    flat = OPS.reshape(make(base.array, True, base.node, Memory()), shape=(-1,))
    take_over(view, OPS.getitem(flat, Tensor(backend_of(view.array).places(view.array, base.array)), key=(INDEX,)))
    return True


def take_over(t: Tensor, new: Tensor) -> None:
    """From now on t has the history of a new value, and a gradient that it retains is that of the new value."""
    hooks = {} if t.node is None else t.node.hooks or {}
    t.node, t.needs_grad = new.node, new.needs_grad
    if new.node is not None:
        new.node.memory = t.memory
        new.node.hooks = {**(new.node.hooks or {}), **{k: hooks.pop(k) for k in (math.inf,) if k in hooks}} or None


def _owner(xp: Backend, y: Any, args: Sequence[Any]) -> Tensor | None:
    """The operand whose memory the value views, if there is one."""
    return next((a for a in args if isinstance(a, Tensor) and xp.shares_memory(y, a.array)), None)


def _operator(op: Op, arity: int, swapped: bool) -> Callable[..., Any]:
    def operator(a: Tensor, b: Any) -> Any:
        try:
            return call(b, a) if swapped else call(a, b)
        except Unsupported:
            return NotImplemented  # Python tries the other operand, then names both types

    call = op.__call__
    if arity == 2:
        return operator

    def operator(a: Tensor) -> Any:  # type: ignore[no-redef]  # errors know operators by this name
        return call(a)

    return operator
