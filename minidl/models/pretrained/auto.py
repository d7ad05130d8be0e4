"""The class by the file: AutoModel.from_pretrained(folder) reads which family its config.json is of."""

import os
from typing import Any, ClassVar

from . import bert, bert_heads, bytepairs, distilbert, gpt2, vit, wordpiece
from .config import PretrainedConfig
from .hub import find_folder, read_json
from .model import PreTrainedModel

CONFIGS: dict[str, type[PretrainedConfig]] = {
    kind.model_type: kind for kind in (bert.BertConfig, distilbert.DistilBertConfig, gpt2.GPT2Config, vit.ViTConfig)
}
TOKENIZERS: dict[str, Any] = {
    "bert": wordpiece.BertTokenizer, "distilbert": wordpiece.DistilBertTokenizer, "gpt2": bytepairs.GPT2Tokenizer
}  # fmt: skip


def _family(folder: str | os.PathLike[str], known: dict[str, Any], what: str) -> Any:
    values = read_json(find_folder(folder, "config.json") / "config.json")
    family = values.get("model_type")
    if family not in known:
        raise ValueError(f"{what}: {folder} is of a {family!r} model; there is {', '.join(known)}")
    return known[family]


class AutoConfig:
    """The configuration in a folder, of the class that its model_type asks for."""

    @staticmethod
    def from_pretrained(folder: str | os.PathLike[str], **changes: Any) -> PretrainedConfig:
        kind: type[PretrainedConfig] = _family(folder, CONFIGS, "AutoConfig")
        return kind.from_pretrained(folder, **changes)


class AutoTokenizer:
    """The tokenizer in a folder, of the class that tokenizer_config.json names, or that fits the model's."""

    @staticmethod
    def from_pretrained(folder: str | os.PathLike[str], **changes: Any) -> Any:
        place = find_folder(folder, "tokenizer_config.json", "config.json")
        path = place / "tokenizer_config.json"
        name = str(read_json(path).get("tokenizer_class") if path.is_file() else "").removesuffix("Fast")
        kinds = {kind.__name__: kind for kind in TOKENIZERS.values()}
        return (kinds.get(name) or _family(place, TOKENIZERS, "AutoTokenizer")).from_pretrained(place, **changes)


class _AutoModel:
    models: ClassVar[dict[str, type[PreTrainedModel]]]

    @classmethod
    def from_pretrained(cls, folder: str | os.PathLike[str], **options: Any) -> Any:
        """The model in a folder, of the class that its model_type asks for; options as of that class."""
        return _family(folder, cls.models, cls.__name__).from_pretrained(folder, **options)

    @classmethod
    def from_config(cls, config: PretrainedConfig) -> Any:
        """A model of these sizes with weights to be trained."""
        return cls.models[config.model_type](config)


class AutoModel(_AutoModel):
    """The model without a head."""

    models = {"bert": bert.BertModel, "distilbert": distilbert.DistilBertModel, "gpt2": gpt2.GPT2Model,
              "vit": vit.ViTModel}  # fmt: skip


class AutoModelForMaskedLM(_AutoModel):
    """The model that fills in masked words."""

    models = {"bert": bert_heads.BertForMaskedLM}


class AutoModelForCausalLM(_AutoModel):
    """The model that writes on."""

    models = {"gpt2": gpt2.GPT2LMHeadModel}


class AutoModelForSequenceClassification(_AutoModel):
    """The model that labels texts."""

    models = {
        "bert": bert_heads.BertForSequenceClassification,
        "distilbert": distilbert.DistilBertForSequenceClassification,
    }


class AutoModelForQuestionAnswering(_AutoModel):
    """The model that finds answers in texts."""

    models = {"bert": bert_heads.BertForQuestionAnswering}


class AutoModelForImageClassification(_AutoModel):
    """The model that labels images."""

    models = {"vit": vit.ViTForImageClassification}
