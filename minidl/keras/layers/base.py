"""Layer: a Module that finds its shapes at the first call, takes channels last and speaks Keras."""

import inspect
import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...api import as_tensor
from ...autograd import Tensor, no_grad
from ...nn import Buffer, Module, Parameter
from .. import initializers, regularizers
from ..config import Configured
from ..graph import KerasTensor, connect, flat, is_symbolic, mapped
from ..masks import mask_of, put_mask

_names: Counter[str] = Counter()


class _Phase(threading.local):
    training = False


_phase = _Phase()


@contextmanager
def phase(training: bool) -> Iterator[None]:
    """Layers called within train, or do not: dropout drops, batch normalisation uses the batch's statistics."""
    before, _phase.training = _phase.training, training
    try:
        yield
    finally:
        _phase.training = before


def name_for(cls: type) -> str:
    """conv2d, conv2d_1, …: a name that no layer has had yet."""
    base = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()
    _names[base] += 1
    return base if _names[base] == 1 else f"{base}_{_names[base] - 1}"


def forget_names() -> None:
    """Begin to number the layers anew."""
    _names.clear()


class Weight(Parameter):
    """A learned weight; `numpy()` and `assign()` need no no_grad, as in Keras."""

    def numpy(self, *args: Any, **kwargs: Any) -> Any:
        return self.detach().numpy(*args, **kwargs)

    def assign(self, value: Any) -> "Weight":
        """Take over values of the same shape."""
        return assigned(self, value)


class State(Buffer):
    """A weight that the layer keeps without learning it."""

    def assign(self, value: Any) -> "State":
        """Take over values of the same shape."""
        return assigned(self, value)


def assigned(t: Any, value: Any) -> Any:
    with no_grad():
        value = as_tensor(value, dtype=t.dtype, device=t.device)
        if value.shape != t.shape:
            raise ValueError(f"a weight of shape {tuple(t.shape)} cannot take values of shape {tuple(value.shape)}")
        return t.copy_(value)


