"""Recurrent networks: layers that run over whole sequences, and cells that take one step."""

import math
import warnings
from typing import Any

from ..api import cat, empty, stack, zeros
from ..api.arguments import guarded
from ..autograd import OPS, Tensor
from ..errors import refusal
from . import functional as F
from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers and directions, the weights' names, packed and unbatched input."""

    gates: int
    mode: str

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if mode not in GATES:
            raise ValueError(f"{name}: the mode is one of {', '.join(GATES)}, got {mode!r}")
        if isinstance(dropout, bool) or not 0 <= dropout <= 1:
            raise ValueError(f"{name}: dropout should be a number in range [0, 1], got {dropout!r}")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                f"{name}: dropout acts between layers, so non-zero dropout expects num_layers greater than 1; "
                f"got dropout={dropout} and num_layers=1",
                stacklevel=3,
            )
        for what, size in (("input_size", input_size), ("hidden_size", hidden_size), ("num_layers", num_layers)):
            if not isinstance(size, int):
                raise TypeError(f"{name}: {what} should be of type int, got: {type(size).__name__}")
            if size <= 0:
                raise ValueError(f"{name}: {what} must be greater than zero, got {size}")
        for what, flag in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name}: {what} should be of type bool, got: {type(flag).__name__}")
        if not 0 <= proj_size < hidden_size:
            raise ValueError(f"{name}: proj_size should be from 0 (off) to less than hidden_size, got {proj_size}")
        self.mode, self.gates = mode, GATES[mode]
        self.input_size, self.hidden_size, self.num_layers = input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        made = lambda *shape: Parameter(empty(shape, device=device, dtype=dtype))
        rows, out = self.gates * hidden_size, proj_size or hidden_size
        self._all_names: list[list[str]] = []  # those of each layer and direction
        for layer in range(num_layers):
            for suffix in self._suffixes(layer):
                wide = input_size if layer == 0 else out * (2 if bidirectional else 1)
                made_here = {f"weight_ih{suffix}": made(rows, wide), f"weight_hh{suffix}": made(rows, out)}
                if bias:
                    made_here |= {f"bias_ih{suffix}": made(rows), f"bias_hh{suffix}": made(rows)}
                if proj_size:
                    made_here |= {f"weight_hr{suffix}": made(proj_size, hidden_size)}
                for key, parameter in made_here.items():
                    self.register_parameter(key, parameter)
                self._all_names.append(list(made_here))
        self.reset_parameters()

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"] if self.bidirectional else [f"_l{layer}"]

    def reset_parameters(self) -> None:
        """Draw the parameters anew, uniform in ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing: elsewhere it lays the weights next to each other for a GPU's library."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_names]

    @property
    def _flat_weights(self) -> list[Parameter]:
        return [weight for weights in self.all_weights for weight in weights]

    # ---- the call

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        name = type(self).__name__
        if isinstance(input, PackedSequence):
            sizes = tuple(int(n) for n in input.batch_sizes.tolist())
            self._check_width(input.data)
            states = self._states(hx, input.data, sizes[0], input.sorted_indices)
            rows, ends = self._run(input.data, sizes, states)
            packed = PackedSequence(rows, input.batch_sizes, input.sorted_indices, input.unsorted_indices)
            return packed, self._ends(ends, input.unsorted_indices)
        if not isinstance(input, Tensor):
            raise refusal(TypeError, name, f"a tensor or a PackedSequence is expected, got {type(input).__name__}")
        if input.ndim not in (2, 3):
            raise refusal(ValueError, name, f"Expected input to be 2D or 3D, got {input.ndim}D instead", input=input)
        batched = input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        if batched and self.batch_first:
            x = x.transpose(0, 1)
        T, B, width = x.shape
        if T == 0:
            raise refusal(RuntimeError, name, "Expected sequence length to be larger than 0 in RNN", input=input)
        self._check_width(input)
        states = self._states(self._batched(hx, batched), x, B, None)
        rows, ends = self._run(x.reshape(T * B, width), (B,) * T, states)
        y, last = rows.reshape(T, B, rows.shape[-1]), self._ends(ends, None)
        if not batched:
            single = lambda t: t.squeeze(1)
            return single(y), tuple(map(single, last)) if isinstance(last, tuple) else single(last)
        return (y.transpose(0, 1) if self.batch_first else y), last

    def _check_width(self, x: Tensor) -> None:
        weight = self._flat_weights[0]
        if x.dtype != weight.dtype:
            reason = f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}); convert one with .to()"
            raise refusal(ValueError, type(self).__name__, reason, input=x)
        if x.shape[-1] != self.input_size:
            reason = (
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {x.shape[-1]}"
                + ("; batch_first says which of the other two axes is time" if x.ndim == 3 else "")
            )
            raise refusal(RuntimeError, type(self).__name__, reason, input=x)

    def _batched(self, hx: Any, batched: bool) -> Any:
        """The initial state with an axis for the batch."""
        if hx is None:
            return None
        for t in hx if isinstance(hx, (tuple, list)) else (hx,):
            if t.ndim != (3 if batched else 2):
                kind, axes = ("batched 3-D", 3) if batched else ("unbatched 2-D", 2)
                reason = f"For {kind} input, hx should also be {axes}-D but got {t.ndim}-D"
                raise refusal(RuntimeError, type(self).__name__, reason, hx=t)
        if batched:
            return hx
        return tuple(t.unsqueeze(1) for t in hx) if isinstance(hx, (tuple, list)) else hx.unsqueeze(1)

    def _state_sizes(self) -> list[int]:
        """How many numbers each of the states holds."""
        return [self.hidden_size]

    def _states(self, hx: Any, x: Tensor, B: int, order: Tensor | None) -> list[Tensor]:
        """The initial states (layers · directions, B, numbers), in the order of the rows; zeros where none is given."""
        deep, sizes = self.num_layers * (2 if self.bidirectional else 1), self._state_sizes()
        if hx is None:
            return [zeros(deep, B, n, dtype=x.dtype, device=x.device) for n in sizes]
        found = list(hx) if isinstance(hx, (tuple, list)) else [hx]
        if len(found) != len(sizes):
            reason = f"{'a pair (h_0, c_0)' if len(sizes) == 2 else 'one tensor h_0'} is expected as the initial state"
            raise refusal(RuntimeError, type(self).__name__, f"{reason}, got {len(found)}")
        for k, (t, n) in enumerate(zip(found, sizes)):
            if t.shape != (deep, B, n):
                reason = f"Expected hidden[{k}] size {(deep, B, n)}, got {tuple(t.shape)}"
                raise refusal(RuntimeError, type(self).__name__, reason)
        return found if order is None else [t[:, order] for t in found]

    def _ends(self, ends: list[list[Tensor]], order: Tensor | None) -> Any:
        """The last states of all layers, in the order in which the sequences came."""
        whole = [stack(states) for states in zip(*ends)]
        whole = whole if order is None else [t[:, order] for t in whole]
        return whole[0] if len(whole) == 1 else tuple(whole)

    def _run(self, x: Tensor, sizes: tuple[int, ...], states: list[Tensor]) -> tuple[Tensor, list[list[Tensor]]]:
        """All layers, one after the other: the last one's rows, and the last states of each layer and direction."""
        ends: list[list[Tensor]] = []
        for layer in range(self.num_layers):
            outs = []
            for suffix in self._suffixes(layer):
                start = [t[len(ends)] for t in states]
                y, *last = self._sweep(x, start, suffix, sizes=sizes, reverse=suffix.endswith("reverse"))
                outs.append(y)
                ends.append(last)
            x = outs[0] if len(outs) == 1 else cat(outs, dim=-1)
            if self.dropout and layer < self.num_layers - 1:
                x = F.dropout(x, self.dropout, self.training)
        return x, ends

    def _weights(self, suffix: str) -> tuple[Tensor, Tensor, Any, Any]:
        biases = [getattr(self, f"bias_{kind}{suffix}") if self.bias else None for kind in ("ih", "hh")]
        return getattr(self, f"weight_ih{suffix}"), getattr(self, f"weight_hh{suffix}"), *biases

    def _sweep(self, x: Tensor, states: list[Tensor], suffix: str, **how: Any) -> tuple[Tensor, ...]:
        """One layer in one direction: its rows and its last states."""
        w, u, b, d = self._weights(suffix)
        return OPS.rnn(x, w, u, *states, b + d if self.bias else None, relu=self.mode == "RNN_RELU", **how)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


