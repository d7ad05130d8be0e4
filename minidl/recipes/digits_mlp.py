"""A feed-forward network reads the digits that come with scikit-learn: a recipe that runs everywhere in seconds."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import minidl

from ..data import TensorDataset
from ..demo.digits import SPLIT, load
from ..models.mlp import MLP, MLPConfig
from .recipe import Classifier, Data


@dataclass
class DigitsMLP(Classifier):
    epochs: int = 30
    batch: int = 32
    lr: float = 2e-3
    config: MLPConfig = field(default_factory=lambda: MLPConfig(inputs=64))

    name: ClassVar[str] = "digits-mlp"
    summary: ClassVar[str] = "a feed-forward network on 8 × 8 scans of digits"
    source: ClassVar[str] = f"scikit-learn's digits, {SPLIT}"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        x, y, test_x, test_y = (minidl.tensor(part[: self.limit]) for part in load())
        return Data(TensorDataset(x, y), TensorDataset(test_x, test_y))

    def network(self, config: Any) -> MLP:
        return MLP(config)
