"""What a network is made of, and what it would cost, before any number is computed.

The model runs once on the device "meta", where arrays are shapes: the same formulas, the same errors of shapes, and
no memory. Hooks note where each module begins and ends; everything else is read off the record of that run."""

import math
import sys
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..api import as_tensor, empty
from ..autograd import Node, Tensor, enable_grad
from ..autograd.backward import reachable
from ..autograd.memory import Memory, captured_arrays, tick
from ..backend import default_generator, device, get_default_dtype, move
from ..errors import module_path
from ..nn import Module
from ..nn.module import HOOKS, STORES

WIDTH = 100


@dataclass
class Row:
    """One call of one module."""

    name: str  # inside the module that called it
    path: str  # from the whole model: features.3
    type: str
    depth: int
    num_params: int  # of it and all inside, those of earlier rows not counted again
    parent: "Row | None"
    module: Module = field(repr=False)
    input_size: Any = None
    output_size: Any = None
    mult_adds: int = 0
    output_bytes: int = 0
    kept_bytes: int = 0  # what the tape keeps for backward, and no module inside accounts for
    is_leaf: bool = True
    first: int = 0  # on the clock of records
    last: float = math.inf


class Summary:
    """A table by module, and the totals as attributes."""

    def __init__(self, model: Module, run: "Run", inputs: list[Tensor], depth: int) -> None:
        parameters, rows = list(model.parameters()), run.rows
        count = lambda tensors: sum(math.prod(t.shape) for t in tensors)
        self.summary_list, self.depth = rows, depth
        self.input_size = [t.shape for t in inputs]
        self.total_params = count(parameters)
        self.trainable_params = count(p for p in parameters if p.requires_grad)
        self.non_trainable_params = self.total_params - self.trainable_params
        self.total_mult_adds = run.mult_adds
        self.total_input = sum(map(bytes_of, inputs))  # bytes, as the next three
        self.total_param_bytes = sum(map(bytes_of, parameters))
        self.total_output_bytes = sum(row.output_bytes for row in rows if row.is_leaf)
        self.total_kept_bytes = run.kept
        trainable = ((name, p) for name, p in model.named_parameters() if p.requires_grad)
        self.unused = [name for name, p in trainable if inputs and p not in run.used]  # no output depends on these

    def __str__(self) -> str:
        line = "=" * WIDTH
        head = columns("Layer: type", "Output shape", "Parameters", "Mult-adds", "Output", "Kept")
        body = [self._row(row) for row in self.summary_list if row.depth <= self.depth]
        frozen = f", of which {self.non_trainable_params:,} frozen" if self.non_trainable_params else ""
        totals = [f"Parameters: {self.total_params:,}{frozen} ({size(self.total_param_bytes)})"]
        if self.input_size:
            shapes = ", ".join(map(str, self.input_size))
            totals += [
                f"Multiply-adds of one forward pass: {self.total_mult_adds:,}",
                f"Input {shorten(shapes, 50)}: {size(self.total_input)}",
                f"Outputs of all layers: {size(self.total_output_bytes)}; of which, and of what lies between them,",
                f"the tape keeps for backward (Kept): {size(self.total_kept_bytes)}",
            ]
        totals += [shorten(f"No output depends on {', '.join(self.unused)}", WIDTH)] if self.unused else []
        return "\n".join([line, head, line, *body, *([line] if body else []), *totals, line])

    __repr__ = __str__

    def _row(self, row: Row) -> str:
        kept = sum(r.kept_bytes for r in self.summary_list if r is row or inside(r, row))
        own = any(True for _ in row.module.parameters())
        return columns(
            "  " * row.depth + (f"{row.name}: {row.type}" if row.name else row.type),
            shown(row.output_size),
            f"{row.num_params:,}" if row.num_params else "shared" if own else "-",
            f"{row.mult_adds:,}" if row.mult_adds else "-",
            size(row.output_bytes),
            size(kept) if kept else "-",
        )


def inside(row: Row, outer: Row) -> bool:
    parent = row.parent
    while parent is not None and parent is not outer:
        parent = parent.parent
    return parent is outer


def columns(name: str, shape: str, parameters: str, mult_adds: str, output: str, kept: str) -> str:
    return f"{shorten(name, 30):30} {shorten(shape, 20):20} {parameters:>14} {mult_adds:>15} {output:>8} {kept:>8}"


def shorten(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 2] + ".."


def shown(sizes: Any) -> str:
    """The shape of one output, of several."""
    return ", ".join(map(str, sizes)) if isinstance(sizes, list) else "-" if sizes is None else str(sizes)


def size(n: float) -> str:
    """Bytes, with the unit that makes them readable."""
    for unit in ("B", "kB", "MB", "GB"):
        if n < 1000:
            return f"{n:.0f} {unit}" if unit == "B" or n >= 100 else f"{n:.1f} {unit}"
        n /= 1000
    return f"{n:.1f} TB"