class RNN(RNNBase):
    """h_t = φ(W_ih x_t + b_ih + W_hh h_{t−1} + b_hh)        φ = tanh or relu (Elman 1990)

    RNN(input_size, hidden_size, num_layers=1, nonlinearity="tanh", bias=True, batch_first=False, dropout=0.0,
    bidirectional=False). Layer k reads the outputs of layer k − 1, thinned by dropout in training.

    x (T, B, input_size), (B, T, …) with batch_first, (T, …) for one sequence, or a PackedSequence; h_0 (L · D, B, H)
    for L layers and D directions, zeros unless given   →   y (T, B, D · H): h_t of the last layer; h_T (L · D, B, H)
    Per layer and direction weight_ih (H, in), weight_hh (H, H), bias_ih, bias_hh (H,), uniform in ±1/√H."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        *args: Any,
        **kwargs: Any,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"RNN: Unknown nonlinearity {nonlinearity!r}. Select from 'tanh' or 'relu'.")
        if kwargs.pop("proj_size", 0):
            raise ValueError("RNN: proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997)

        i, f, o = σ(W_i x_t + b_i + U_i h_{t−1} + d_i), …        g = tanh(W_g x_t + b_g + U_g h_{t−1} + d_g)
        c_t = f ⊙ c_{t−1} + i ⊙ g        h_t = o ⊙ tanh c_t, times W_hr with proj_size (Sak et al. 2014)

    LSTM(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False,
    proj_size=0). Layer k reads the outputs of layer k − 1, thinned by dropout in training.

    x (T, B, input_size), (B, T, …) with batch_first, (T, …) for one sequence, or a PackedSequence; (h_0 (L · D, B, R),
    c_0 (L · D, B, H)), R = proj_size or H, zeros unless given   →   y (T, B, D · R), (h_T, c_T)
    Per layer and direction weight_ih (4H, in), weight_hh (4H, R), bias_ih, bias_hh (4H,), weight_hr (R, H): W, U, b, d
    of i, f, g, o one below the other, uniform in ±1/√H."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def _state_sizes(self) -> list[int]:
        return [self.proj_size or self.hidden_size, self.hidden_size]

    def _sweep(self, x: Tensor, states: list[Tensor], suffix: str, **how: Any) -> tuple[Tensor, ...]:
        w, u, b, d = self._weights(suffix)
        p = getattr(self, f"weight_hr{suffix}") if self.proj_size else None
        return OPS.lstm(x, w, u, *states, b + d if self.bias else None, p, **how)


class GRU(RNNBase):
    """Gated recurrent units (Cho et al. 2014)

        r = σ(W_r x_t + b_r + U_r h_{t−1} + d_r)        z = σ(W_z x_t + b_z + U_z h_{t−1} + d_z)
        n = tanh(W_n x_t + b_n + r ⊙ (U_n h_{t−1} + d_n))        h_t = (1 − z) ⊙ n + z ⊙ h_{t−1}

    The reset gate acts after the product with h, as in cuDNN and PyTorch; in the paper it acts before.
    GRU(input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False).

    x (T, B, input_size), (B, T, …) with batch_first, (T, …) for one sequence, or a PackedSequence; h_0 (L · D, B, H),
    zeros unless given   →   y (T, B, D · H), h_T (L · D, B, H)
    Per layer and direction weight_ih (3H, in), weight_hh (3H, H), bias_ih, bias_hh (3H,): W, U, b, d of r, z, n one
    below the other, uniform in ±1/√H."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if kwargs.pop("proj_size", 0):
            raise ValueError("GRU: proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def _sweep(self, x: Tensor, states: list[Tensor], suffix: str, **how: Any) -> tuple[Tensor, ...]:
        w, u, b, d = self._weights(suffix)
        return OPS.gru(x, w, u, *states, b, d, **how)


class RNNCellBase(Module):
    """What the cells share: two affine maps, of the input and of the state, and what they are given."""

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        made = lambda *shape: Parameter(empty(shape, device=device, dtype=dtype))
        rows = num_chunks * hidden_size
        self.weight_ih, self.weight_hh = made(rows, input_size), made(rows, hidden_size)
        self.register_parameter("bias_ih", made(rows) if bias else None)
        self.register_parameter("bias_hh", made(rows) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew, uniform in ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _gates(self, input: Tensor, h: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        """The affine maps of the input and of the state, and the state."""
        h = self._state(input, h)
        return F.linear(input, self.weight_ih, self.bias_ih), F.linear(h, self.weight_hh, self.bias_hh), h

    def _state(self, input: Tensor, h: Tensor | None) -> Tensor:
        name = type(self).__name__
        if input.ndim not in (1, 2):
            reason = f"Expected input to be 1D or 2D, got {input.ndim}D instead"
            raise refusal(ValueError, name, reason, input=input)
        if input.shape[-1] != self.input_size:
            reason = f"input has inconsistent input_size: got {input.shape[-1]}, expected {self.input_size}"
            raise refusal(RuntimeError, name, reason, input=input)
        shape = (*input.shape[:-1], self.hidden_size)
        if h is None:
            return zeros(shape, dtype=input.dtype, device=input.device)
        if h.shape != shape:
            kind = RuntimeError if h.ndim in (1, 2) else ValueError
            raise refusal(kind, name, f"a state {shape} is expected", input=input, hx=h)
        return h

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text + (f", nonlinearity={nonlinearity}" if nonlinearity != "tanh" else "")


class RNNCell(RNNCellBase):
    """h′ = φ(W_ih x + b_ih + W_hh h + b_hh)        φ = tanh or relu (Elman 1990)

    x (B, input_size) or (input_size,)   h (B, H) or (H,), zeros unless given   →   h′ like h
    weight_ih (H, input_size), weight_hh (H, H), bias_ih, bias_hh (H,), uniform in ±1/√H"""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    @guarded
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"RNNCell: Unknown nonlinearity: {self.nonlinearity}; 'tanh' and 'relu' are known")
        a, s, _ = self._gates(input, hx)
        return F.relu(a + s) if self.nonlinearity == "relu" else F.tanh(a + s)


class LSTMCell(RNNCellBase):
    """One step of long short-term memory (Hochreiter & Schmidhuber 1997)

        i, f, o = σ(W_i x + b_i + U_i h + d_i), …        g = tanh(W_g x + b_g + U_g h + d_g)
        c′ = f ⊙ c + i ⊙ g        h′ = o ⊙ tanh c′

    x (B, input_size) or (input_size,)   (h, c), each (B, H) or (H,), zeros unless given   →   (h′, c′)
    weight_ih (4H, input_size), weight_hh (4H, H), bias_ih, bias_hh (4H,), of i, f, g, o; uniform in ±1/√H"""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    @guarded
    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = (None, None) if hx is None else hx
        a, s, _ = self._gates(input, h)
        return OPS.lstm_cell(a + s, self._state(input, c))


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit (Cho et al. 2014)

        r = σ(W_r x + b_r + U_r h + d_r)        z = σ(W_z x + b_z + U_z h + d_z)
        n = tanh(W_n x + b_n + r ⊙ (U_n h + d_n))        h′ = (1 − z) ⊙ n + z ⊙ h

    x (B, input_size) or (input_size,)   h (B, H) or (H,), zeros unless given   →   h′ like h
    weight_ih (3H, input_size), weight_hh (3H, H), bias_ih, bias_hh (3H,), of r, z, n; uniform in ±1/√H"""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    @guarded
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return OPS.gru_cell(*self._gates(input, hx))
