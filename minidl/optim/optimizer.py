"""What all optimizers share: groups of parameters with their settings, state per parameter, hooks, saving it."""

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import numpy as np

from ..api import as_tensor
from ..api.graph import RemovableHandle
from ..autograd import Tensor, enable_grad, no_grad
from ..backend import Array
from ..errors import describe
from ..nn.hooks import add_hook
from .flat import Plan, update_alone

Hooks = dict[float, Callable[..., Any]]
_before_any_step: Hooks = {}
_after_any_step: Hooks = {}


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` runs before each step of every optimizer."""
    return add_hook(_before_any_step, hook)


def register_optimizer_step_post_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(optimizer, args, kwargs)` runs after each step of every optimizer."""
    return add_hook(_after_any_step, hook)


def with_hooks(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step`, between the hooks before and after it; where one step calls another, the outer one alone has them."""

    @functools.wraps(step)
    def hooked(self: "Optimizer", *args: Any, **kwargs: Any) -> Any:
        self._opt_called = True  # the schedulers ask, to notice when they are called first
        if self._stepping:
            return step(self, *args, **kwargs)
        if self._step_pre_hooks or _before_any_step:
            for hook in list(chain(self._step_pre_hooks.values(), _before_any_step.values())):
                changed = hook(self, args, kwargs)
                if isinstance(changed, tuple) and len(changed) == 2:
                    args, kwargs = changed
                elif changed is not None:
                    raise RuntimeError(f"a step pre-hook returns None or the new (args, kwargs), got {changed!r}")
        self._stepping = True
        try:
            loss = step(self, *args, **kwargs)
        finally:
            self._stepping = False
        if self._step_post_hooks or _after_any_step:
            for hook in list(chain(self._step_post_hooks.values(), _after_any_step.values())):
                hook(self, args, kwargs)
        return loss

    return hooked


