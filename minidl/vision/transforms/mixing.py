"""Batches whose examples are mixtures of two, for which the labels become probabilities."""

from typing import Any

from ...autograd import Tensor, no_grad
from ...backend import default_generator
from ...errors import describe
from ...nn import Module
from ...nn import functional as F


class Mixing(Module):
    """What MixUp and CutMix share: a share λ ~ Beta(α, α), and each example's partner, the one before it in the batch.

    x (N, …), y (N) numbers of classes or (N, C) probabilities   →   x of the same shape, y (N, C)

    cross_entropy takes such y as they are. Call it on the batch, or let the loader do so:
    `DataLoader(..., collate_fn=lambda examples: mixup(*default_collate(examples)))`. λ is drawn from minidl's
    generator; what makes the partners random is the loader's shuffling."""

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None) -> None:
        super().__init__()
        if not alpha > 0:
            raise ValueError(f"{type(self).__name__}: alpha is a number above 0, got {alpha}")
        self.alpha, self.num_classes = float(alpha), num_classes

    @no_grad()
    def forward(self, *batch: Any) -> tuple[Tensor, Tensor]:
        who = type(self).__name__
        x, y = batch[0] if len(batch) == 1 else batch
        if x.ndim < 2 or len(y) != len(x):
            raise ValueError(f"{who}: x (N, …) and y (N) or (N, C) are needed, got {describe(x)} and {describe(y)}")
        if x.dtype.kind != "f":
            raise TypeError(f"{who}: x must be floats to be mixed, got {describe(x)}; x.float() / 255, for pictures")
        share = float(default_generator.numpy.beta(self.alpha, self.alpha))
        mixed, share = self.mix(x, x.roll(1, 0), share)
        y = self.probabilities(y).to(x.dtype)
        return mixed, share * y + (1 - share) * y.roll(1, 0)

    def mix(self, x: Tensor, other: Tensor, share: float) -> tuple[Tensor, float]:
        """The mixture, and the share of x that it came to have."""
        raise NotImplementedError

    def probabilities(self, y: Tensor) -> Tensor:
        if y.ndim == 2 and y.dtype.kind == "f":
            return y
        if y.ndim != 1 or y.dtype.kind not in "iu":
            raise ValueError(f"{type(self).__name__}: y is (N) integers or (N, C) probabilities, got {describe(y)}")
        if self.num_classes is None:
            raise ValueError(f"{type(self).__name__}: numbers of classes need num_classes=, how many there are")
        return F.one_hot(y.long(), self.num_classes)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}, num_classes={self.num_classes}"


class MixUp(Mixing):
    """Mix each example with its partner (Zhang, Cissé, Dauphin & Lopez-Paz 2018)

        x ← λ x + (1 − λ) x′        y ← λ y + (1 − λ) y′        λ ~ Beta(α, α)

    For what it takes and gives see Mixing."""

    def mix(self, x: Tensor, other: Tensor, share: float) -> tuple[Tensor, float]:
        return share * x + (1 - share) * other, share


class CutMix(Mixing):
    """Put a box of its partner into each picture (Yun et al. 2019)

    The box has 1 − λ of the area, its centre anywhere; what lies outside is lost, and λ becomes 1 − box / picture.
        y ← λ y + (1 − λ) y′        λ ~ Beta(α, α)

    For what it takes and gives see Mixing."""

    def mix(self, x: Tensor, other: Tensor, share: float) -> tuple[Tensor, float]:
        if x.ndim < 3:
            raise ValueError(f"CutMix: pictures (N, …, H, W) are needed, got {describe(x)}")
        H, W = x.shape[-2:]
        row, column = (int(default_generator.numpy.integers(n)) for n in (H, W))
        half = 0.5 * (1 - share) ** 0.5
        inside = lambda centre, n: slice(max(centre - int(half * n), 0), min(centre + int(half * n), n))
        rows, columns = inside(row, H), inside(column, W)
        mixed = x.clone()
        mixed[..., rows, columns] = other[..., rows, columns]
        return mixed, 1 - (rows.stop - rows.start) * (columns.stop - columns.start) / (H * W)