def bytes_of(t: Tensor) -> int:
    return math.prod(t.shape) * t.dtype.itemsize


def summary(
    model: Module,
    *inputs: Any,
    input_size: Any = None,
    input_data: Any = None,
    batch_dim: int | None = None,
    depth: int = 3,
    dtypes: Sequence[Any] | None = None,
    mode: str = "eval",
    verbose: int | None = None,
    **kwargs: Any,
) -> Summary:
    """The modules of a model with output shapes, parameters, multiply-adds and bytes; printed, and returned.

    Say what goes in by example (`summary(model, x)`, `input_data=`) or by shape (`summary(model, (1, 3, 32, 32))`,
    `input_size=`, several shapes in a list, their `dtypes` beside them); without either only parameters are counted.
    mode: "eval", "train" or "same" as the model is. depth: how far inside to show. verbose=0 prints nothing.

    Nothing is computed and the model stays as it is. A layer that does not fit raises as it would in a real run."""
    if mode not in ("eval", "train", "same"):
        raise ValueError(f"summary: mode is 'eval', 'train' or 'same', got {mode!r}")
    if not isinstance(model, Module):
        raise TypeError(f"summary: a Module is needed, got {type(model).__name__}")
    if len(inputs) == 1 and (is_shape(inputs[0]) or is_shapes(inputs[0])):
        input_size, inputs = inputs[0], inputs[1:]
    if (len(inputs) > 0) + (input_size is not None) + (input_data is not None) > 1:
        raise ValueError("summary: give the inputs, input_size or input_data, not several of them")
    if input_size is not None:
        inputs = from_shapes(model, input_size, batch_dim, dtypes)
    elif isinstance(input_data, Mapping):
        kwargs = {**input_data, **kwargs}
    elif input_data is not None:
        inputs = tuple(input_data) if isinstance(input_data, (list, tuple)) else (input_data,)
    run = Run(model)
    with enable_grad(), device("meta"):
        args, named = on_meta(inputs), on_meta(kwargs)
        if args or named:
            run(args, named, mode)
        else:
            run.list_modules()
    found = Summary(model, run, tensors_in((args, named)), depth)
    if verbose or (verbose is None and not hasattr(sys, "ps1")):  # an interactive prompt shows what is returned
        print(found)
    return found


def is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(type(n) is int for n in value)


