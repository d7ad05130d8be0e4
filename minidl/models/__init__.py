"""Networks of the textbooks, one file each. A name is imported from its file at its first use."""

from importlib import import_module
from typing import Any

FILES = {
    "pretrained": (
        "BertConfig", "BertForMaskedLM", "BertForQuestionAnswering", "BertForSequenceClassification", "BertModel",
    ),
}  # fmt: skip
HOME = {name: file for file, names in FILES.items() for name in names}

__all__ = sorted(HOME)


def __getattr__(name: str) -> Any:
    if name not in HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOME})
