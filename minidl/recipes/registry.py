"""Which recipes there are. Each is imported when it is asked for."""

import difflib
import importlib

from .recipe import Recipe

# name -> the file of this package and the class in it
RECIPES: dict[str, str] = {
    "bert-answers": "answers:BertAnswers",
    "bert-pretrain": "bert:BertPretrain",
    "bert-sentiment": "bert:BertSentiment",
    "bert-sentiment-scratch": "bert:BertSentimentFromNothing",
    "cifar10-cnn": "cifar10:Cifar10CNN",
    "cifar10-vit": "vit:Cifar10ViT",
    "digits-mlp": "digits_mlp:DigitsMLP",
    "forecast-gru": "forecast:ForecastGRU",
    "mnist-cnn": "mnist:MnistCNN",
    "mnist-dcgan": "gans:MnistDCGAN",
    "mnist-gan": "gans:MnistGAN",
    "mnist-lenet": "mnist:MnistLeNet",
    "mnist-mlp": "mnist:MnistMLP",
    "mnist-wgan-gp": "gans:MnistWGANGP",
    "multi30k-gru": "translation:Multi30kGRU",
    "multi30k-transformer": "translation:Multi30kTransformer",
    "names-gru": "names:NamesGRU",
    "names-lstm": "names:NamesLSTM",
    "names-rnn": "names:NamesRNN",
    "sentiment-lstm": "sentiment:SentimentLSTM",
    "sentiment-rnn": "sentiment:SentimentRNN",
    "shakespeare-gpt": "shakespeare:ShakespeareGPT",
    "shakespeare-lstm": "shakespeare:ShakespeareLSTM",
}


def recipe_class(name: str) -> type[Recipe]:
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(RECIPES)}"
        raise ValueError(f"there is no recipe {name!r}; {hint}")
    module, kind = RECIPES[name].split(":")
    made: type[Recipe] = getattr(importlib.import_module(f".{module}", __package__), kind)
    return made
