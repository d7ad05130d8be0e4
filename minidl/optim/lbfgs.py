"""L-BFGS: Newton's method with a Hessian remembered from the last steps, and a line search."""

from collections.abc import Callable
from typing import Any

from ..autograd import Tensor, enable_grad, no_grad
from ..backend import Array, backend_of
from .optimizer import Optimizer, check_at_least_zero


class LBFGS(Optimizer):
    """L-BFGS (Liu & Nocedal 1989): for smooth losses of full batches, where it needs far fewer steps than the others.

        y = g − g'   s = w − w'              of the last history_size iterations; ρ = 1 / yᵀs
        d = −H g                             H from the pairs (s, y), by two loops: an estimate of the inverse Hessian
        w ← w + t d                          t = lr (min(1, 1 / ‖g‖₁) lr at first), or found by the line search

    `step(closure)` takes up to max_iter iterations; the closure clears the gradients, computes the loss, calls backward
    and returns the loss. line_search_fn "strong_wolfe": a t at which the loss has fallen enough and
    its slope is flat enough (Nocedal & Wright 2006, section 3.5). One group of parameters, on one device.

    lr 1, max_iter 20, max_eval 1.25 max_iter, tolerance_grad 1e-7, tolerance_change 1e-9, history_size 100.
    g, d, y, s are all parameters end to end; the state is the first parameter's."""

    def __init__(
        self, params: Any, lr: Any = 1, max_iter: int = 20, max_eval: int | None = None, tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9, history_size: int = 100, line_search_fn: str | None = None,
    ) -> None:  # fmt: skip
        check_at_least_zero(self, lr=lr)
        super().__init__(
            params,
            {
                "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
                "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change, "history_size": history_size,
                "line_search_fn": line_search_fn,
            },
        )  # fmt: skip
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups): it takes all as one")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Up to max_iter iterations; returns the loss before the first."""
        if closure is None:
            raise TypeError("LBFGS: step needs a closure; it clears the gradients, calls backward, returns the loss")
        group = self.param_groups[0]
        self._params, lr = group["params"], float(group["lr"])
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError(f"LBFGS: only 'strong_wolfe' is supported, line_search_fn is {group['line_search_fn']}")
        least_grad, least_change = group["tolerance_grad"], group["tolerance_change"]
        xp, state = backend_of(self._params[0].array), self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        evaluate = enable_grad()(closure)
        original = evaluate()
        loss, g, evaluations = float(original), self._gradient(), 1
        state["func_evals"] += 1
        if largest(g) <= least_grad:
            return original
        d, t, H = (_array(state.get(name)) for name in ("d", "t", "H_diag"))
        ys, ss, rhos = ([_array(x) for x in state.get(name) or []] for name in ("old_dirs", "old_stps", "ro"))
        g_before, loss_before = _array(state.get("prev_flat_grad")), state.get("prev_loss")

        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                d, H, ys, ss, rhos = -g, 1.0, [], [], []
            else:
                y, s = g - g_before, d * t
                curvature = dot(y, s)
                if curvature > 1e-10:
                    if len(ys) == group["history_size"]:
                        del ys[0], ss[0], rhos[0]
                    ys.append(y)
                    ss.append(s)
                    rhos.append(1 / curvature)
                    H = curvature / dot(y, y)
                d = two_loops(-g, ys, ss, rhos, H)
            g_before, loss_before = g.copy(), loss
            t = min(1.0, 1 / float(xp.to_host(xp.sum(xp.abs(g))))) * lr if state["n_iter"] == 1 else lr
            slope = dot(g, d)
            if slope > -least_change:
                break
            spent = 0
            if group["line_search_fn"]:
                start = [p.array.copy() for p in self._params]

                def along(t: float, start: list[Array] = start, d: Array = d) -> tuple[float, Array]:
                    self._move(t, d)
                    loss, g = float(evaluate()), self._gradient()
                    for p, w in zip(self._params, start):
                        p.array[...] = w
                        p.memory.written(p.array)
                    return loss, g

                bend = largest(d), least_change, group["max_eval"] - evaluations
                loss, g, t, spent = strong_wolfe(along, t, d, loss, g, slope, *bend)
                self._move(t, d)
            else:
                self._move(t, d)
                if iteration < group["max_iter"]:  # else nobody would look at it
                    loss, g, spent = float(evaluate()), self._gradient(), 1
            evaluations += spent
            state["func_evals"] += spent
            if (
                evaluations >= group["max_eval"] or largest(g) <= least_grad
                or largest(d) * abs(t) <= least_change or abs(loss - loss_before) < least_change
            ):  # fmt: skip
                break

        state.update(d=Tensor(d), t=t, old_dirs=[Tensor(y) for y in ys], old_stps=[Tensor(s) for s in ss])
        state.update(ro=list(rhos), H_diag=H, prev_flat_grad=Tensor(g_before), prev_loss=loss_before)
        return original

    def _gradient(self) -> Array:
        """The gradients of all parameters end to end, zeros where one has none."""
        xp = backend_of(self._params[0].array)
        gs = [xp.zeros_like(p.array) if p.grad is None else p.grad.array for p in self._params]
        return xp.concatenate(*(g.reshape(-1) for g in gs), axis=0)

    def _move(self, t: float, d: Array) -> None:
        """w ← w + t d"""
        start = 0
        for p in self._params:
            w = p.array
            w += t * d[start : start + w.size].reshape(w.shape)
            p.memory.written(w)
            start += w.size


