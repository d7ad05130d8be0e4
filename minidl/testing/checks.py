"""What every op is put through, on one of its samples: derivatives of first and second order, the formula
against itself, dtypes, layouts in memory, inputs left alone.

The walk over the registry, the demo and the mutants all use these, so that what is shown is what is tested.
Derivatives are checked along random directions: with values x, directions u and seeds v,

    first order     ⟨v, dy(x)·u⟩ from finite differences   against   ⟨x̄, u⟩ from backward
    second order    d⟨x̄, w⟩ along u and along v, likewise  against   backward through backward
"""

from functools import cached_property
from typing import Any

import numpy as np

from ..autograd import OPS, Composite, Op, Tensor, grad
from ..backend import backend_of, move
from ..ops.samples import Sample

# What each error may amount to. The middle two compare computed with computed, so only rounding is left.
BOUNDS = {"first order": 1e-9, "create_graph": 1e-12, "formula": 1e-12, "second order": 1e-8}

STEP = 1e-4  # of five-point differences: truncation and rounding both stay near 1e-12
STENCIL = ((-2, 1 / 12), (-1, -8 / 12), (1, 8 / 12), (2, -1 / 12))


class Trial:
    """One op on one of its samples. The checks are methods that return how far off the op is.

    Values and directions are drawn once, and what finite differences say is kept, so a trial can be put
    to several formulas of the same op."""

    def __init__(
        self, op: Op, sample: Sample, device: str = "cpu", dtype: str = "float64", layout: str = "", seed: int = 0
    ) -> None:
        rng = np.random.default_rng(seed)
        self.op, self.sample, self.device, self.layout = op, sample, device, layout
        self.values = sample.draw(rng, dtype)
        self.floats = [k for k, x in enumerate(self.values) if x is not None and x.dtype.kind == "f"]
        direction = lambda like: rng.uniform(-1, 1, np.shape(like)).astype(dtype)
        self.outputs = [host(y) for y in self.run(self.tensors())]
        self.u = [direction(self.values[k]) for k in self.floats]
        self.w = [direction(self.values[k]) for k in self.floats]
        self.v = [direction(y) for y in self.outputs]
        self.dv = [direction(y) for y in self.outputs]

    # ------------------------------------------------------------------------------ the four errors

    def errors(self) -> dict[str, float | None]:
        """Every error by its name in BOUNDS; None where a check has nothing to say."""
        return {
            "first order": self.first_order(),
            "create_graph": self.create_graph(),
            "formula": self.formula(),
            "second order": self.second_order(),
        }

    def first_order(self) -> float:
        """⟨v, dy·u⟩, numeric against backward."""
        return _relative(self.numeric_slope, _dot(self.gradients(), self.u))

    def create_graph(self) -> float:
        """The largest difference between the recorded gradients and the plain ones."""
        return _apart(self.gradients(), self.recorded_gradients()[0])

    def formula(self) -> float | None:
        """The largest difference between the written vjps and autodiff through the formula's own lines.

        None for a primitive, whose line is a call of the op itself, and for a composite, which has no vjps."""
        if isinstance(self.op, Composite):
            return None
        xs = self.tensors()
        operands = self.op.promoted(OPS, xs) if self.op.promote else xs
        made = _tuple(self.op.formula(OPS, *operands, **self.sample.params)[0])
        ys = [y for k, y in enumerate(made) if y.dtype.kind == "f" and k not in self.op.constant]
        if _made_by(ys) <= {self.op}:
            return None
        return _apart(self.gradients(), self._backward(ys, [xs[k] for k in self.floats], self._seeds()))

    def second_order(self) -> float:
        """d⟨x̄, w⟩ along u and dv, numeric against backward through backward."""
        found, wrt = self.recorded_gradients()
        phi = [(g, w) for g, w in zip(found, self.w) if g.requires_grad]
        analytic = 0.0
        if phi:
            seeds = [self._tensor(w) for _, w in phi]
            analytic = _dot(self._backward([g for g, _ in phi], wrt, seeds), self.u + self.dv)
        return _relative(self.numeric_curvature, analytic)

    @cached_property
    def numeric_slope(self) -> float:
        sides = [(c, [host(y) for y in self.run(self.tensors(e))]) for e, c in STENCIL]
        return sum(_dot(_differences([(c, side[k]) for c, side in sides]), [v]) for k, v in enumerate(self.v))

    @cached_property
    def numeric_curvature(self) -> float:
        sides = [(c, self.gradients(e)) for e, c in STENCIL]
        return sum(_dot(_differences([(c, side[k]) for c, side in sides]), [w]) for k, w in enumerate(self.w))

    # ------------------------------------------------------------------------- gradients of the op

    def run(self, tensors: list[Any]) -> list[Tensor]:
        """The differentiable values of the op."""
        ys = _tuple(self.op(*tensors, **self.sample.params))
        return [y for k, y in enumerate(ys) if y.dtype.kind == "f" and k not in self.op.constant]

    def tensors(self, shift: float = 0) -> list[Any]:
        """The arguments, moved `shift` steps along u; None where one is left out."""
        moved = list(self.values)
        for k, u in zip(self.floats, self.u) if shift else ():
            moved[k] = moved[k] + shift * STEP * u
        return [None if x is None else self._tensor(x, k in self.floats) for k, x in enumerate(moved)]

    def gradients(self, shift: float = 0) -> list[Any]:
        """x̄ for every floating argument, as NumPy arrays."""
        xs = self.tensors(shift)
        return self._backward(self.run(xs), [xs[k] for k in self.floats], self._seeds(shift))

    def recorded_gradients(self) -> tuple[list[Tensor], list[Tensor]]:
        """x̄ under create_graph, and all that it was computed from."""
        xs = self.tensors()
        wrt, seeds = [xs[k] for k in self.floats], self._seeds(requires_grad=True)
        pairs = [(y, v) for y, v in zip(self.run(xs), seeds) if y.requires_grad]
        if not pairs or not wrt:
            return [self._tensor(np.zeros(x.shape)) for x in wrt], wrt + seeds
        ys, vs = zip(*pairs)
        return list(grad(ys, wrt, vs, create_graph=True, materialize_grads=True, allow_unused=True)), wrt + seeds

    def _backward(self, ys: Any, xs: Any, seeds: Any) -> list[Any]:
        pairs = [(y, v) for y, v in zip(ys, seeds) if y.requires_grad]
        if not pairs or not xs:
            return [np.zeros(x.shape, x.dtype) for x in xs]
        ys, seeds = zip(*pairs)
        return [host(g) for g in grad(ys, xs, seeds, materialize_grads=True, allow_unused=True)]

    def _seeds(self, shift: float = 0, requires_grad: bool = False) -> list[Tensor]:
        return [self._tensor(v + shift * STEP * dv if shift else v, requires_grad) for v, dv in zip(self.v, self.dv)]

    def _tensor(self, x: Any, requires_grad: bool = False) -> Tensor:
        return Tensor(arranged(np.asarray(x), self.layout, self.device), requires_grad)