class Optimizer:
    """The base of every optimizer; a subclass writes `update`, and `moments` where it remembers something.

    params: parameters, or (name, parameter) pairs as `named_parameters()` gives them, or dicts of either with
    settings of their own: `{"params": net.head.parameters(), "lr": 1e-2}`.
    defaults: the settings of groups that do not say theirs.

    Every optimizer takes `maximize`, to go up the gradient instead of down, and `foreach=False`, to go from parameter
    to parameter without the faster ways of flat.py (None or True), which compute the same bits. `fused=True`
    means what foreach=True does. `capturable` and `differentiable` are refused: there is no graph of
    the GPU's work to capture a step in, and a step is not differentiable."""

    elementwise = True  # does each weight's step depend on its own past alone? Then it may be taken in any company
    state: "defaultdict[Any, dict[str, Any]]"

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._passing()
        if isinstance(params, Tensor):
            raise TypeError(f"{_name(self)}: an iterable of parameters is needed, got one tensor; write [parameter]")
        if not isinstance(params, Iterable):
            hint = "; write module.parameters()" if hasattr(params, "parameters") else ""
            raise TypeError(f"{_name(self)}: an iterable of parameters is needed, got {type(params).__name__}{hint}")
        groups = list(params)
        if not groups:
            raise ValueError(
                f"{_name(self)}: optimizer got an empty parameter list; does the module register its parameters?"
            )
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = with_hooks(cls.step)  # type: ignore[method-assign]

    def _passing(self) -> None:
        """What is neither saved nor copied: hooks, and how the next step is best taken."""
        self._plans: dict[int, Plan] = {}
        self._step_pre_hooks: Hooks = {}
        self._step_post_hooks: Hooks = {}
        self._state_dict_pre_hooks: Hooks = {}
        self._state_dict_post_hooks: Hooks = {}
        self._load_pre_hooks: Hooks = {}
        self._load_post_hooks: Hooks = {}
        self._stepping = self._opt_called = False

    # ---- what a subclass says

    def counters(self, group: dict[str, Any]) -> dict[str, float]:
        """The numbers kept for each parameter, and what they are at first."""
        return {"step": 0.0}

    def moments(self, w: Array, group: dict[str, Any]) -> dict[str, Any]:
        """The arrays kept for each parameter, and what they are at first: a number throughout, or zeros of a shape."""
        return {}

    def advance(self, counters: dict[str, Array], group: dict[str, Any], first: bool) -> Any:
        """Count one step on; what it returns is handed to `update`: the number of the step, from 1.

        first: were the moments made just now?"""
        counters["step"] += 1
        return counters["step"].item(0)

    def update(self, w: Array, g: Array, state: dict[str, Array], group: dict[str, Any], t: Any) -> None:
        """Write step t into the weights `w`, given their gradient, and into their moments, `state`.

        Where the optimizer is elementwise the arrays may be a parameter, a part of one or several end to end."""
        raise NotImplementedError(
            f"{_name(self)} has no update: define `def update(self, w, g, state, group, t)`, or a `step` of your own"
        )

    # ---- stepping

    @with_hooks
    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step for every parameter that has a gradient.

        closure: computes the loss and its gradients anew, and is called first; its value is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        for k, group in enumerate(self.param_groups):
            params = [p for p in group["params"] if p._grad is not None]
            if not self.elementwise or group.get("foreach") is False:
                for p in params:
                    update_alone(self, p, group)
            elif params:
                if k not in self._plans:
                    self._plans[k] = Plan()
                self._plans[k].step(self, params, group)
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or with set_to_none=False fill it with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p._grad is None:
                    p._grad = None
                else:
                    p._grad = p._grad.detach()
                    p._grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with settings of their own where the dict has any."""
        if not isinstance(param_group, dict):
            raise TypeError(f"{_name(self)}: a parameter group is a dict, got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ValueError(f"{_name(self)}: a parameter group needs the entry 'params', got {', '.join(param_group)}")
        params = param_group["params"]
        if isinstance(params, (set, frozenset)):
            raise TypeError(f"{_name(self)}: sets have no fixed order, which the saved state relies on; use a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        names = [p[0] for p in params if isinstance(p, tuple) and len(p) == 2]
        if names and len(names) != len(params):
            raise ValueError(f"{_name(self)}: all optimizer params should be with/without names, but some lack theirs")
        if names:
            param_group = {**param_group, "param_names": names}
            params = [p[1] for p in params]
        earlier = {p for group in self.param_groups for p in group["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{_name(self)}: can only optimize tensors, but parameter {k} is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(f"{_name(self)}: can't optimize a non-leaf Tensor: parameter {k}, {describe(p)}")
            if p in earlier:
                raise ValueError(
                    f"{_name(self)}: some parameters appear more than once (some parameters appear in more than one "
                    f"parameter group): parameter {k} of this group, {describe(p)} is there already; list each once, "
                    "as module.parameters() does"
                )
            earlier.add(p)
        if any(("param_names" in param_group) != ("param_names" in group) for group in self.param_groups):
            raise ValueError(f"{_name(self)}: all optimizer param groups should be with/without names, all alike")
        group = {**self.defaults, **param_group, "params": params}
        _check_ways(self, group)
        self.param_groups.append(group)

    # ---- saving

    def state_dict(self) -> dict[str, Any]:
        """The state by the parameters' numbers, and the groups with numbers in place of parameters."""
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        number = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        plain = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        groups = [{**a, "params": [number[p] for p in b["params"]]} for a, b in zip(plain, self.param_groups)]
        saved = {number.get(p, p): dict(state) for p, state in self.state.items() if state}
        state_dict: dict[str, Any] = {"state": saved, "param_groups": groups}
        for hook in list(self._state_dict_post_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    @no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state, bit for bit; the parameters are matched by their order."""
        state_dict = dict(state_dict)
        for hook in list(self._load_pre_hooks.values()):
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        if not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(f"{_name(self)}: what state_dict() gives has the entries 'state' and 'param_groups'")
        saved = state_dict["param_groups"]
        sizes, saved_sizes = ([len(group["params"]) for group in groups] for groups in (self.param_groups, saved))
        if len(sizes) != len(saved_sizes):
            raise ValueError(
                f"{_name(self)}: loaded state dict has a different number of parameter groups: {len(saved_sizes)}, "
                f"this optimizer {len(sizes)}"
            )
        if sizes != saved_sizes:
            raise ValueError(
                f"{_name(self)}: loaded state dict contains a parameter group that doesn't match the size of "
                f"optimizer's group: it has groups of {saved_sizes} parameters, this optimizer of {sizes}"
            )
        own = [group["params"] for group in self.param_groups]
        parameter = {k: p for a, ps in zip(saved, own) for k, p in zip(a["params"], ps)}
        self._plans = {}
        self.state = defaultdict(dict)
        for k, state in state_dict["state"].items():
            p = parameter.get(k)
            self.state[k if p is None else p] = state if p is None else _loaded(state, p)
        self.param_groups = [
            {
                **self.defaults,
                **({"param_names": mine["param_names"]} if "param_names" in mine else {}),
                **copy.deepcopy({key: value for key, value in group.items() if key != "params"}),
                "params": mine["params"],
            }
            for group, mine in zip(saved, self.param_groups)
        ]
        for hook in list(self._load_post_hooks.values()):
            hook(self)

    def __getstate__(self) -> dict[str, Any]:
        passing = Optimizer.__new__(Optimizer)
        passing._passing()
        return {name: value for name, value in vars(self).items() if name not in vars(passing)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._passing()
        vars(self).update(state)

    # ---- hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` runs before each step; it may return other (args, kwargs)."""
        return add_hook(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(optimizer, args, kwargs)` runs after each step."""
        return add_hook(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` runs before the state is collected."""
        return add_hook(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` runs when the state is collected; it may return another."""
        return add_hook(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer, state_dict)` runs before the state is taken over; it may return another."""
        return add_hook(self._load_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(optimizer)` runs when the state has been taken over."""
        return add_hook(self._load_post_hooks, hook, prepend)

    def __repr__(self) -> str:
        text = f"{_name(self)} ("
        for k, group in enumerate(self.param_groups):
            text += f"\nParameter Group {k}\n"
            text += "".join(f"    {key}: {value}\n" for key, value in sorted(group.items()) if key != "params")
        return text + ")"


def _loaded(value: Any, p: Tensor, name: str = "") -> Any:
    """A value of a saved state in memory of its own, in the parameter's dtype, on its device; counters as they are."""
    if isinstance(value, dict):
        return {key: _loaded(inner, p, key) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_loaded(inner, p) for inner in value)
    if not hasattr(value, "shape"):
        return Tensor(np.array(value, np.float32)) if name == "step" else copy.deepcopy(value)
    value = (value if isinstance(value, Tensor) else as_tensor(value)).clone()
    if name in ("step", "mu_product", "eta", "mu"):
        return value.to(device="cpu")
    return value.to(device=p.device, dtype=p.dtype)


def _check_ways(optimizer: Optimizer, group: dict[str, Any]) -> None:
    """Refuse what cannot be done here, and what contradicts itself."""
    if group.get("differentiable"):
        raise NotImplementedError(
            f"{_name(optimizer)}: differentiable=True is not supported: a step writes into the parameters in place and "
            "is not recorded; write the update with tensor operations to differentiate through it"
        )
    if group.get("capturable"):
        raise NotImplementedError(
            f"{_name(optimizer)}: capturable=True is not supported: steps are not captured in GPU graphs here"
        )
    if group.get("foreach") and group.get("fused"):
        raise RuntimeError(f"{_name(optimizer)}: `fused` and `foreach` cannot be `True` together; they mean the same")


def _name(optimizer: Optimizer) -> str:
    return type(optimizer).__name__


WORDS = {"lr": "learning rate", "eps": "epsilon value"}


def check_at_least_zero(optimizer: Optimizer, **settings: Any) -> None:
    """Refuse a setting that is negative, or NaN, or not a number."""
    for name, value in settings.items():
        if isinstance(value, Tensor) and value.array.size != 1:
            raise ValueError(f"{_name(optimizer)}: Tensor {name} must be 1-element, got {describe(value)}")
        try:
            value = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"{_name(optimizer)}: {name} is a number, got {value!r}") from None
        if not value >= 0:
            what = WORDS.get(name, f"{name} value")
            raise ValueError(f"{_name(optimizer)}: Invalid {what}: {value} ({name}, at least 0 is needed)")


def check_betas(optimizer: Optimizer, betas: Any) -> None:
    """Refuse what is not two numbers from [0, 1)."""
    if not isinstance(betas, (tuple, list)) or len(betas) != 2:
        raise TypeError(f"{_name(optimizer)}: betas are two numbers, got {betas!r}")
    for k, beta in enumerate(betas):
        if not 0 <= float(beta) < 1:
            raise ValueError(f"{_name(optimizer)}: Invalid beta parameter at index {k}: {beta} (it lies in [0, 1))")


class SparseAdam:
    """Not here: it is for sparse gradients, and all tensors of minidl are dense. Use Adam."""

    def __init__(self, params: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("SparseAdam is for sparse gradients, and all gradients here are dense; use Adam")


def decayed(w: Array, g: Array, lr: float, group: dict[str, Any]) -> Array:
    """The gradient that the moments are to see, after maximize and weight decay, which may act on w instead."""
    if group["maximize"]:
        g = -g
    if group["weight_decay"] and group.get("decoupled_weight_decay"):
        w *= 1 - lr * group["weight_decay"]
    elif group["weight_decay"]:
        g = g + group["weight_decay"] * w
    return g
