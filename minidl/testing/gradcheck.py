"""gradcheck and gradgradcheck: the gradients of any function against finite differences, entry by entry.

The pieces stand on their own: `numeric_jacobian` asks the values alone, `analytic_jacobian` asks backward
alone, and `compare` lists every entry in which the two differ.
"""

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..autograd import Tensor, grad
from ..backend import backend_of, move
from ..errors import describe

if TYPE_CHECKING:
    from .doctor import Report

Jacobian = Any  # a NumPy array, float64, of shape (*output.shape, *input.shape)


class GradcheckError(RuntimeError):
    """A gradient that the values do not bear out; `mismatches` are the entries, where there are any."""

    def __init__(self, message: str, mismatches: "Sequence[Mismatch]" = (), report: Any = None) -> None:
        super().__init__(message)
        self.mismatches = list(mismatches)
        self.report = report  # the Gradient Doctor's, under explain=True


@dataclass(frozen=True)
class Mismatch:
    """One entry of a Jacobian: d output[at] / d input[index], by backward and by finite differences."""

    input: int
    output: int
    index: tuple[int, ...]
    at: tuple[int, ...]
    analytic: float
    numeric: float

    @property
    def difference(self) -> float:
        return abs(self.analytic - self.numeric)


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
    explain: bool = False,
    grad: Any = None,
) -> "bool | Report":
    """Compare the gradients of `func(*inputs)` with central differences of its values.

    Every tensor among the inputs that requires gradients is checked, which needs float64 to mean
    anything. The whole Jacobian is compared, or under fast_mode one random combination of its entries;
    an entry passes where |analytic − numeric| ≤ atol + rtol |numeric|.

    True if all agree; else GradcheckError, naming input, entry and both numbers (False without
    raise_exception).

    explain=True calls the Gradient Doctor, which also says what is wrong (a sign, a transpose, a mean for a
    sum …), and returns its report, true where all agree; `error.report` has it where they do not. `grad` is a
    gradient written by hand, to be checked in place of backward's: `grad(g, *inputs)` with g the gradient of
    the output, `grad(*inputs)` where the output is one number, or the finished arrays. Function and gradient
    may then be plain NumPy.

    There is no batched backward here and nothing is sparse: check_batched_grad and
    masked are accepted and change nothing."""
    if check_forward_ad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck: there is no forward mode to check; leave out check_forward_ad")
    if explain or grad is not None:
        return _explained(func, inputs, grad, 1, atol, rtol, raise_exception, explain)
    check = _Check(func, _as_tuple(inputs), eps, atol, rtol)
    check.refuse_inputs()
    try:
        if check_backward_ad:
            check.run(nondet_tol, check_undefined_grad, check_grad_dtypes, fast_mode)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
    explain: bool = False,
) -> "bool | Report":
    """gradcheck of the gradients: second derivatives, by backward through backward.

    grad_outputs: the gradients of the outputs to start from, checked as inputs too where they require
    gradients; drawn at random unless given (with gaps in memory under gen_non_contig_grad_outputs)."""
    given = _as_tuple(inputs)
    if explain:
        if grad_outputs is not None:
            raise ValueError("gradgradcheck: under explain=True the gradients of the outputs are drawn at random")
        return _explained(func, inputs, None, 2, atol, rtol, raise_exception, True)
    if grad_outputs is None:
        rng = np.random.default_rng(0)
        outputs = [y for y in _outputs(func(*given)) if y.requires_grad]
        seeds = tuple(_random_like(y, rng, gen_non_contig_grad_outputs) for y in outputs)
    else:
        seeds = _as_tuple(grad_outputs)

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        args, gs = args[: len(given)], args[len(given) :]
        outputs = [y for y in _outputs(func(*args)) if y.requires_grad]
        found = grad(outputs, _differentiable(args), gs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    names = _names(func, given) + [f"grad_output {k}" for k in range(len(seeds))]
    gradients.arguments = names  # type: ignore[attr-defined]  # for the messages
    return gradcheck(
        gradients, given + seeds, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception,
        nondet_tol=nondet_tol, check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, fast_mode=fast_mode,
    )  # fmt: skip


def _explained(
    func: Any, inputs: Any, gradient: Any, order: int, atol: float, rtol: float, raises: bool, explained: bool
) -> "bool | Report":
    from .doctor import explain as report_on

    report = report_on(func, inputs, grad=gradient, order=order, atol=atol, rtol=rtol)
    if not report and raises:
        raise GradcheckError(f"gradcheck: {report.case.name}\n{report.text()}", report=report)
    return report if explained else bool(report)


# ---------------------------------------------------------------------------------------- the pieces


def numeric_jacobian(func: Callable[..., Any], inputs: Sequence[Any], wrt: Tensor, eps: float = 1e-6) -> list[Jacobian]:
    """d output / d wrt for every output of func(*inputs), by central differences. Backward plays no part.

    `wrt` is one of the inputs, or any tensor that func reads: it is lent perturbed values."""
    x = _host(wrt)
    columns = []
    for index in np.ndindex(x.shape):
        step = np.zeros(x.shape)
        step[index] = eps
        columns.append(_slope(func, inputs, wrt, step, eps))
    if not columns:
        return [np.zeros((*y.shape, *x.shape)) for y in _values(func, inputs)]
    return [np.stack(column, axis=-1).reshape((*column[0].shape, *x.shape)) for column in zip(*columns)]


def analytic_jacobian(outputs: Sequence[Tensor], wrt: Sequence[Tensor]) -> list[list[Jacobian]]:
    """d output / d wrt by backward, once for every entry of every output: [output][input]."""
    found = []
    for y in outputs:
        js = [np.zeros((*y.shape, *x.shape)) for x in wrt]
        for at in np.ndindex(*y.shape):
            seed = np.zeros(y.shape)
            seed[at] = 1
            for j, g in zip(js, _backward([y], wrt, [seed])):
                j[at] = g
        found.append(js)
    return found


def compare(
    analytic: Jacobian, numeric: Jacobian, output_ndim: int, *,
    atol: float = 1e-5, rtol: float = 1e-3, input: int = 0, output: int = 0,
) -> list[Mismatch]:  # fmt: skip
    """The entries that differ by more than atol + rtol |numeric|, the worst first; NaN differs from everything."""
    differ = np.argwhere(~(np.abs(analytic - numeric) <= atol + rtol * np.abs(numeric)))
    entries = [tuple(int(k) for k in place) for place in differ]
    mismatches = [
        Mismatch(input, output, e[output_ndim:], e[:output_ndim], float(analytic[e]), float(numeric[e]))
        for e in entries
    ]
    return sorted(mismatches, key=lambda m: -m.difference if m.difference == m.difference else -np.inf)


# --------------------------------------------------------------------------------------- the checks


class _Check:
    """One call of gradcheck: what is checked, and how closely."""

    def __init__(self, func: Callable[..., Any], inputs: tuple[Any, ...], eps: float, atol: float, rtol: float) -> None:
        self.func, self.inputs, self.eps, self.atol, self.rtol = func, inputs, eps, atol, rtol
        self.names = _names(func, inputs)
        self.wrt = _differentiable(inputs)
        self.called = [f"input {k}" + (f" ({self.names[k]})" if self.names[k] else "") for k in range(len(inputs))]

    def of(self, x: Tensor) -> str:
        return self.called[self.position(x)]

    def position(self, x: Tensor) -> int:
        return next(k for k, given in enumerate(self.inputs) if any(t is x for t in _tensors([given])))

    def refuse_inputs(self) -> None:
        if not self.wrt:
            raise ValueError("gradcheck: at least one input must be a tensor with requires_grad=True, and none is")
        for x in self.wrt:
            if x.dtype != np.float64:
                warnings.warn(
                    f"gradcheck: {self.of(x)} is {x.dtype}, not float64: the check will likely fail, since finite "
                    "differences need double precision",
                    stacklevel=3,
                )
            if _overlaps(x.array):
                raise RuntimeError(
                    f"gradcheck: {self.of(x)} ({describe(x)}) has elements that share memory (an expanded view, a "
                    "dimension with stride 0?), so they cannot be moved one by one; pass x.clone() or x.contiguous()"
                )

    def run(self, nondet_tol: float, undefined: bool, dtypes: bool, fast: bool) -> None:
        before = [_host(t) for t in _tensors(self.inputs)]
        everything = _outputs(self.func(*self.inputs))
        self.refuse_changes(before)
        for k, (y, again) in enumerate(zip(everything, _values(self.func, self.inputs))):
            what = f"func is not deterministic: output {k}, from the same inputs,"
            _refuse_difference(_host(y), again, nondet_tol, what, "randomness, such as dropout, in it")
        outputs = {k: y for k, y in enumerate(everything) if y.requires_grad}
        if not outputs:
            self.refuse_slopes(everything)
            return
        if dtypes:
            self.refuse_other_dtypes(list(outputs.values()))
        self.fast(outputs) if fast else self.slow(outputs)
        self.refuse_moods(list(outputs.values()), nondet_tol)
        if undefined:
            self.refuse_something_from_nothing(list(outputs.values()))

    def slow(self, outputs: dict[int, Tensor]) -> None:
        """Every entry of every Jacobian."""
        analytic = analytic_jacobian(list(outputs.values()), self.wrt)
        for k, x in enumerate(self.wrt):
            numeric = numeric_jacobian(self.func, self.inputs, x, self.eps)
            for row, (output, y) in zip(analytic, outputs.items()):
                place = {"input": self.position(x), "output": output}
                wrong = compare(row[k], numeric[output], y.ndim, atol=self.atol, rtol=self.rtol, **place)
                if wrong:
                    raise GradcheckError(_told(wrong, row[k].size, self.of(x)), wrong)

    def fast(self, outputs: dict[int, Tensor]) -> None:
        """vᵀ J u for random u and v: one number for each input and output, compared as an entry is."""
        rng = np.random.default_rng(0)
        for x in self.wrt:
            u = rng.uniform(-1, 1, x.shape)
            slopes = _slope(self.func, self.inputs, x, self.eps * u, self.eps)
            for output, y in outputs.items():
                v = rng.uniform(-1, 1, y.shape)
                numeric, analytic = (slopes[output] * v).sum(), (_backward([y], [x], [v])[0] * u).sum()
                if not abs(analytic - numeric) <= self.atol + self.rtol * abs(numeric):
                    self.slow(outputs)  # which names the entry
                    raise GradcheckError(
                        f"gradcheck: {self.of(x)}, output {output}: along a random direction analytic {analytic:.6f} "
                        f"against numeric {numeric:.6f}, though every entry agrees (small differences add up)"
                    )

    def refuse_changes(self, before: list[Any]) -> None:
        for x, old in zip(_tensors(self.inputs), before):
            if not np.array_equal(_host(x), old, equal_nan=old.dtype.kind == "f"):
                raise GradcheckError(f"gradcheck: func changed {self.of(x)} in place; let it write into a clone")

    def refuse_slopes(self, outputs: list[Tensor]) -> None:
        """No output requires gradients: then none of the floating ones may depend on an input."""
        for x in self.wrt:
            for k, j in enumerate(numeric_jacobian(self.func, self.inputs, x, self.eps)):
                if outputs[k].dtype.kind == "f" and not (np.abs(j) <= self.atol).all():
                    raise GradcheckError(
                        f"gradcheck: output {k} depends on {self.of(x)} (numeric {np.abs(j).max():.6f} where it moves "
                        "most), yet it does not require gradients; was it detached, or computed under no_grad or "
                        "outside minidl?"
                    )

    def refuse_other_dtypes(self, outputs: list[Tensor]) -> None:
        seeds = [_like(y, np.ones(y.shape)) for y in outputs]
        for x, g in zip(self.wrt, grad(outputs, self.wrt, seeds, retain_graph=True, allow_unused=True)):
            if g is not None and g.dtype != x.dtype:
                raise GradcheckError(f"gradcheck: the gradient of {self.of(x)} is {g.dtype}, and the input {x.dtype}")

    def refuse_moods(self, outputs: list[Tensor], tolerance: float) -> None:
        """Backward, run twice, must give the same."""
        rng = np.random.default_rng(0)
        seeds = [rng.uniform(-1, 1, y.shape) for y in outputs]
        twice = [_backward(outputs, self.wrt, seeds) for _ in range(2)]
        for x, g, again in zip(self.wrt, *twice):
            what = f"backward is not deterministic: the gradient of {self.of(x)}, run twice,"
            _refuse_difference(g, again, tolerance, what, "randomness in a backward")

    def refuse_something_from_nothing(self, outputs: list[Tensor]) -> None:
        """From gradients of zero, and with any one output left out, backward must give zeros."""
        for part in [outputs] + [outputs[:k] + outputs[k + 1 :] for k in range(len(outputs)) if len(outputs) > 1]:
            for x, g in zip(self.wrt, _backward(part, self.wrt, [np.zeros(y.shape) for y in part])):
                if g.any():
                    raise GradcheckError(
                        f"gradcheck: the gradient of {self.of(x)} is not zero where those of the outputs are; a "
                        "backward must multiply by the gradient that comes in"
                    )


def _told(wrong: list[Mismatch], size: int, called: str) -> str:
    m = wrong[0]
    where = f" (of output {list(m.at)})" if m.at else ""
    return (
        f"gradcheck: {called}, output {m.output}: analytic {m.analytic:.6f} at {list(m.index)}{where} against numeric "
        f"{m.numeric:.6f}, a difference of {m.difference:.1e}; Jacobian mismatch in {len(wrong)} of {size} entries, "
        "this one the worst"
    )


def _overlaps(array: Any) -> bool:
    """Does any place in memory hold two elements? (A strided array may interleave in ways this calls overlap.)"""
    reach = array.itemsize
    for stride, n in sorted((abs(s), n) for s, n in zip(array.strides, array.shape) if n > 1):
        if stride < reach:
            return bool(array.size)
        reach += stride * (n - 1)
    return False


def _refuse_difference(a: Any, b: Any, tolerance: float, what: str, why: str) -> None:
    if a.shape != b.shape:
        raise GradcheckError(f"gradcheck: {what} has shape {a.shape}, then {b.shape}; is there {why}?")
    differ = ~((a == b) | ((a != a) & (b != b)))
    worst = np.abs(a[differ].astype(np.float64) - b[differ].astype(np.float64)).max(initial=0)
    if not worst <= tolerance:
        raise GradcheckError(f"gradcheck: {what} differs by {worst:.1e} (nondet_tol is {tolerance:g}); is there {why}?")


# ------------------------------------------------------------------------------------------- helpers


def _slope(func: Callable[..., Any], inputs: Any, x: Tensor, step: Any, eps: float) -> list[Any]:
    """(f(x + step) − f(x − step)) / 2 eps, for each output."""
    sides, kept, values = [], x.array, _host(x)
    try:
        for sign in (1, -1):
            x.array = move(np.asarray(values + sign * step, x.dtype), x.device)
            sides.append(_values(func, inputs))
    finally:
        x.array = kept
    return [(np.asarray(a, np.float64) - np.asarray(b, np.float64)) / (2 * eps) for a, b in zip(*sides)]


def _backward(outputs: Sequence[Tensor], wrt: Sequence[Tensor], seeds: Sequence[Any]) -> list[Any]:
    gs = [_like(y, seed) for y, seed in zip(outputs, seeds)]
    found = grad(outputs, wrt, gs, retain_graph=True, allow_unused=True)
    return [np.zeros(x.shape) if g is None else _host(g).astype(np.float64) for g, x in zip(found, wrt)]


def _values(func: Callable[..., Any], inputs: Any) -> list[Any]:
    return [_host(y) for y in _outputs(func(*inputs))]


def _outputs(result: Any) -> list[Tensor]:
    outputs = list(result) if isinstance(result, (tuple, list)) else [result]
    for k, y in enumerate(outputs):
        if not isinstance(y, Tensor):
            kind = type(y).__name__
            raise TypeError(f"gradcheck: func must return a tensor or a tuple of tensors, and its output {k} is {kind}")
    return outputs


def _as_tuple(inputs: Any) -> tuple[Any, ...]:
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def _tensors(inputs: Any) -> Iterator[Tensor]:
    for x in inputs:
        if isinstance(x, Tensor):
            yield x
        elif isinstance(x, (tuple, list)):
            yield from _tensors(x)


def _differentiable(inputs: Any) -> list[Tensor]:
    return [x for x in _tensors(inputs) if x.requires_grad]


def _names(func: Callable[..., Any], inputs: Any) -> list[str]:
    """What func calls its positional arguments; empty where it does not say."""
    try:
        parameters = inspect.signature(func).parameters.values()
        names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    except (ValueError, TypeError):
        names = []
    names = names or list(getattr(func, "arguments", []))  # an op's
    return (names + [""] * len(inputs))[: len(inputs)]


def _host(t: Tensor) -> Any:
    """The values as a NumPy array of their own."""
    return backend_of(t.array).to_host(t.array).copy()


def _like(t: Tensor, values: Any) -> Tensor:
    return Tensor(move(np.asarray(values).astype(t.dtype), t.device))


def _random_like(t: Tensor, rng: np.random.Generator, gaps: bool) -> Tensor:
    """A leaf with the shape of `t`; with gaps, every second element of a larger one."""
    values = rng.uniform(-1, 1, (*t.shape, 2) if gaps else t.shape).astype(t.dtype)
    array = move(np.asarray(values), t.device)
    return Tensor(array[..., 0] if gaps else array, requires_grad=True)