# ------------------------------------------------------------------------------ beyond derivatives


def check_dtype_kept(op: Op, sample: Sample, dtype: str, device: str = "cpu") -> None:
    """Floats of a dtype give floats, and gradients, of that dtype, near those of float64."""
    exact = Trial(op, sample, device)
    try:
        trial = Trial(op, sample, device, dtype)
    except TypeError:
        if dtype == "float16":
            return  # refused in words, as LAPACK does
        raise
    wanted = np.dtype(sample.params.get("dtype", dtype))
    for k, (y, y64) in enumerate(zip(trial.outputs, exact.outputs)):
        assert y.dtype == wanted, f"{dtype} arguments gave value {k} in {y.dtype}"
        assert _close(y, y64, dtype), f"value {k} in {dtype} is off by {np.abs(y - y64).max():.1e}"
    for v, v64 in zip(exact.v, trial.v):
        v[...] = v64
    for k, g, g64 in zip(trial.floats, trial.gradients(), exact.gradients()):
        x = trial.values[k]
        assert g.dtype == x.dtype, f"the gradient of argument {k} is {g.dtype}, not {dtype}"
        assert g.shape == x.shape, f"the gradient of argument {k} has shape {g.shape}, not {x.shape}"
        assert _close(g, g64, dtype), f"the gradient of argument {k} in {dtype} is off by {np.abs(g - g64).max():.1e}"


def check_inputs_untouched(op: Op, sample: Sample, device: str = "cpu") -> None:
    """Neither the formula nor its vjps write into what they are given."""
    trial = Trial(op, sample, device)
    xs, seeds = trial.tensors(), trial._seeds()
    trial._backward(trial.run(xs), [xs[k] for k in trial.floats], seeds)
    for k, (x, before) in enumerate(zip(xs, trial.values)):
        assert x is None or np.array_equal(host(x), before), f"argument {k} was written into"
    for k, (v, before) in enumerate(zip(seeds, trial.v)):
        assert np.array_equal(host(v), before), f"the gradient of value {k} was written into"


LAYOUTS = ("transposed", "strided", "reversed", "broadcast")


def check_layout(op: Op, sample: Sample, layout: str, device: str = "cpu") -> None:
    """Arguments and incoming gradients that are views with odd strides give what contiguous copies give."""
    plain, odd = Trial(op, sample, device), Trial(op, sample, device, layout=layout)
    if layout == "broadcast":  # the same row over and over: that changes the values, so both get them
        for k, argument in enumerate(sample.args):
            if argument is not None and argument.kind in ("float", "bool") and argument.shape:
                plain.values[k][...] = plain.values[k][:1].copy()
        for v in plain.v:
            v[...] = v[:1].copy() if v.ndim else v
        odd.values, odd.v = plain.values, plain.v
    try:
        values, gradients = [host(y) for y in plain.run(plain.tensors())], plain.gradients()
    except ValueError:
        assert layout == "broadcast"  # a matrix of equal rows has no inverse
        return
    for k, (y, y0) in enumerate(zip(odd.run(odd.tensors()), values)):
        assert _apart([host(y)], [y0]) <= 1e-12, f"{layout} arguments change value {k}"
    for k, g, g0 in zip(odd.floats, odd.gradients(), gradients):
        assert g.shape == g0.shape, f"{layout} arguments change the shape of the gradient of argument {k}"
        assert _apart([g], [g0]) <= 1e-12, f"{layout} arguments change the gradient of argument {k}"


