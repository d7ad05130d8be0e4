"""PyTorch's nn.modules: the same classes as in nn, under the paths by which some programs import them."""


import sys
from types import ModuleType
from typing import Any

from . import (
    activation,
    adaptive,
    attention,
    container,
    conv,
    distance,
    dropout,
    embedding,
    flatten,
    lazy,
    linear,
    loss,
    module,
    normalization,
    padding,
    pooling,
    rnn,
    transformer,
    upsampling,
    utils,
)
from .module import Module as Module

_FILES = {
    "activation": (activation, attention), "adaptive": (adaptive,), "batchnorm": (normalization,),
    "channelshuffle": (upsampling,), "container": (container,), "conv": (conv,), "distance": (distance,),
    "dropout": (dropout,), "flatten": (flatten,), "fold": (upsampling,), "instancenorm": (normalization,),
    "lazy": (lazy,), "linear": (linear,), "loss": (loss,), "module": (module,), "normalization": (normalization,),
    "padding": (padding,), "pixelshuffle": (upsampling,), "pooling": (pooling,), "rnn": (rnn,), "sparse": (embedding,),
    "transformer": (transformer,), "upsampling": (upsampling,), "utils": (utils,),
}  # fmt: skip


for _name, _sources in _FILES.items():
    _path = _sources[0] if len(_sources) == 1 and _sources[0].__name__.endswith(f".{_name}") else ModuleType(_name)
    for _source in _sources:
        vars(_path).update({k: v for k, v in vars(_source).items() if not k.startswith("__")})
    sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _path


def __getattr__(name: str) -> Any:
    """The classes themselves: what nn has."""
    if name.startswith("_") or not hasattr(sys.modules[__package__], name):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(sys.modules[__package__], name)
