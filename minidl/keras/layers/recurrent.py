"""Recurrent layers in Keras's shapes: kernel (in, gates · n), recurrent_kernel (n, gates · n), bias.

With the usual activations and no mask a whole sequence is one op, as in nn; else the same equations step by step."""

from typing import Any

from ...api import cat, stack, where, zeros
from ...autograd import OPS, Tensor
from ...nn import functional as F
from .. import activations
from .base import Layer
from .core import check_last, check_units, dropped, last_of


class Recurrent(Layer):
    """What SimpleRNN, LSTM and GRU share.

    return_sequences: every step's output, not only the last. return_state: the last states as well.
    go_backwards: the last step first. dropout, recurrent_dropout: of input and state, one mask for all steps.
    A mask (batch, steps) leaves the states of hidden steps as they were."""

    gates = 1
    states = 1
    takes_axes, axes_are = (3,), "(batch, steps, features)"

    def __init__(
        self, units: int, activation: Any = "tanh", use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None, bias_regularizer: Any = None, dropout: float = 0.0,
        recurrent_dropout: float = 0.0, return_sequences: bool = False, return_state: bool = False,
        go_backwards: bool = False, stateful: bool = False, unroll: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        check_units(self, units)
        if stateful:
            name = type(self).__name__
            raise NotImplementedError(f"{name}: stateful=True is not there; pass initial_state=, return_state=True")
        self.units, self.use_bias, self.activation = units, use_bias, activations.get(activation)
        self.kernel_initializer, self.recurrent_initializer = kernel_initializer, recurrent_initializer
        self.bias_initializer, self.kernel_regularizer = bias_initializer, kernel_regularizer
        self.recurrent_regularizer, self.bias_regularizer = recurrent_regularizer, bias_regularizer
        self.dropout, self.recurrent_dropout = dropout, recurrent_dropout
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards

    def build(self, input_shape: Any) -> None:
        n, rows = last_of(self, input_shape), self.gates * self.units
        self.kernel = self.add_weight((n, rows), self.kernel_initializer, regularizer=self.kernel_regularizer)
        self.recurrent_kernel = self.add_weight(
            (self.units, rows), self.recurrent_initializer, regularizer=self.recurrent_regularizer
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(self.bias_shape(), self.bias_initializer, regularizer=self.bias_regularizer)

    def bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    # ---- what a subclass says

    def whole(self, rows: Tensor, states: list[Tensor], sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
        """All steps as one op: the rows of all outputs, and the last states."""
        raise NotImplementedError

    def is_usual(self) -> bool:
        """Is there one op for these activations?"""
        return False

    def projected(self, x: Tensor) -> Tensor:
        """What the input adds to the gates, for all steps at once."""
        return F.linear(x, self.kernel.T, self.bias)

    def step(self, a: Tensor, states: list[Tensor], h: Tensor) -> list[Tensor]:
        """The states after a step, the output first; h is the output before, perhaps thinned by dropout."""
        raise NotImplementedError

    # ---- the call

    def call(self, inputs: Tensor, initial_state: Any = None, training: bool = False, mask: Any = None) -> Any:
        check_last(self, inputs, self.kernel.shape[0])
        if isinstance(inputs, (list, tuple)):
            raise TypeError(f"{self.titled}: pass the states by name, initial_state=[…]")
        B, T, I = inputs.shape
        if T == 0:
            raise ValueError(f"{self.titled}: sequences of at least one step are expected, got {tuple(inputs.shape)}")
        states = self.start(inputs, initial_state)
        if training and self.dropout:
            inputs = dropped(inputs, self.dropout, (B, 1, I))
        x = inputs.transpose(0, 1)  # (T, B, I)
        if mask is None and self.is_usual() and not (training and self.recurrent_dropout):
            rows, *states = self.whole(x.reshape(T * B, I), states, (B,) * T)
            y = rows.reshape(T, B, self.units)
            y = y.flip(0) if self.go_backwards else y
        else:
            y, states = self.stepped(x, states, training, mask)
        y = y.transpose(0, 1) if self.return_sequences else states[0]
        return [y, *states] if self.return_state else y

    def start(self, x: Tensor, given: Any) -> list[Tensor]:
        if given is None:
            return [zeros(x.shape[0], self.units, dtype=x.dtype, device=x.device) for _ in range(self.states)]
        found = list(given) if isinstance(given, (list, tuple)) else [given]
        if len(found) != self.states or any(tuple(t.shape) != (x.shape[0], self.units) for t in found):
            shapes = [tuple(t.shape) for t in found]
            raise ValueError(
                f"{self.titled}: {self.states} initial states {(x.shape[0], self.units)} are expected, got {shapes}"
            )
        return found

    def stepped(self, x: Tensor, states: list[Tensor], training: bool, mask: Any) -> tuple[Tensor, list[Tensor]]:
        a, outs = self.projected(x), []
        thin = None
        if training and self.recurrent_dropout:
            thin = dropped(states[0] * 0 + 1, self.recurrent_dropout, states[0].shape)
        out = states[0] * 0  # before the first step that the mask shows
        for t in reversed(range(x.shape[0])) if self.go_backwards else range(x.shape[0]):
            new = self.step(a[t], states, states[0] if thin is None else states[0] * thin)
            if mask is None:
                out, states = new[0], new
            else:
                seen = mask[:, t].unsqueeze(-1)
                out = where(seen, new[0], out)
                states = [where(seen, after, before) for after, before in zip(new, states)]
            outs.append(out)
        return stack(outs), states

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return mask if self.return_sequences else None


class SimpleRNN(Recurrent):
    """h_t = φ(x_t K + h_{t−1} R + b)        (Elman 1990)

    x (batch, steps, in)   kernel K (in, n)   recurrent_kernel R (n, n)   bias b (n,)   →   y (batch, n)"""

    def is_usual(self) -> bool:
        return self.activation in (activations.tanh, activations.relu)

    def whole(self, rows: Tensor, states: list[Tensor], sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
        return OPS.rnn(
            rows, self.kernel.T, self.recurrent_kernel.T, *states, self.bias, sizes=sizes, reverse=self.go_backwards,
            relu=self.activation is activations.relu,
        )  # fmt: skip

    def step(self, a: Tensor, states: list[Tensor], h: Tensor) -> list[Tensor]:
        return [self.activation(a + h @ self.recurrent_kernel)]


class Gated(Recurrent):
    """What LSTM and GRU share: another activation, that of the gates."""

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(units, activation, *args, **kwargs)
        self.recurrent_activation = activations.get(recurrent_activation)

    def is_usual(self) -> bool:
        return self.activation is activations.tanh and self.recurrent_activation is activations.sigmoid


class LSTM(Gated):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)

        i, f, o = σ(x_t K_i + h_{t−1} R_i + b_i), …        c_t = f ⊙ c_{t−1} + i ⊙ φ(x_t K_c + h_{t−1} R_c + b_c)
        h_t = o ⊙ φ(c_t)

    kernel (in, 4n), recurrent_kernel (n, 4n), bias (4n,): of i, f, c, o. unit_forget_bias: b_f starts at 1"""

    gates, states = 4, 2

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", unit_forget_bias: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, **kwargs,
        )  # fmt: skip
        self.unit_forget_bias = unit_forget_bias

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if self.bias is not None and self.unit_forget_bias:
            self.bias.detach()[self.units : 2 * self.units] = 1.0

    def whole(self, rows: Tensor, states: list[Tensor], sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
        return OPS.lstm(
            rows, self.kernel.T, self.recurrent_kernel.T, *states, self.bias, None, sizes=sizes,
            reverse=self.go_backwards,
        )  # fmt: skip

    def step(self, a: Tensor, states: list[Tensor], h: Tensor) -> list[Tensor]:
        gate, n = self.recurrent_activation, self.units
        a = a + h @ self.recurrent_kernel
        i, f, o = gate(a[:, :n]), gate(a[:, n : 2 * n]), gate(a[:, 3 * n :])
        c = f * states[1] + i * self.activation(a[:, 2 * n : 3 * n])
        return [o * self.activation(c), c]


class GRU(Gated):
    """Gated recurrent units (Cho et al. 2014)

        z, r = σ(x_t K_z + h_{t−1} R_z + b_z), …        h_t = z ⊙ h_{t−1} + (1 − z) ⊙ n
        n = φ(x_t K_n + b_n + r ⊙ (h_{t−1} R_n + d_n)), or with reset_after=False φ(x_t K_n + b_n + (r ⊙ h_{t−1}) R_n)

    kernel (in, 3n), recurrent_kernel (n, 3n): of z, r, n. bias (2, 3n): b and d; (3n,) without reset_after"""

    gates = 3

    def __init__(
        self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros", reset_after: bool = True, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, **kwargs,
        )  # fmt: skip
        self.reset_after = reset_after

    def bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def is_usual(self) -> bool:
        return super().is_usual() and self.reset_after

    def whole(self, rows: Tensor, states: list[Tensor], sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
        b, d = (None, None) if self.bias is None else (self.turned(self.bias[0]), self.turned(self.bias[1]))
        w, u = self.turned(self.kernel).T, self.turned(self.recurrent_kernel).T
        return OPS.gru(rows, w, u, *states, b, d, sizes=sizes, reverse=self.go_backwards)

    def turned(self, t: Tensor) -> Tensor:
        """From the order z r n to the op's, r z n."""
        n = self.units
        return cat([t[..., n : 2 * n], t[..., :n], t[..., 2 * n :]], dim=-1)

    def projected(self, x: Tensor) -> Tensor:
        b = self.bias[0] if self.bias is not None and self.reset_after else self.bias
        return F.linear(x, self.kernel.T, b)

    def step(self, a: Tensor, states: list[Tensor], h: Tensor) -> list[Tensor]:
        gate, n, R = self.recurrent_activation, self.units, self.recurrent_kernel
        if self.reset_after:
            s = F.linear(h, R.T, None if self.bias is None else self.bias[1])
            z, r = gate(a[:, :n] + s[:, :n]), gate(a[:, n : 2 * n] + s[:, n : 2 * n])
            new = self.activation(a[:, 2 * n :] + r * s[:, 2 * n :])
        else:
            z, r = gate(a[:, :n] + h @ R[:, :n]), gate(a[:, n : 2 * n] + h @ R[:, n : 2 * n])
            new = self.activation(a[:, 2 * n :] + (r * h) @ R[:, 2 * n :])
        return [z * states[0] + (1 - z) * new]
