"""What `minidl train --model` has trained, to be used as what a recipe has trained is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from minidl import nn

from ..training.checkpoint import CHECKPOINT, load_checkpoint
from ..training.networks import NETWORKS
from .pictures import PictureRecipe


@dataclass
class Plain(PictureRecipe):
    """config: the name of the network, and known, what the data made known."""

    name: ClassVar[str] = "network of minidl train"

    def network(self, config: Any) -> nn.Module:
        model, known = config
        return NETWORKS[model](tuple(known["shape"]), len(known["classes"]))


def load_plain(folder: Path) -> tuple[Plain, nn.Module, dict[str, Any]]:
    """The recipe, the network as of its latest checkpoint, and what the data made known."""
    saved = load_checkpoint(folder / CHECKPOINT)
    options = saved["options"]
    if "known" not in options:
        raise ValueError(f"{folder / CHECKPOINT} does not say what its classes are: train again with this minidl")
    recipe = Plain(config=(options["model"], options["known"]))
    model = recipe.network(recipe.config)
    model.load_state_dict(saved["model"])
    return recipe, model.eval(), options["known"]
