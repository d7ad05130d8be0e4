"""Configurations: the sizes and options of a model, as its folder's config.json has them."""

import json
import os
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self

from ...files import atomic_write
from .hub import find_folder, read_json

# What other programs note about their own files, which does not hold for what is written here.
FOREIGN = ("transformers_version", "_name_or_path", "dtype", "torch_dtype", "model_type", "_attn_implementation")


@dataclass(init=False)
class PretrainedConfig:
    """What every family's configuration has; the families add their sizes.

    Any other keyword is kept as an attribute and written to config.json, as transformers does."""

    model_type: ClassVar[str] = ""
    aliases: ClassVar[dict[str, str]] = {}  # what other families call a size, and its name here

    output_hidden_states: bool = False
    output_attentions: bool = False
    return_dict: bool = True
    problem_type: str | None = None  # "regression", "single_label_classification", "multi_label_classification"

    def __init__(self, **values: Any) -> None:
        values = {self.aliases.get(name, name): value for name, value in values.items()}
        for field in fields(self):
            default = field.default if field.default_factory is MISSING else field.default_factory()
            setattr(self, field.name, values.pop(field.name, default))
        number, names = values.pop("num_labels", None), values.pop("id2label", None)
        self.num_labels = 2 if number is None else number
        if names is not None and number in (None, len(names)):
            self.id2label = {int(k): name for k, name in names.items()}
            self.label2id = {name: k for k, name in self.id2label.items()}
        values.pop("label2id", None)
        for name in values.keys() - set(FOREIGN):
            setattr(self, name, values[name])

    @property
    def num_labels(self) -> int:
        return len(self.id2label)

    @num_labels.setter
    def num_labels(self, number: int) -> None:
        self.id2label = {k: f"LABEL_{k}" for k in range(number)}
        self.label2id = {name: k for k, name in self.id2label.items()}

    def __getattr__(self, name: str) -> Any:
        if name in type(self).aliases:
            return getattr(self, type(self).aliases[name])
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(self.aliases.get(name, name), value)

    def to_dict(self) -> dict[str, Any]:
        """Everything, as it stands in config.json."""
        values = {"model_type": self.model_type, **self.__dict__}
        for field in fields(PretrainedConfig):
            if values[field.name] == field.default:
                del values[field.name]
        if self.id2label == {0: "LABEL_0", 1: "LABEL_1"}:
            del values["id2label"], values["label2id"]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any], **changes: Any) -> Self:
        """The configuration that a config.json holds."""
        kind = values.get("model_type", cls.model_type)
        if kind != cls.model_type:
            raise ValueError(
                f"{cls.__name__}: the configuration is of model_type {kind!r}, {cls.model_type!r} is expected; "
                "AutoConfig and AutoModel choose the class by the file"
            )
        names = {cls.aliases.get(name, name): value for name, value in changes.items()}
        if "num_labels" in names:  # the file's names of labels are of another number
            values = {name: value for name, value in values.items() if name not in ("id2label", "label2id")}
        return cls(**{**values, **names})

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **changes: Any) -> Self:
        """The configuration in a folder's config.json, or of a name on the hub; `changes` replace what it says."""
        return cls.from_dict(read_json(find_folder(folder, "config.json") / "config.json"), **changes)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write config.json into the folder, which is made if it is not there."""
        os.makedirs(folder, exist_ok=True)
        with atomic_write(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            file.write(json.dumps(self.to_dict(), indent=2, sort_keys=True) + "\n")
