"""Sequences of different lengths: packed, so that no step computes padding, or padded to one length."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ...api import as_tensor, cat, full, tensor
from ...autograd import Tensor
from ...errors import refusal


class _Packed(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Packed):
    """Sequences laid step by step: the rows of step 0 of all of them, of step 1 of those that have one, …

    data (P, …): P rows in all   batch_sizes (T,), on the CPU: how many sequences have a step t; it never grows
    sorted_indices: which sequence each row of step 0 belongs to (the longest first), None where they came so;
    unsorted_indices: its inverse."""

    def __new__(
        cls,
        data: Tensor,
        batch_sizes: Any = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> "PackedSequence":
        if batch_sizes is None:  # older spelling: a pair
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> "PackedSequence":
        """The data moved or converted; the indices go with it to its device."""
        data = self.data.to(*args, **kwargs)
        moved = lambda t: None if t is None else t.to(device=data.device)
        return type(self)(data, self.batch_sizes, moved(self.sorted_indices), moved(self.unsorted_indices))

    def cpu(self) -> "PackedSequence":
        return self.to("cpu")

    def cuda(self, device: Any = None) -> "PackedSequence":
        return self.to("cuda" if device is None else device)

    def double(self) -> "PackedSequence":
        return self.to(dtype="float64")

    def float(self) -> "PackedSequence":
        return self.to(dtype="float32")

    def half(self) -> "PackedSequence":
        return self.to(dtype="float16")

    def long(self) -> "PackedSequence":
        return self.to(dtype="int64")

    def int(self) -> "PackedSequence":
        return self.to(dtype="int32")

    @property
    def is_cuda(self) -> bool:
        return self.data.device.type == "cuda"

    def is_pinned(self) -> bool:
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """q with q[p[k]] = k."""
    return None if permutation is None else permutation.argsort()


def _lengths(lengths: Any, batch: int, steps: int) -> list[int]:
    """The lengths as numbers, each between 1 and the number of steps."""
    found = [int(n) for n in (lengths.tolist() if hasattr(lengths, "tolist") else lengths)]
    if len(found) != batch:
        raise refusal(
            RuntimeError, "pack_padded_sequence",
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(found)} (batch_size={batch})",
        )  # fmt: skip
    if any(n <= 0 for n in found):
        raise refusal(
            RuntimeError, "pack_padded_sequence",
            f"Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0: {found}",
        )  # fmt: skip
    if found and max(found) > steps:
        raise refusal(RuntimeError, "pack_padded_sequence", f"length {max(found)} exceeds the input's {steps} steps")
    return found


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The sequences in input (T, B, …), or (B, T, …) with batch_first, of which the first `lengths` steps count.

    enforce_sorted: the longest come first already; if not, sorted_indices says how they were put in order."""
    if batch_first:
        input = input.transpose(0, 1)
    T, B = input.shape[:2]
    long = _lengths(lengths, B, T)
    if not long:
        raise refusal(RuntimeError, "pack_padded_sequence", "Cannot pack empty tensors.", input=input)
    order = None
    if not enforce_sorted:
        order = sorted(range(B), key=lambda k: -long[k])  # sorted() is stable, so ties stay in order
        long = [long[k] for k in order]
    elif any(n < m for n, m in zip(long, long[1:])):
        raise refusal(
            RuntimeError, "pack_padded_sequence",
            f"`lengths` array must be sorted in decreasing order when `enforce_sorted` is True, got {long}; "
            "enforce_sorted=False sorts them",
        )  # fmt: skip
    sizes = [sum(n > t for n in long) for t in range(long[0])]
    rows = [t * B + (k if order is None else order[k]) for t, n in enumerate(sizes) for k in range(n)]
    data = input.reshape(T * B, *input.shape[2:])[tensor(rows, device=input.device)]
    sorted_indices = None if order is None else tensor(order, device=input.device)
    return PackedSequence(data, tensor(sizes), sorted_indices)


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """(padded (T, B, …), or (B, T, …) with batch_first; lengths (B,)): the inverse of pack_padded_sequence."""
    sizes = [int(n) for n in sequence.batch_sizes.tolist()]
    T, B, data = len(sizes), sizes[0], sequence.data
    if total_length is not None:
        if total_length < T:
            raise refusal(
                ValueError, "pad_packed_sequence",
                f"Expected total_length to be at least the length of the longest sequence in input, "
                f"but got total_length={total_length} and max sequence length being {T}",
            )  # fmt: skip
        T = total_length
    place = {k: k for k in range(B)}  # where each sequence stands among the packed ones
    if sequence.unsorted_indices is not None:
        place = dict(enumerate(sequence.unsorted_indices.tolist()))
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    nothing = data.shape[0]  # the row of padding, put behind the others
    row = lambda t, k: starts[t] + place[k] if t < len(sizes) and place[k] < sizes[t] else nothing
    steps = [(t, k) for t in range(T) for k in range(B)]
    padding = full((1, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    index = tensor([row(t, k) for t, k in steps], device=data.device)
    padded = cat([data, padding])[index].reshape(T, B, *data.shape[1:])
    lengths = tensor([sum(n > place[k] for n in sizes) for k in range(B)])
    return padded.transpose(0, 1) if batch_first else padded, lengths


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences of shapes (Lᵢ, …) as one tensor (T, B, …), or (B, T, …) with batch_first, T the longest length."""
    if not isinstance(sequences, Iterable):
        raise refusal(RuntimeError, "pad_sequence", f"an iterable of tensors is expected, got {sequences!r}")
    sequences = [as_tensor(s) for s in sequences]
    if not sequences:
        raise refusal(RuntimeError, "pad_sequence", "received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise refusal(RuntimeError, "pad_sequence", f"padding_side is 'left' or 'right', got {padding_side!r}")
    T = max(s.shape[0] for s in sequences)
    first, long = sequences[0], []
    for s in sequences:
        if s.shape[1:] != first.shape[1:]:
            raise refusal(RuntimeError, "pad_sequence", "all axes but the first must agree", first=first, other=s)
        padding = full((T - s.shape[0], *s.shape[1:]), padding_value, dtype=first.dtype, device=first.device)
        long.append(cat([padding, s] if padding_side == "left" else [s, padding]))
    whole = cat(long).reshape(len(long), T, *first.shape[1:])
    return whole if batch_first else whole.transpose(0, 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The sequences as a list, each of its own length: the inverse of pad_sequence."""
    whole = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [whole[k, : int(n)] for k, n in enumerate(lengths.tolist() if hasattr(lengths, "tolist") else lengths)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences of shapes (Lᵢ, …), packed."""
    sequences = list(sequences)
    return pack_padded_sequence(pad_sequence(sequences), [s.shape[0] for s in sequences], False, enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences as a list: the inverse of pack_sequence."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences))