def arranged(x: Any, layout: str, device: str) -> Any:
    """A NumPy array's values on a device: contiguous, or in memory laid out otherwise where the shape allows that."""
    every = lambda step: (slice(None, None, step),) * x.ndim + (...,)
    if layout == "transposed":
        return move(np.ascontiguousarray(x.T).reshape(x.T.shape), device).T
    if layout == "strided":
        wide = np.zeros([2 * n for n in x.shape], x.dtype)
        wide[every(2)] = x
        return move(wide, device)[every(2)]
    if layout == "reversed":
        return move(x[every(-1)].copy(), device)[every(-1)]
    if layout == "broadcast" and x.ndim and len(x) > 1 and (x == x[:1]).all():
        row = move(x[:1].copy(), device)
        return backend_of(row).broadcast_to(row, shape=x.shape)
    return move(x, device)


def check_kernel(op: Op, sample: Sample, backend: Any, dtype: str = "float64", device: str = "cpu") -> bool:
    """A kernel gives what the formula gives, value and every gradient. Whether it takes this case at all."""
    trial = Trial(op, sample, device, dtype)
    arrays = [None if t is None else t.array for t in trial.tensors()]
    if op.promote:
        arrays = op.promoted(backend, arrays)
    fast = op.kernels[backend](backend, *arrays, **sample.params)
    if fast is NotImplemented:
        return False
    (y, vjps), (y0, vjps0) = fast, op.formula(backend, *arrays, **sample.params)
    for k, (a, b) in enumerate(zip(_tuple(y), _tuple(y0))):
        assert a.dtype == b.dtype and a.shape == b.shape, f"value {k}: {a.dtype} {a.shape}, not {b.dtype} {b.shape}"
        assert _close(backend.to_host(a), backend.to_host(b), dtype), f"value {k} differs"
    seeds = [move(v, device) for v in trial.v]
    for k, (g, g0) in enumerate(zip(_gradients(vjps, seeds), _gradients(vjps0, seeds))):
        assert (g is None) == (g0 is None), f"argument {k}: one of kernel and formula has no vjp"
        if g is not None and trial.values[k] is not None:
            shape = trial.values[k].shape
            g, g0 = (backend.to_host(backend.sum_to(t, shape=shape)) for t in (g, g0))
            assert _close(g, g0, dtype), f"the gradient of argument {k} differs by {np.abs(g - g0).max():.1e}"
    return True


# --------------------------------------------------------------------------------- over the registry


def registry() -> list[Op]:
    """Every op, in the order of their names."""
    return [op for _, op in sorted(vars(OPS).items())]


# ------------------------------------------------------------------------------------------- helpers


def _tuple(y: Any) -> tuple[Any, ...]:
    return y if isinstance(y, tuple) else (y,)


def host(t: Tensor) -> Any:
    """The values as a NumPy array."""
    return backend_of(t.array).to_host(t.array)


def _gradients(vjps: Any, seeds: Any) -> list[Any]:
    if vjps is None:
        return []
    return list(vjps(*seeds)) if callable(vjps) else [None if vjp is None else vjp(*seeds) for vjp in vjps]


def _made_by(ys: Any) -> set[Op]:
    """The ops of all records that led to these."""
    ops, seen, stack = set(), set(), [y.node for y in ys]
    while stack:
        node = stack.pop()
        if hasattr(node, "vjps") and node not in seen:
            seen.add(node)
            ops.add(node.op)
            stack.extend(node.inputs)
    return ops


def _differences(terms: list[tuple[float, Any]]) -> list[Any]:
    """Σ c y / STEP."""
    return [sum(c * np.asarray(y, np.float64) for c, y in terms) / STEP]


def _dot(a: Any, b: Any) -> float:
    return float(sum((np.asarray(x) * y).sum() for x, y in zip(a, b)))


def _relative(numeric: float, analytic: float) -> float:
    return abs(numeric - analytic) / (1 + abs(numeric))


def _apart(a: Any, b: Any) -> float:
    """The largest difference between two lists of arrays, relative to the largest entry where that is above 1."""
    worst = 0.0
    for x, y in zip(a, b):
        x, y = (host(t) if isinstance(t, Tensor) else t for t in (x, y))
        if x.shape != y.shape:
            return float("inf")
        if x.size:
            worst = max(worst, float(np.abs(x - y).max() / max(1.0, np.abs(y).max())))
    return worst


def _close(x: Any, exact: Any, dtype: str) -> bool:
    bound = {"float64": 1e-10, "float32": 2e-4, "float16": 4e-2}[dtype]
    return x.shape == exact.shape and _apart([x.astype(np.float64)], [exact.astype(np.float64)]) <= bound