class Layer(Configured, Module):
    """The base of all layers. A subclass writes `build(input_shape)`, which makes the weights with `add_weight`, and
    `call(inputs)`, with an argument `training` or `mask` where it wants to know.

    name: shown in summaries and errors. trainable: are its weights learned?
    input_shape: of one example, without the batch's axis; for the first layer of a Sequential."""

    supports_masking = False  # does the output's mask equal the input's?
    takes_integers = False  # others see floats
    takes_axes: tuple[int, ...] = ()  # how many axes the input has, if that is settled
    axes_are = ""

    def __init__(
        self, *, name: str | None = None, trainable: bool = True, input_shape: Any = None, dtype: Any = None,
        batch_input_shape: Any = None, batch_shape: Any = None, input_dim: int | None = None, **unknown: Any,
    ) -> None:  # fmt: skip
        super().__init__()
        if unknown:
            raise TypeError(f"{type(self).__name__} does not know the argument {next(iter(unknown))!r}")
        if name is not None and (not name or "." in name):
            raise ValueError(f"{type(self).__name__}: a layer's name has at least a letter and no dots, got {name!r}")
        full = batch_shape if batch_shape is not None else batch_input_shape
        shape = (input_dim,) if input_dim is not None else full[1:] if full is not None else input_shape
        self.name = name or name_for(type(self))
        self.built = False
        self.given_shape = None if shape is None else tuple(shape if hasattr(shape, "__iter__") else (shape,))
        self.nodes: list[Any] = []
        self.__dict__["_trainable"] = trainable
        self.__dict__["_penalties"] = []  # (weight, regularizer)
        parameters = inspect.signature(self.call).parameters
        self.__dict__["_takes"] = {word for word in ("training", "mask") if word in parameters}

    # ---- what a subclass says

    def build(self, input_shape: Any) -> None:
        """Make the weights, given the shape (or shapes) of the input, None for the batch's axis."""

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """What the layer computes."""
        raise NotImplementedError(f"{type(self).__name__} has no call: define `def call(self, inputs)` in the class")

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The output's mask, given the input's."""
        return mask if self.supports_masking else None

    # ---- the call

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        if not args and "inputs" in kwargs:
            args = (kwargs.pop("inputs"),)
        if is_symbolic(args, kwargs):
            return connect(self, args, kwargs)
        training = kwargs.pop("training", None)
        args = mapped(self._tensor, args)
        self.build_for(mapped(lambda t: (None, *t.shape[1:]) if isinstance(t, Tensor) else t, args), args)
        with phase(_phase.training if training is None else bool(training)):
            if "training" in self._takes:
                kwargs["training"] = _phase.training
            mask = kwargs.get("mask")
            if mask is None and args:
                mask = mapped(mask_of, args[0])
            known = any(m is not None for m in flat(mask))
            if known and "mask" in self._takes:
                kwargs["mask"] = mask
            elif known and not self.supports_masking and not hasattr(self, "layers"):
                warnings.warn(
                    f"{self.titled} takes no mask, so from here on the steps that mask_zero or Masking hid count",
                    stacklevel=2,
                )
                known = False
            y = super().__call__(*args, **kwargs)
        if known and isinstance(first := next(flat(y)), Tensor) and mask_of(first) is None:
            put_mask(first, self.compute_mask(args[0], mask))
        return y

    __call__ = _run  # errors look for frames called __call__ to tell the path of a module, and Module's is one already

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.call(*args, **kwargs)

    @property
    def titled(self) -> str:
        """How errors speak of it: Layer 'conv2d' (Conv2D)."""
        return f"Layer {self.name!r} ({type(self).__name__})"

    def _tensor(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = as_tensor(value.astype("float32") if value.dtype == "float64" else value)
        if not isinstance(value, Tensor) or self.takes_integers or value.dtype.kind == "f":
            return value
        return value.to("float32")

    def build_for(self, shape: Any, args: Any = ()) -> None:
        """Make the weights if there are none yet; refuse shapes that do not fit."""
        shape = shape[0] if shape else None
        if self.takes_axes and isinstance(shape, tuple) and len(shape) not in self.takes_axes:
            extra = len(shape) == min(self.takes_axes) - 1
            raise ValueError(
                f"{self.titled} expects input {self.axes_are}, {' or '.join(map(str, self.takes_axes))} axes; "
                f"got {shape}" + (": an axis is missing, that of the batch or of the channels" if extra else "")
            )
        if not self.built:
            self.build(shape)
            self.__dict__["built_for"] = shape
            self.built = True

    def add_weight(
        self, *args: Any, shape: Any = (), initializer: Any = "glorot_uniform", dtype: Any = None,
        trainable: bool = True, regularizer: Any = None, name: str | None = None,
    ) -> Any:  # fmt: skip
        """A weight of the layer, learned or not. Positional: (name, shape) or (shape, initializer)."""
        if args and isinstance(args[0], str):
            name, *args = args  # type: ignore[assignment]
        if args:
            shape, *args = args  # type: ignore[assignment]
        if args:
            initializer = args[0]
        values = initializers.get(initializer)(tuple(shape), dtype=dtype or "float32")
        made: Any = Weight(values) if trainable else State(values)
        if name and name not in self._parameters and name not in self._buffers and not hasattr(self, name):
            setattr(self, name, made)
        if regularizer is not None:
            self._penalties.append((made, regularizers.get(regularizer)))
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "trainable":
            object.__setattr__(self, name, value)  # the property below; Module would see a plain attribute
            return
        super().__setattr__(name, value)
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, Layer) for item in value):
            for k, item in enumerate(value):  # what stands in a list is learned too
                self.register_module(f"{name}_{k}", item)

    # ---- what is inside

    def inner_layers(self) -> "list[Layer]":
        """All layers inside this one, at any depth."""
        return [m for m in self.modules() if isinstance(m, Layer) and m is not self]

    @property
    def trainable(self) -> bool:
        """Are the weights learned? Setting it sets it for all layers inside; a compiled model asks at `compile`."""
        return self.__dict__["_trainable"]

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in (self, *self.inner_layers()):
            layer.__dict__["_trainable"] = bool(value)

    @property
    def weights(self) -> list[Any]:
        """All weights, in Keras's order: the layer's own, learned before kept, then those of the layers inside."""
        found = [t for m in self.modules() for store in (m._parameters, m._buffers) for t in store.values()]
        return list({id(t): t for t in found if t is not None}.values())

    variables = weights

    @property
    def trainable_weights(self) -> list[Any]:
        """The weights that are learned."""
        return _learned(self, True, {})

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The others: frozen ones, running statistics."""
        learned = {id(t) for t in self.trainable_weights}
        return [t for t in self.weights if id(t) not in learned]

    non_trainable_variables = non_trainable_weights

    def get_weights(self) -> list[Any]:
        """Copies of all weights as NumPy arrays, in Keras's shapes and order."""
        return [t.detach().cpu().numpy().copy() for t in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Take over weights in the shapes and the order of get_weights."""
        own, given = self.weights, list(weights)
        if len(own) != len(given):
            raise ValueError(
                f"{self.titled} has {len(own)} weights and was given {len(given)}"
                + ("" if self.built else "; it has not been built: call it once, or say its input shape")
            )
        for k, (t, values) in enumerate(zip(own, given)):
            if tuple(t.shape) != np.shape(values):
                raise ValueError(f"{self.titled}: weight {k} has shape {tuple(t.shape)}, was given {np.shape(values)}")
        for t, values in zip(own, given):
            assigned(t, values)

    def count_params(self) -> int:
        """How many numbers the weights hold."""
        if not self.built:
            raise ValueError(f"{self.titled} has no weights yet: call it once, or say its input shape")
        return sum(t.numel() for t in self.weights)

    @property
    def losses(self) -> list[Any]:
        """What the regularizers ask to be added to the loss."""
        layers = [self, *self.inner_layers()]
        return [penalty(w) for layer in layers for w, penalty in layer._penalties]

    @property
    def input(self) -> Any:
        """What the layer was called on in the functional form."""
        found = self._last_node().inputs
        return found[0] if len(found) == 1 else found

    @property
    def output(self) -> Any:
        """What the layer's last call in the functional form returned."""
        return self._last_node().result

    def _last_node(self) -> Any:
        if not self.nodes:
            raise AttributeError(f"{self.titled} has not been called on an Input yet")
        return self.nodes[-1]

    @property
    def input_shape(self) -> Any:
        """The shape of the input, None for the batch's axis."""
        return self.input.shape if self.nodes else self.__dict__.get("built_for")

    @property
    def output_shape(self) -> Any:
        """The shape of the output, None for the batch's axis."""
        return mapped(lambda t: t.shape, self.output)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output for a shape of the input."""
        return mapped(lambda t: t.shape, connect(self, (KerasTensor(input_shape),), {}))

    def extra_repr(self) -> str:
        return f"name={self.name!r}, built={self.built}"


def _learned(module: Any, above: bool, seen: dict[int, Any]) -> list[Any]:
    above = above and getattr(module, "trainable", True)
    if above:
        seen.update({id(p): p for p in module._parameters.values() if p is not None and p.requires_grad})
    for inner in module._modules.values():
        if inner is not None:
            _learned(inner, above, seen)
    return list(seen.values())


def pair(value: Any, n: int, what: str, layer: str) -> tuple[int, ...]:
    """A whole number for each of n axes."""
    found = tuple(value) if hasattr(value, "__iter__") else (value,) * n
    if len(found) != n or not all(isinstance(k, int) and k > 0 for k in found):
        raise ValueError(f"{layer}: {what} is a positive whole number or {n} of them, got {value!r}")
    return found