def two_loops(q: Array, ys: list[Array], ss: list[Array], rhos: list[float], H: float) -> Array:
    """H q for the estimate of the inverse Hessian that the pairs stand for (Nocedal & Wright 2006, algorithm 7.4)."""
    alphas = []
    for y, s, rho in zip(reversed(ys), reversed(ss), reversed(rhos)):
        alphas.append(rho * dot(s, q))
        q = q - alphas[-1] * y
    r = H * q
    for y, s, rho, alpha in zip(ys, ss, rhos, reversed(alphas)):
        r = r + (alpha - rho * dot(y, r)) * s
    return r


def strong_wolfe(
    f: Callable[[float], tuple[float, Array]], t: float, d: Array, f0: float, g0: Array, slope0: float,
    longest: float, least_change: float, evaluations: int, c1: float = 1e-4, c2: float = 0.9,
) -> tuple[float, Array, float, int]:  # fmt: skip
    """A step t along d with f(t) ≤ f(0) + c₁ t f'(0) and |f'(t)| ≤ −c₂ f'(0): (loss, gradient, t, evaluations).

    First the steps grow until two of them bracket such a point, then the bracket shrinks around it.
    A point is (t, f, g, f'); longest: the largest entry of |d|."""
    point = lambda t: (lambda value: (t, *value, dot(value[1], d)))(f(t))
    low = before = (0.0, f0, g0, slope0)
    new, spent, tries, found = point(t), 1, 0, False
    while tries < evaluations:
        t, value, _, slope = new
        too_high = value > f0 + c1 * t * slope0 or (tries > 1 and value >= before[1])
        found = not too_high and abs(slope) <= -c2 * slope0
        if too_high or found or slope >= 0:
            break
        bounds = t + 0.01 * (t - before[0]), t * 10
        before, new = new, point(cubic(before, new, bounds))
        spent, tries = spent + 1, tries + 1
    else:
        before = low
    if found:
        return new[1], new[2], new[0], spent

    low, high = (before, new) if before[1] <= new[1] else (new, before)
    stuck = False
    while tries < evaluations:
        left, right = sorted((low[0], high[0]))
        if (right - left) * longest < least_change:
            break
        t = cubic(low, high)
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too near an end; the second time, or past it: keep the margin
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = point(t)
        spent, tries = spent + 1, tries + 1
        if new[1] > f0 + c1 * t * slope0 or new[1] >= low[1]:
            high = new
            low, high = (low, high) if low[1] <= high[1] else (high, low)
        else:
            found = abs(new[3]) <= -c2 * slope0
            if not found and new[3] * (high[0] - low[0]) >= 0:
                high = low
            low = new
            if found:
                break
    return low[1], low[2], low[0], spent


def cubic(a: Any, b: Any, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is lowest, within the bounds."""
    (x1, f1, _, g1), (x2, f2, _, g2) = (a, b) if a[0] <= b[0] else (b, a)
    low, high = (x1, x2) if bounds is None else bounds
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1 * d1 - g1 * g2
    if square < 0:
        return (low + high) / 2
    d2 = square**0.5
    return min(max(x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2)), low), high)


def dot(a: Array, b: Array) -> float:
    return float(backend_of(a).to_host(a @ b))


def largest(a: Array) -> float:
    """The largest of |a|."""
    xp = backend_of(a)
    return float(xp.to_host(xp.max(xp.abs(a))))


def _array(value: Any) -> Any:
    """A tensor's array; a number that a state saved by PyTorch has as a tensor."""
    if not isinstance(value, Tensor):
        return value
    return value.array if value.ndim else float(value)
