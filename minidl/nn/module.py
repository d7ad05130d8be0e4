"""Module: parameters, buffers and other modules under names, and a forward that uses them."""

import difflib
import functools
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from ..api import as_tensor, empty_like
from ..api.graph import RemovableHandle
from ..autograd import Tensor, is_grad_enabled, no_grad
from ..backend import backend_for, check_dtype
from ..backend import device as Device
from ..errors import describe
from .hooks import BackwardHooks, add_hook
from .parameter import Buffer, Parameter, is_lazy


class NameProblem(ValueError, KeyError):
    """A name under which nothing can be registered; also a KeyError, as in PyTorch."""

    __str__ = Exception.__str__  # KeyError would print the sentence in quotes


class LoadResult(NamedTuple):
    """What `load_state_dict` did not match."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return f"LoadResult(missing_keys={self.missing_keys}, unexpected_keys={self.unexpected_keys})"


STORES = {"_parameters": "parameter", "_buffers": "buffer", "_modules": "module"}
HOOKS = (
    "_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks",
    "_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip
EVERYWHERE: dict[str, dict[float, Any]] = {kind: {} for kind in (*HOOKS[:4], "buffer", "module", "parameter")}
_pre, _post, _back_pre, _back = (EVERYWHERE[kind] for kind in HOOKS[:4])  # hooks of all modules, which run first


class Module:
    """The base of every layer and network.

        class Net(Module):
            def __init__(self):
                super().__init__()
                self.fc = Linear(2, 3)

            def forward(self, x):
                return self.fc(x)

    Assigning a Parameter, a Buffer or a Module to an attribute registers it. Call the module (`net(x)`), not its
    `forward`: the call also runs the hooks."""

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: "dict[str, Module | None]"
    _non_persistent_buffers_set: set[str]
    _forward_pre_hooks: dict[float, Any]
    _forward_hooks: dict[float, Any]
    _backward_pre_hooks: dict[float, Any]
    _backward_hooks: dict[float, Any]
    _state_dict_pre_hooks: dict[float, Any]
    _state_dict_hooks: dict[float, Any]
    _load_state_dict_pre_hooks: dict[float, Any]
    _load_state_dict_post_hooks: dict[float, Any]
    _version = 1  # of the layout of what the module saves, for those that read older files

    def __init__(self) -> None:
        own = self.__dict__
        own["training"] = True
        own.update((store, {}) for store in STORES)
        own["_non_persistent_buffers_set"] = set()
        own.update((kind, {}) for kind in HOOKS)

    # ---- the call

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; every subclass writes its own."""
        raise NotImplementedError(f"{type(self).__name__} has no forward: define `def forward(self, x)` in the class")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
            or _pre or _post or _back_pre or _back
        ):  # fmt: skip
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result, finished, ran = None, False, set()
        after = [*_post.items(), *self._forward_hooks.items()]
        try:
            for hook, with_kwargs in [*_pre.values(), *self._forward_pre_hooks.values()]:
                changed = hook(self, args, kwargs) if with_kwargs else hook(self, args)
                if changed is None:
                    continue
                if not with_kwargs:
                    args = changed if isinstance(changed, tuple) else (changed,)
                elif isinstance(changed, tuple) and len(changed) == 2:
                    args, kwargs = changed
                else:
                    raise RuntimeError(f"a pre-hook with kwargs returns None or (args, kwargs), got {changed!r}")
            backward = None
            back_pre = [*_back_pre.values(), *self._backward_pre_hooks.values()]
            back = [*_back.values(), *self._backward_hooks.values()]
            if is_grad_enabled() and (back_pre or back):
                backward = BackwardHooks(self, back_pre, back)
                args = backward.tap_inputs(args)
            result = self.forward(*args, **kwargs)
            for key, (hook, with_kwargs, _) in after:
                ran.add(key)
                changed = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                result = result if changed is None else changed
            finished = True
            return result if backward is None else backward.tap_outputs(result)
        finally:
            if not finished:  # something raised; hooks registered with always_call run all the same
                for key, (hook, with_kwargs, always) in after:
                    if always and key not in ran:
                        hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)

    def register_forward_pre_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """`hook(module, args)` runs before forward; what it returns, unless None, replaces the arguments."""
        return add_hook(self._forward_pre_hooks, (hook, with_kwargs), prepend)

    def register_forward_hook(
        self, hook: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """`hook(module, args, output)` runs after forward; what it returns, unless None, replaces the output."""
        return add_hook(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_pre_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_output)` runs when the gradients of the outputs are there; it may return others."""
        return add_hook(self._backward_pre_hooks, hook, prepend)

    def register_full_backward_hook(self, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_input, grad_output)` runs when the gradients of the inputs are there.

        It may return others in place of grad_input. Both are tuples, None standing for what needs no gradient."""
        return add_hook(self._backward_hooks, hook, prepend)

    register_backward_hook = register_full_backward_hook  # the older name

    # ---- registration

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        for kind, store, what in MEMBERS:
            if not isinstance(value, kind):
                continue
            if store not in own:
                raise AttributeError(
                    f"cannot assign {what} before Module.__init__() call: "
                    f"begin {type(self).__name__}.__init__ with super().__init__()"
                )
            if name not in own[store]:  # what was there under this name goes, whatever it was
                self._forget(name)
            if isinstance(value, Parameter):
                self.register_parameter(name, value)
            elif isinstance(value, Buffer):
                self.register_buffer(name, value, value.persistent)
            elif isinstance(value, Module):
                self.register_module(name, value)
            return
        for store, what in STORES.items():
            registered = own.get(store)
            if registered is not None and name in registered:
                if value is not None and not (store == "_buffers" and isinstance(value, Tensor)):
                    needed = {"parameter": "a Parameter", "buffer": "a Tensor", "module": "a Module"}[what]
                    raise TypeError(
                        f"cannot assign {_kind(value)} as {what} '{name}' of {type(self).__name__}: "
                        f"{needed} or None is needed (to replace it by something else, `del` it first)"
                    )
                registered[name] = value
                return
        super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for store in STORES:
            registered = own.get(store)
            if registered is not None and name in registered:
                return registered[name]
        text = f"{type(self).__name__!r} object has no attribute {name!r}"
        if "_modules" not in own:
            text += "; Module.__init__() has not run: begin your __init__ with super().__init__()"
        elif not name.startswith("__"):
            close = difflib.get_close_matches(name, [n for n in dir(self) if not n.startswith("_")], n=3)
            text += f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise AttributeError(text)

    def __delattr__(self, name: str) -> None:
        for store in STORES:
            if name in self.__dict__.get(store, ()):
                self._forget(name)
                return
        super().__delattr__(name)

    def __dir__(self) -> list[str]:
        names = {*super().__dir__(), *(name for store in STORES for name in self.__dict__.get(store, ()))}
        return sorted(name for name in names if not name[0].isdigit())

    def _forget(self, name: str) -> None:
        for store in STORES:
            self.__dict__[store].pop(name, None)
        self.__dict__.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _check_name(self, name: Any, store: str) -> None:
        what = STORES[store]
        if store not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string, got {type(name).__name__}")
        if not name or "." in name:
            raise NameProblem(f"{what} name {name!r}: not empty and without a dot, which separates names in paths")
        names = [self.__dict__, *(self.__dict__[kind] for kind in STORES)]
        if (hasattr(type(self), name) or any(name in taken for taken in names)) and name not in self.__dict__[store]:
            raise NameProblem(f"attribute {name!r} already exists in {type(self).__name__}")

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Register a parameter under a name; None keeps the name free of one (as Linear's bias=False does)."""
        self._check_name(name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(f"cannot assign {_kind(param)} as parameter {name!r}: a Parameter or None is needed")
        for hook in EVERYWHERE["parameter"].values():
            changed = hook(self, name, param)
            param = param if changed is None else changed
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Register a tensor that belongs to the module's state but is not learned."""
        self._check_name(name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"cannot assign {_kind(tensor)} as buffer {name!r}: a Tensor or None is needed")
        for hook in EVERYWHERE["buffer"].values():
            changed = hook(self, name, tensor)
            tensor = tensor if changed is None else changed
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_module(self, name: str, module: "Module | None") -> None:
        """Register a module under a name."""
        self._check_name(name, "_modules")
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"cannot assign {_kind(module)} as module {name!r}: a Module or None is needed")
        for hook in EVERYWHERE["module"].values():
            changed = hook(self, name, module)
            module = module if changed is None else changed
        self._modules[name] = module

    add_module = register_module

    # ---- what is inside

    def named_modules(
        self, memo: "set[Module] | None" = None, prefix: str = "", remove_duplicate: bool = True
    ) -> "Iterator[tuple[str, Module]]":
        """Every module inside with its path, this one (path "") first; shared ones once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, _join(prefix, name), remove_duplicate)

    def modules(self) -> "Iterator[Module]":
        for _, module in self.named_modules():
            yield module

    def named_children(self) -> "Iterator[tuple[str, Module]]":
        """The modules right inside this one; shared ones once."""
        seen: set[Module] = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self) -> "Iterator[Module]":
        for _, module in self.named_children():
            yield module

    def _named_members(
        self, store: str, prefix: str, recurse: bool, remove_duplicate: bool
    ) -> Iterator[tuple[str, Any]]:
        seen: set[Any] = set()
        inside = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]
        for path, module in inside:
            for name, member in module.__dict__[store].items():
                if member is None or member in seen:
                    continue
                if remove_duplicate:
                    seen.add(member)
                yield _join(path, name), member

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its path; shared ones once. recurse=False: only this module's own."""
        return self._named_members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        for _, parameter in self.named_parameters(recurse=recurse):
            yield parameter

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its path; shared ones once."""
        return self._named_members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        for _, buffer in self.named_buffers(recurse=recurse):
            yield buffer

    def get_submodule(self, target: str) -> "Module":
        """The module at a path such as "features.0"; this one for ""."""
        module: Any = self
        for name in target.split(".") if target else ():
            inner = getattr(module, name, None)
            if not isinstance(inner, Module):
                raise AttributeError(f"{type(module).__name__} has no module {name!r} (asked for {target!r})")
            module = inner
        return module

    def set_submodule(self, target: str, module: "Module", strict: bool = False) -> None:
        """Put a module at a path such as "features.0"; strict: only where there is one already."""
        path, _, name = target.rpartition(".")
        if not name:
            raise ValueError("set_submodule: the path of a module inside is needed, got ''")
        owner = self.get_submodule(path)
        if name not in owner._modules and (strict or hasattr(owner, name)):
            raise AttributeError(f"{type(owner).__name__} has no module {name!r} to replace (asked for {target!r})")
        setattr(owner, name, module)

    def _member(self, target: str, store: str) -> Any:
        path, _, name = target.rpartition(".")
        owner = self.get_submodule(path)
        found = owner.__dict__[store].get(name)
        if found is None:
            raise AttributeError(f"{type(owner).__name__} has no {STORES[store]} {name!r} (asked for {target!r})")
        return found

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at a path such as "features.0.weight"."""
        return self._member(target, "_parameters")

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at a path such as "bn.running_mean"."""
        return self._member(target, "_buffers")

    # ---- modes and moves

    def train(self, mode: bool = True) -> "Module":
        """Training mode (dropout drops, batch norm uses the batch) for this module and all inside; returns itself."""
        if not isinstance(mode, bool):
            raise ValueError(f"train: the mode is a bool, got {mode!r}")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> "Module":
        """Evaluation mode: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> "Module":
        """Whether the parameters require gradients: False freezes them."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget every parameter's gradient, or with set_to_none=False fill it with zeros."""
        zero_grads(self.parameters(), set_to_none)

    def apply(self, fn: "Callable[[Module], Any]") -> "Module":
        """Call `fn` on every module inside, this one last; returns itself."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor]) -> "Module":
        """Replace every parameter's and buffer's values (and gradients) by fn of them; identities stay."""
        with no_grad():
            for parameter in self.parameters():
                parameter.data = fn(parameter.data)
                if parameter.grad is not None:
                    parameter.grad = fn(parameter.grad)
            moved: dict[int, Tensor] = {}
            for module in self.modules():
                for name, buffer in module._buffers.items():
                    if buffer is not None and is_lazy(buffer):
                        buffer.data = fn(buffer.data)
                    elif buffer is not None:
                        if id(buffer) not in moved:
                            moved[id(buffer)] = fn(buffer)
                        module._buffers[name] = moved[id(buffer)]
        return self

    def to(self, *args: Any, **kwargs: Any) -> "Module":
        """to(device=None, dtype=None), to(dtype), to(tensor): move; floating-point members also take the dtype."""
        where, dtype = _destination(*args, **kwargs)
        if dtype is not None and dtype.kind != "f":
            raise TypeError(f"Module.to: a floating-point dtype is needed, got {dtype}")
        if where is not None:
            backend_for(where)  # refuse a device that is not there before anything has moved
        wanted = lambda t: dtype if dtype is not None and t.dtype.kind == "f" else t.dtype
        return self._apply(lambda t: t.to(device=where or t.device, dtype=wanted(t)))

    def to_empty(self, *, device: Any, recurse: bool = True) -> "Module":
        """Memory on a device for every parameter and buffer, of any values: the way from "meta" to numbers."""
        return self._apply(lambda t: empty_like(t, device=device))

    def float(self) -> "Module":
        return self.to(dtype="float32")

    def double(self) -> "Module":
        return self.to(dtype="float64")

    def half(self) -> "Module":
        return self.to(dtype="float16")

    def type(self, dst_type: Any) -> "Module":
        """Parameters and buffers in a dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def share_memory(self) -> "Module":
        """The module: its memory is copied, not shared, where another process gets it."""
        return self

    def cpu(self) -> "Module":
        return self.to("cpu")

    def cuda(self, device: Any = None) -> "Module":
        return self.to("cuda" if device is None else device)

    # ---- saving and loading

    def get_extra_state(self) -> Any:
        """What else a state dict should hold; a module that defines this defines `set_extra_state` too."""
        raise NotImplementedError(f"{type(self).__name__} keeps no extra state")

    def set_extra_state(self, state: Any) -> None:
        """Take what `get_extra_state` gave."""
        raise NotImplementedError(f"{type(self).__name__} keeps no extra state")

    def _slots(self) -> Iterator[tuple[dict[str, Any], str]]:
        """What a state dict holds of this module alone, in PyTorch's order: (which of its stores, the name in it)."""
        for store in (self._parameters, self._buffers):
            for name, member in store.items():
                if member is not None and name not in self._non_persistent_buffers_set:
                    yield store, name

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """Write this module's own entries; override it to save something else."""
        for store, name in self._slots():
            member = store[name]
            destination[prefix + name] = member if keep_vars or is_lazy(member) else member.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + EXTRA] = self.get_extra_state()

    def state_dict(
        self, *, destination: dict[str, Any] | None = None, prefix: str = "", keep_vars: bool = False
    ) -> dict[str, Any]:
        """Every parameter and persistent buffer by path. The tensors share the module's memory.

        keep_vars: the parameters themselves, not detached. Its `_metadata` has each module's version by path."""
        found: Any = destination
        if found is None:
            found = OrderedDict()
            found._metadata = OrderedDict()
        about = {"version": self._version}
        if hasattr(found, "_metadata"):
            found._metadata[prefix[:-1]] = about
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(found, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=found, prefix=f"{prefix}{name}.", keep_vars=keep_vars)
        for hook in list(self._state_dict_hooks.values()):
            changed = hook(self, found, prefix, about)
            found = found if changed is None else changed
        return found

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Read this module's own entries; override it to read what older versions wrote.

        What is copied waits in local_metadata["copies"] until every module has been found to fit."""
        for hook in list(self._load_state_dict_pre_hooks.values()):
            hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)
        copies, known = local_metadata.get("copies"), set(self._modules)
        for store, name in self._slots():
            key, member = prefix + name, store[name]
            known.add(name)
            if key not in state_dict:
                if strict and name not in self._optional_keys:
                    missing_keys.append(key)
                continue
            value = state_dict[key]
            if not hasattr(value, "shape"):
                error_msgs.append(f"While copying {key}: a tensor is needed, got {type(value).__name__}.")
            elif not is_lazy(member) and tuple(value.shape) != member.shape:
                error_msgs.append(
                    f"size mismatch for {key}: copying a param with shape {tuple(value.shape)} from checkpoint, "
                    f"the shape in current model is {member.shape}."
                )
            else:
                copy = functools.partial(_take, store, name, value, local_metadata.get("assign_to_params_buffers"))
                copy() if copies is None else copies.append(copy)
        if type(self).set_extra_state is not Module.set_extra_state:
            known.add(EXTRA)
            if prefix + EXTRA in state_dict:
                copy = functools.partial(self.set_extra_state, state_dict[prefix + EXTRA])
                copy() if copies is None else copies.append(copy)
            elif strict:
                missing_keys.append(prefix + EXTRA)
        if strict:
            for key in state_dict:
                if key.startswith(prefix):
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in known or (dot and name not in self._modules):
                        unexpected_keys.append(key)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> LoadResult:
        """Copy values into the parameters and buffers by path; all that does not fit is said in one error.

        strict: also raise where a key is missing or unexpected. assign: take the tensors instead of copying them.
        The values may be tensors, NumPy arrays or PyTorch's tensors. Nothing is loaded if anything raises."""
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"load_state_dict: a dict of tensors by name is needed, got {type(state_dict).__name__}")
        versions, found = getattr(state_dict, "_metadata", {}), OrderedDict(state_dict)  # hooks may change the copy
        result = LoadResult([], [])
        problems: list[str] = []
        copies: list[Callable[[], Any]] = []
        loaded: list[Module] = []

        def load(module: Module, prefix: str) -> None:
            about = {**versions.get(prefix[:-1], {}), "copies": copies, "assign_to_params_buffers": assign}
            module._load_from_state_dict(found, prefix, about, True, *result, problems)
            for name, child in module._modules.items():
                if child is not None:
                    load(child, f"{prefix}{name}.")
            loaded.append(module)

        load(self, "")
        hooks = [(module, hook) for module in loaded for hook in module._load_state_dict_post_hooks.values()]

        def refuse() -> None:
            told = list(problems)
            for what, keys in (("Unexpected", result.unexpected_keys), ("Missing", result.missing_keys)):
                if strict and keys:
                    told.insert(0, f"{what} key(s) in state_dict: {', '.join(map(_quoted, keys))}.")
            if told:
                text = "\n\t".join((f"Error(s) in loading state_dict for {type(self).__name__}:", *told))
                raise RuntimeError(text)

        if problems or not hooks:  # hooks may still excuse keys, but not shapes
            refuse()
        with no_grad():
            for copy in copies:
                copy()
        for module, hook in hooks:
            if hook(module, result) is not None:
                raise RuntimeError("a load_state_dict post hook changes the lists in place and returns None")
        refuse()
        return result

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(module, prefix, keep_vars)` runs before this module's entries are written."""
        return add_hook(self._state_dict_pre_hooks, hook, False)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(module, state_dict, prefix, local_metadata)` runs after its entries and its children's are there."""
        return add_hook(self._state_dict_hooks, hook, False)

    _register_state_dict_hook = register_state_dict_post_hook

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(module, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)`

        runs before this module reads its entries. It may change the dict, for one by renaming keys of older files."""
        return add_hook(self._load_state_dict_pre_hooks, _ModuleFirst(self, hook), False)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], with_module: bool = False
    ) -> RemovableHandle:
        return add_hook(self._load_state_dict_pre_hooks, _ModuleFirst(self, hook) if with_module else hook, False)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """`hook(module, incompatible_keys)` runs after loading; it may change the lists of keys in place."""
        return add_hook(self._load_state_dict_post_hooks, hook, False)

    _optional_keys: frozenset[str] = frozenset()  # what a state dict may lack without being called incomplete

    # ---- how it prints

    def extra_repr(self) -> str:
        """What stands between the brackets of a layer's repr."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        extra = self.extra_repr().split("\n") if self.extra_repr() else []
        children = [f"({name}): {indented(repr(module))}" for name, module in self._modules.items()]
        if not children and len(extra) <= 1:
            return f"{self._get_name()}({''.join(extra)})"
        return f"{self._get_name()}(\n  " + "\n  ".join(extra + children) + "\n)"


EXTRA = "_extra_state"


class _ModuleFirst:
    """A hook that is given its module first; a copy of the module has a copy of it."""

    def __init__(self, module: Module, hook: Callable[..., Any]) -> None:
        self.module, self.hook = module, hook

    def __call__(self, *args: Any) -> Any:
        return self.hook(self.module, *args)


def _take(store: dict[str, Any], name: str, value: Any, assign: bool | None) -> None:
    """Copy a value into a parameter or a buffer, or with `assign` put it in its place."""
    member, tensor = store[name], value if isinstance(value, Tensor) else as_tensor(value)
    if is_lazy(member) and not assign:
        member.materialize(tuple(tensor.shape))
    if not assign:
        member.copy_(tensor)
    elif not isinstance(member, Parameter) or isinstance(tensor, Parameter):
        store[name] = tensor
    else:
        store[name] = Parameter(tensor, member.requires_grad)


def zero_grads(parameters: Any, set_to_none: bool) -> None:
    for parameter in parameters:
        if parameter.grad is not None:
            if set_to_none:
                parameter.grad = None
            else:
                with no_grad():
                    parameter.grad = parameter.grad.detach()
                    parameter.grad.zero_()


def _destination(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """(device or None, dtype or None) of the arguments of `to`."""
    where, dtype = kwargs.pop("device", None), kwargs.pop("dtype", None)
    tensor = kwargs.pop("tensor", None)
    kwargs.pop("non_blocking", None)
    kwargs.pop("memory_format", None)
    if kwargs:
        raise TypeError(f"Module.to: unexpected argument {next(iter(kwargs))!r}")
    for value in args:
        if isinstance(value, Tensor):
            tensor = value
        elif isinstance(value, Device) or (isinstance(value, str) and not _is_dtype(value)):
            where = value
        elif isinstance(value, int) and not isinstance(value, bool):
            where = value
        elif value is not None and not isinstance(value, bool):  # a bool is non_blocking
            dtype = value
    if tensor is not None:
        where, dtype = tensor.device, tensor.dtype
    return None if where is None else Device(where), None if dtype is None else check_dtype(dtype, "Module.to")


def _is_dtype(name: str) -> bool:
    return name.rstrip("0123456789") in ("float", "int", "uint", "bool")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _quoted(key: str) -> str:
    return f'"{key}"'


def _kind(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} itself (make one: {value.__name__}(...))"
    return f"'{type(value).__name__}'" + (f" {describe(value)}" if isinstance(value, Tensor) else "")


MEMBERS: tuple[tuple[type, str, str], ...] = (  # what registers itself when assigned, where, and its name in errors
    (Parameter, "_parameters", "parameters"),
    (Module, "_modules", "module"),
    (Buffer, "_buffers", "buffers"),
)


# ---- hooks of every module


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, args)` runs before every module's own pre-hooks."""
    return add_hook(_pre, (hook, False), False)


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """`hook(module, args, output)` runs after every module's forward, before the module's own hooks."""
    return add_hook(_post, (hook, with_kwargs, always_call), False)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, grad_output)` for every module."""
    return add_hook(_back_pre, hook, False)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, grad_input, grad_output)` for every module."""
    return add_hook(_back, hook, False)


def register_module_parameter_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, name, parameter)` where a parameter is registered; what it returns, unless None, is registered."""
    return add_hook(EVERYWHERE["parameter"], hook, False)


def register_module_buffer_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, name, buffer)` where a buffer is registered; what it returns, unless None, is registered."""
    return add_hook(EVERYWHERE["buffer"], hook, False)


def register_module_module_registration_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """`hook(module, name, child)` where a module is registered; what it returns, unless None, is registered."""
    return add_hook(EVERYWHERE["module"], hook, False)
