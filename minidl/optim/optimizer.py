"""What all optimizers share: groups of parameters with their settings, state per parameter, saving it."""

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from ..api import as_tensor
from ..autograd import Tensor, enable_grad, no_grad
from ..backend import Array
from ..errors import describe


class Optimizer:
    """The base of every optimizer; a subclass writes `update` for one parameter.

    params: parameters, or (name, parameter) pairs as `named_parameters()` gives them, or dicts of either with
    settings of their own: `{"params": net.head.parameters(), "lr": 1e-2}`.
    defaults: the settings of groups that do not say theirs."""

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Tensor, dict[str, Any]] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._stepped = False  # the schedulers ask, to notice when they are called first
        if isinstance(params, Tensor):
            raise TypeError(f"{_name(self)}: an iterable of parameters is needed, got one tensor; write [parameter]")
        if not isinstance(params, Iterable):
            hint = "; write module.parameters()" if hasattr(params, "parameters") else ""
            raise TypeError(f"{_name(self)}: an iterable of parameters is needed, got {type(params).__name__}{hint}")
        groups = list(params)
        if not groups:
            raise ValueError(f"{_name(self)} got an empty parameter list; does the module register its parameters?")
        for group in groups if isinstance(groups[0], dict) else [{"params": groups}]:
            self.add_param_group(group)

    def update(self, w: Array, g: Array, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Write one step into the parameter's array `w`, given its gradient; `state` is this parameter's own."""
        raise NotImplementedError(f"{_name(self)} has no update: define `def update(self, w, g, state, group)`")

    @no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step for every parameter that has a gradient.

        closure: computes the loss and its gradients anew, and is called first; its value is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        self._stepped = True
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p.array, p.grad.array, self.state[p], group)
                    p.memory.written(p.array)  # a backward that still needs the old values will say so
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or with set_to_none=False fill it with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p.grad is None:
                    p.grad = None
                else:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters, with settings of their own where the dict has any."""
        if not isinstance(param_group, dict):
            raise TypeError(f"{_name(self)}: a parameter group is a dict, got {type(param_group).__name__}")
        if "params" not in param_group:
            raise ValueError(f"{_name(self)}: a parameter group needs the entry 'params', got {', '.join(param_group)}")
        params = param_group["params"]
        if isinstance(params, set):
            raise TypeError(f"{_name(self)}: sets have no fixed order, which the saved state relies on; use a list")
        params = [params] if isinstance(params, Tensor) else list(params)
        named = bool(params) and all(isinstance(p, tuple) and len(p) == 2 for p in params)
        if named:
            param_group = {**param_group, "param_names": [name for name, _ in params]}
            params = [p for _, p in params]
        earlier = {p for group in self.param_groups for p in group["params"]}
        for k, p in enumerate(params):
            if not isinstance(p, Tensor):
                raise TypeError(f"{_name(self)}: can only optimize tensors, but parameter {k} is {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(f"{_name(self)}: can't optimize a non-leaf tensor: parameter {k}, {describe(p)}")
            if p in earlier:
                raise ValueError(
                    f"{_name(self)}: some parameters appear more than once: parameter {k} of this group, {describe(p)} "
                    "is there already; list each once, as module.parameters() does"
                )
            earlier.add(p)
        self.param_groups.append({**self.defaults, **param_group, "params": params})

    def state_dict(self) -> dict[str, Any]:
        """The state by the parameters' numbers, and the groups with numbers in place of parameters."""
        number = {p: k for k, p in enumerate(p for group in self.param_groups for p in group["params"])}
        plain = [{key: value for key, value in group.items() if key != "params"} for group in self.param_groups]
        groups = [{**a, "params": [number[p] for p in b["params"]]} for a, b in zip(plain, self.param_groups)]
        state = {number[p]: dict(state) for p, state in self.state.items() if state}
        return {"state": state, "param_groups": groups}

    @no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over settings and state, bit for bit; the parameters are matched by their order."""
        if not {"state", "param_groups"} <= set(state_dict):
            raise ValueError(f"{_name(self)}: what state_dict() gives has the entries 'state' and 'param_groups'")
        saved = state_dict["param_groups"]
        sizes, saved_sizes = ([len(group["params"]) for group in groups] for groups in (self.param_groups, saved))
        if sizes != saved_sizes:
            raise ValueError(
                f"{_name(self)}: the loaded state has groups of {saved_sizes} parameters, this optimizer of {sizes}"
            )
        own = [group["params"] for group in self.param_groups]
        parameter = {k: p for a, ps in zip(saved, own) for k, p in zip(a["params"], ps)}
        self.state = defaultdict(dict)
        for k, state in state_dict["state"].items():
            p = parameter[k]
            self.state[p] = {name: _loaded(name, value, p) for name, value in state.items()}
        self.param_groups = [
            {**self.defaults, **copy.deepcopy({k: v for k, v in group.items() if k != "params"}), "params": params}
            for group, params in zip(saved, own)
        ]

    def __repr__(self) -> str:
        text = f"{_name(self)} ("
        for k, group in enumerate(self.param_groups):
            text += f"\nParameter Group {k}\n"
            text += "".join(f"    {key}: {value}\n" for key, value in sorted(group.items()) if key != "params")
        return text + ")"


def _loaded(name: str, value: Any, p: Tensor) -> Any:
    """A value of a saved state in memory of its own, in the parameter's dtype and on its device."""
    if not hasattr(value, "shape"):
        return copy.deepcopy(value)
    value = (value if isinstance(value, Tensor) else as_tensor(value)).clone()
    return value if name == "step" else value.to(device=p.device, dtype=p.dtype)


def _name(optimizer: Optimizer) -> str:
    return type(optimizer).__name__


def check_at_least_zero(optimizer: Optimizer, **settings: float) -> None:
    for name, value in settings.items():
        try:
            value = float(value)
        except (TypeError, ValueError):
            raise TypeError(f"{_name(optimizer)}: {name} is a number, got {value!r}") from None
        if not value >= 0:
            raise ValueError(f"{_name(optimizer)}: invalid {name}: {value} (at least 0 is needed)")
