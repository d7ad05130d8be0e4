"""Layers around a layer."""

from typing import Any

from ...api import cat
from ...autograd import Tensor
from .base import Layer
from .recurrent import Recurrent


class Bidirectional(Layer):
    """A recurrent layer and its mirror image, which reads from the end; both outputs step by step.

    merge_mode: "concat", "sum", "mul", "ave", or None for both apart. Weights: those forwards, then those backwards."""

    MODES = ("concat", "sum", "mul", "ave", None)

    def __init__(
        self, layer: Layer, merge_mode: str | None = "concat", backward_layer: Any = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("input_shape", getattr(layer, "given_shape", None))
        super().__init__(**kwargs)
        if not isinstance(layer, Recurrent):
            raise ValueError(f"Bidirectional: a recurrent layer is expected, got {layer!r}")
        if merge_mode not in self.MODES:
            raise ValueError(f"Bidirectional: merge_mode is one of {self.MODES}, got {merge_mode!r}")
        self.merge_mode = merge_mode
        config = {**layer.get_config(), "go_backwards": not layer.go_backwards, "name": f"backward_{layer.name}"}
        self.forward_layer = layer
        self.backward_layer = layer.from_config(config) if backward_layer is None else backward_layer
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state

    def build(self, input_shape: Any) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            layer.build_for((input_shape,))

    def call(self, inputs: Tensor, initial_state: Any = None, mask: Any = None) -> Any:
        halves: list[Any] = [None, None]
        if initial_state is not None:
            n = len(initial_state) // 2
            halves = [initial_state[:n], initial_state[n:]]
        pairs = zip((self.forward_layer, self.backward_layer), halves)
        results = [layer(inputs, initial_state=half, mask=mask) for layer, half in pairs]
        states = [state for result in results for state in result[1:]] if self.return_state else []
        one, other = (result[0] for result in results) if self.return_state else results
        if self.return_sequences:
            other = other.flip(1)
        y = self.merged(one, other)
        return [y, *states] if self.return_state else y

    def merged(self, one: Tensor, other: Tensor) -> Any:
        if self.merge_mode == "concat":
            return cat([one, other], dim=-1)
        if self.merge_mode is None:
            return [one, other]
        if self.merge_mode == "mul":
            return one * other
        return one + other if self.merge_mode == "sum" else (one + other) / 2

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask if self.return_sequences else None


class TimeDistributed(Layer):
    """A layer applied to every step by itself        x (batch, steps, …)   →   y (batch, steps, …)"""

    supports_masking = True

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"TimeDistributed: a layer is expected, got {layer!r}")
        self.layer = layer
        self.takes_integers = layer.takes_integers

    def build(self, input_shape: Any) -> None:
        if len(input_shape) < 3:
            raise ValueError(f"{self.titled} expects input (batch, steps, …), got {input_shape}")
        self.layer.build_for(((None, *input_shape[2:]),))

    def call(self, inputs: Tensor) -> Tensor:
        B, T, *rest = inputs.shape
        y = self.layer(inputs.reshape(B * T, *rest))
        return y.reshape(B, T, *y.shape[1:])
