"""The networks of the textbooks, one short file each, written as any user of minidl would write them.

Each file has a config (all sizes) and a module that takes it: `LeNet(LeNetConfig())`. Recipes for training them on
real data are in minidl/recipes: `minidl train --list`. `pretrained` has the models that Hugging Face's hub has weights
for, with its names and files."""

import importlib
from typing import Any

# file of this package -> what it has; each is read when it is first asked for
FILES: dict[str, tuple[str, ...]] = {
    "attention": ("Attention", "FeedForward", "watch"),
    "char_model": ("CharModel", "CharModelConfig"),
    "cnn": ("CNN", "CNNConfig"),
    "dcgan": ("DCGAN", "DCGANConfig"),
    "forecaster": ("Forecaster", "ForecasterConfig"),
    "gan": ("GAN", "GANConfig"),
    "gpt": ("GPT", "GPTConfig"),
    "lenet": ("LeNet", "LeNetConfig"),
    "mlp": ("MLP", "MLPConfig"),
    "pretrained": (
        "AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoModelForImageClassification", "AutoModelForMaskedLM",
        "AutoModelForQuestionAnswering", "AutoModelForSequenceClassification", "AutoTokenizer",
        "BertConfig", "BertForMaskedLM", "BertForQuestionAnswering", "BertForSequenceClassification", "BertModel",
        "BertTokenizer",
        "DistilBertConfig", "DistilBertForSequenceClassification", "DistilBertModel", "DistilBertTokenizer",
        "GPT2Config", "GPT2LMHeadModel", "GPT2Model", "GPT2Tokenizer",
        "ViTConfig", "ViTForImageClassification", "ViTModel",
    ),
    "sampling": ("choose",),
    "search": ("beam_search", "greedy_search"),
    "sentence_classifier": ("SentenceClassifier", "SentenceClassifierConfig"),
    "seq2seq": ("Seq2Seq", "Seq2SeqConfig"),
    "stacked_rnn": ("StackedRNN", "StackedRNNConfig"),
    "transformer": ("Transformer", "TransformerConfig"),
    "vit": ("VisionTransformer", "VisionTransformerConfig"),
    "wgan_gp": ("WGANGP", "WGANGPConfig"),
}  # fmt: skip
WHERE = {name: file for file, names in FILES.items() for name in names}
__all__ = sorted(WHERE)


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"minidl.models has no {name}; it has {', '.join(__all__)}")
    return getattr(importlib.import_module(f".{WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