def is_shapes(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and len(value) > 0 and all(map(is_shape, value))


def from_shapes(model: Module, sizes: Any, batch_dim: int | None, dtypes: Sequence[Any] | None) -> tuple[Tensor, ...]:
    """Empty inputs; floats as the parameters are, where no dtype is said."""
    if not is_shape(sizes) and not is_shapes(sizes):
        raise ValueError(f"summary: input_size is a shape or a list of shapes, got {sizes!r}")
    shapes = [sizes] if is_shape(sizes) else list(sizes)
    if batch_dim is not None:
        shapes = [(*s[:batch_dim], 1, *s[batch_dim:]) for s in shapes]
    usual = next((p.dtype for p in model.parameters() if p.dtype.kind == "f"), get_default_dtype())
    kinds = [usual] * len(shapes) if dtypes is None else list(dtypes)
    if len(kinds) != len(shapes):
        raise ValueError(f"summary: {len(shapes)} shapes but {len(kinds)} dtypes")
    return tuple(empty(tuple(s), dtype=kind, device="meta") for s, kind in zip(shapes, kinds))


def on_meta(value: Any) -> Any:
    """The same structure, its tensors and arrays without their numbers."""
    if isinstance(value, Tensor):
        moved = Tensor(move(value.array, "meta"))
        moved.requires_grad = value.requires_grad
        return moved
    if type(value) in (list, tuple):
        return type(value)(map(on_meta, value))
    if type(value) is dict:
        return {k: on_meta(v) for k, v in value.items()}
    return on_meta(as_tensor(value)) if type(value).__name__ == "ndarray" else value


def tensors_in(value: Any) -> list[Tensor]:
    """Every tensor in a structure of lists, tuples, dicts and objects with fields."""
    if isinstance(value, Tensor):
        return [value]
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    return [t for part in parts for t in tensors_in(part)]


def sizes_in(value: Any) -> Any:
    found = [t.shape for t in tensors_in(value)]
    return found[0] if len(found) == 1 else found or None


class Run:
    """One call of a model on "meta", with notes of where each module began and ended."""

    def __init__(self, model: Module) -> None:
        self.model = model
        self.rows: list[Row] = []
        self.stack: list[Row] = []
        self.counted: set[Tensor] = set()
        self.paths = {module: path for path, module in model.named_modules()}
        self.mult_adds = self.kept = 0
        self.used: set[Any] = set()  # what some record on the way to the outputs reads

    def __call__(self, args: tuple[Any, ...], kwargs: dict[str, Any], mode: str) -> None:
        with without_numbers(self.model, mode) as members:
            for module in self.paths:
                module.register_forward_pre_hook(self._begin, prepend=True, with_kwargs=True)
                module.register_forward_hook(self._end)
            try:
                output = self.model(*args, **kwargs)
            except Exception as error:
                modules = [row.module for row in self.stack]
                if modules:
                    what = shown(self.stack[-1].input_size)
                    error.add_note(f"found without computing anything, in {module_path(modules)}, given {what}")
                raise
            own = {id(root_of(t.array)) for t in (*members, *tensors_in((args, kwargs)))}
            self._account(output, own)

    def list_modules(self) -> None:
        """Rows of what is inside, without a call."""
        open_rows: list[Row] = []
        for module, path in self.paths.items():
            while open_rows and open_rows[-1].path and not path.startswith(open_rows[-1].path + "."):
                self.counted.update(open_rows.pop().module.parameters())
            outer = open_rows[-1] if open_rows else None
            open_rows.append(self._row(module, outer, len(open_rows)))
            self.rows.append(open_rows[-1])

    def _row(self, module: Module, outer: Row | None, depth: int) -> Row:
        new = [p for p in module.parameters() if p not in self.counted]
        path = self.paths[module]
        name = path.removeprefix(outer.path + ".") if outer is not None else ""
        return Row(
            name, path, type(module).__name__, depth, sum(math.prod(p.shape) for p in new), outer, module
        )

    def _begin(self, module: Module, args: Any, kwargs: Any) -> None:
        outer = self.stack[-1] if self.stack else None
        row = self._row(module, outer, len(self.stack))
        row.input_size, row.first, row.mult_adds = sizes_in((args, kwargs)), tick(), multiply_adds()
        if outer is not None:
            outer.is_leaf = False
        self.rows.append(row)
        self.stack.append(row)

    def _end(self, module: Module, args: Any, output: Any) -> None:
        while self.stack.pop().module is not module:
            pass  # a module that raised, and whose error was caught
        row = next(row for row in reversed(self.rows) if row.module is module and row.last == math.inf)
        self.counted.update(module.parameters())
        row.last, row.mult_adds = tick(), multiply_adds() - row.mult_adds
        row.output_size, row.output_bytes = sizes_in(output), sum(map(bytes_of, tensors_in(output)))

    def _account(self, output: Any, own: set[int]) -> None:
        """Which arrays the tape keeps, each counted once, where the first record that keeps it was made."""
        self.mult_adds = self.rows[0].mult_adds
        starts = [row.first for row in self.rows]
        for node in reachable(t.node for t in tensors_in(output)):
            self.used.update(edge for edge in node.inputs if isinstance(edge, Tensor))
            row: Row | None = self.rows[max(bisect(starts, node.number) - 1, 0)]
            while row is not None and row.parent is not None and row.last < node.number:
                row = row.parent
            for root in map(root_of, kept_by(node)):
                if id(root) not in own and row is not None:
                    own.add(id(root))
                    row.kept_bytes += root.nbytes
                    self.kept += root.nbytes


def kept_by(node: Node) -> Iterator[Any]:
    """The arrays that live as long as a record: those its vjps captured, and its constants."""
    yield from captured_arrays(node.vjps)
    yield from (edge.array for edge in node.inputs if isinstance(edge, Tensor))


def root_of(array: Any) -> Any:
    return array if array.base is None else array.base


def multiply_adds() -> int:
    from ..backend.meta import META

    return META.multiply_adds


@contextmanager
def without_numbers(model: Module, mode: str) -> Iterator[list[Tensor]]:
    """The model with shapes in place of its numbers; whatever the block does to it is undone."""
    modules = list(model.modules())
    before = [(m.__dict__, dict(m.__dict__)) for m in modules]
    before += [(d, dict(d)) for m in modules for kind in (*STORES, *HOOKS) for d in (m.__dict__[kind],)]
    members = list({id(t): t for _, values in before for t in tensors_in(values)}.values())
    state, undo = default_generator.get_state(), [restorer(t) for t in members]
    try:
        for t in members:
            t.array, t.memory, t.node, t.base = move(t.array, "meta"), Memory(), None, None
        for m in modules:
            m.__dict__["training"] = {"eval": False, "train": True}.get(mode, m.training)
        yield members
    finally:
        for restore in undo:
            restore()
        for own, values in before:
            own.clear()
            own.update(values)
        default_generator.set_state(state)


def restorer(t: Tensor) -> Callable[[], None]:
    """What puts a tensor back as it is now."""
    slots = ("array", "memory", "node", "base", "needs_grad", "_grad", "hooks")
    values = [getattr(t, slot) for slot in slots]

    def restore() -> None:
        for slot, value in zip(slots, values):
            setattr(t, slot, value)

    return restore
