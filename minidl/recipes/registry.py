"""Which recipes there are. Each is imported when it is asked for."""

import difflib
import importlib

from .recipe import Recipe

# name -> the file of this package and the class in it
RECIPES: dict[str, str] = {
    "digits-mlp": "digits_mlp:DigitsMLP",
    "forecast-gru": "forecast:ForecastGRU",
    "names-gru": "names:NamesGRU",
    "names-lstm": "names:NamesLSTM",
    "names-rnn": "names:NamesRNN",
    "sentiment-lstm": "sentiment:SentimentLSTM",
    "sentiment-rnn": "sentiment:SentimentRNN",
    "shakespeare-lstm": "shakespeare:ShakespeareLSTM",
    "mnist-mlp": "mnist:MnistMLP",
    "mnist-lenet": "mnist:MnistLeNet",
    "mnist-cnn": "mnist:MnistCNN",
    "mnist-gan": "gans:MnistGAN",
    "mnist-dcgan": "gans:MnistDCGAN",
    "mnist-wgan-gp": "gans:MnistWGANGP",
    "cifar10-cnn": "cifar10:Cifar10CNN",
    "multi30k-gru": "translation:Multi30kGRU",
    "multi30k-transformer": "translation:Multi30kTransformer",
}


def recipe_class(name: str) -> type[Recipe]:
    if name not in RECIPES:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(RECIPES)}"
        raise ValueError(f"there is no recipe {name!r}; {hint}")
    module, kind = RECIPES[name].split(":")
    made: type[Recipe] = getattr(importlib.import_module(f".{module}", __package__), kind)
    return made
