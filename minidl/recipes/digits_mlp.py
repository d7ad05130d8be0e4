"""A feed-forward network reads the digits that come with scikit-learn: a recipe that runs everywhere in seconds."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..demo.digits import SPLIT
from ..models import MLP, MLPConfig
from .pictures import PictureRecipe


@dataclass
class DigitsMLP(PictureRecipe):
    epochs: int = 60
    batch: int = 32
    lr: float = 2e-3
    config: MLPConfig = field(default_factory=lambda: MLPConfig(inputs=64, hidden=(256,), dropout=0.3))

    name: ClassVar[str] = "digits-mlp"
    summary: ClassVar[str] = "a feed-forward network on 8 × 8 scans of digits"
    source: ClassVar[str] = f"scikit-learn's digits, {SPLIT}"
    data_set: ClassVar[str] = "digits"

    def network(self, config: Any) -> MLP:
        return MLP(config)
