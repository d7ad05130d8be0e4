"""What the pretrained models have in common: a configuration, the way they start, and the way from and to a folder."""

import inspect
import os
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar

import minidl
from minidl import Tensor, nn

from .config import PretrainedConfig
from .hub import find_folder
from .weights import FILES, Match, match_weights, read_weights, shortened

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,  # x Φ(x)
    "gelu_new": lambda: nn.GELU(approximate="tanh"),  # x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
    "gelu_pytorch_tanh": lambda: nn.GELU(approximate="tanh"),
    "relu": nn.ReLU, "silu": nn.SiLU, "swish": nn.SiLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "mish": nn.Mish,
}  # fmt: skip


def activation(name: str) -> nn.Module:
    """The layer that a configuration names."""
    if name not in ACTIVATIONS:
        raise ValueError(f"there is no activation {name!r}; there are {', '.join(ACTIVATIONS)}")
    return ACTIVATIONS[name]()


def tuple_if_asked(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Let a forward take return_dict; False makes a tuple of what it returns."""

    @wraps(forward)
    def wrapped(self: Any, *args: Any, return_dict: bool | None = None, **kwargs: Any) -> Any:
        output = forward(self, *args, **kwargs)
        named = self.config.return_dict if return_dict is None else return_dict
        return output if named else output.to_tuple()

    return wrapped


class PreTrainedModel(nn.Module):
    """A model that starts from a configuration, or from a folder in Hugging Face's layout.

    The names in its state_dict are those in the file, so that transformers reads what is saved here and the other way
    round."""

    config_class: ClassVar[type[PretrainedConfig]] = PretrainedConfig
    base_model_prefix: ClassVar[str] = ""  # the attribute that holds the model without its head
    renames: ClassVar[tuple[tuple[str, str], ...]] = ()  # other versions' names of weights, and those here
    ignored: ClassVar[str | None] = None  # what older files hold besides weights
    tied: ClassVar[dict[str, str]] = {}  # weights that are one and the same: the other name, and the one in the file

    def __init__(self, config: Any) -> None:
        super().__init__()
        if not isinstance(config, self.config_class):
            kind = type(self).__name__
            raise TypeError(
                f"{kind}: a {self.config_class.__name__} is needed, got {type(config).__name__}; "
                f"{kind}.from_pretrained(folder) reads a folder"
            )
        self.config = config

    # ---- how it starts

    def post_init(self) -> None:
        """To be called at the end of __init__: draw the weights and tie what is one."""
        for module in reversed(list(self.modules())):  # what is inside first, so that what holds it has the last word
            self.init_weights(module)
        self.tie_weights()

    def init_weights(self, module: nn.Module) -> None:
        """N(0, initializer_range²) for the weights of one module, zeros for its bias; 1 and 0 for a normalisation."""
        if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
            nn.init.normal_(module.weight, std=self.config.initializer_range)
        if isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Embedding) and module.padding_idx is not None:
            with minidl.no_grad():
                module.weight[module.padding_idx] = 0.0

    def tie_weights(self) -> None:
        """Make one parameter of each that has two names."""
        for alias, name in self._ties().items():
            path, _, attribute = alias.rpartition(".")
            setattr(self.get_submodule(path), attribute, self.get_parameter(name))

    def _ties(self) -> dict[str, str]:
        return self.tied if getattr(self.config, "tie_word_embeddings", True) else {}

    # ---- what it is

    @property
    def base_model(self) -> nn.Module:
        """The model without its head."""
        return getattr(self, self.base_model_prefix, self)

    def get_input_embeddings(self) -> nn.Embedding:
        """The vectors of the tokens."""
        for module in self.modules():
            if isinstance(module, nn.Embedding):  # the tokens' come first in every family
                return module
        raise TypeError(f"{type(self).__name__} takes no tokens, so it has no vectors for them")

    def resize_token_embeddings(self, number: int) -> nn.Embedding:
        """Make room for so many tokens, len(tokenizer) after adding some; new vectors are drawn, biases are 0."""
        table = self.get_input_embeddings()
        heads = [self.get_submodule(alias.removesuffix(".weight")) for alias in self.tied if alias.endswith(".weight")]
        for module in [table, *heads]:
            for parameter in (module.weight, getattr(module, "bias", None)):
                if parameter is not None and parameter.shape[0] != number:
                    fresh = minidl.zeros(number, *parameter.shape[1:], dtype=parameter.dtype, device=parameter.device)
                    if parameter.ndim == 2:
                        nn.init.normal_(fresh, std=self.config.initializer_range)
                    kept = min(number, parameter.shape[0])
                    fresh[:kept] = parameter.detach()[:kept]
                    name = "weight" if parameter is module.weight else "bias"
                    setattr(module, name, nn.Parameter(fresh, parameter.requires_grad))
            if isinstance(module, nn.Linear):
                module.out_features = number
        for alias, name in self.tied.items():
            if alias.endswith(".bias"):  # here the head has the new one
                path, _, attribute = name.rpartition(".")
                setattr(self.get_submodule(path), attribute, self.get_parameter(alias))
        table.num_embeddings = self.config.vocab_size = number
        self.tie_weights()
        return table

    @property
    def device(self) -> Any:
        return next(self.parameters()).device

    @property
    def dtype(self) -> Any:
        return next(self.parameters()).dtype

    def num_parameters(self, only_trainable: bool = False) -> int:
        """How many numbers it holds."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not only_trainable)

    def _wanted(self, output_attentions: bool | None, output_hidden_states: bool | None) -> tuple[bool, bool]:
        """Whether attention and hidden states are asked for: by the call, or else by the configuration."""
        ask = lambda given, name: bool(getattr(self.config, name) if given is None else given)
        return ask(output_attentions, "output_attentions"), ask(output_hidden_states, "output_hidden_states")

    # ---- from and to a folder

    @classmethod
    def from_pretrained(
        cls,
        folder: str | os.PathLike[str],
        *,
        config: PretrainedConfig | None = None,
        ignore_mismatched_sizes: bool = False,
        output_loading_info: bool = False,
        dtype: Any = None,
        **changes: Any,
    ) -> Any:
        """The model in a folder, or of a name on the hub, in evaluation mode.

            model = BertForSequenceClassification.from_pretrained("bert-base-uncased", num_labels=5)

        folder: holds config.json and model.safetensors (or its shards and their index, or pytorch_model.bin, of which
            nothing but weights is read).
        config: instead of config.json; `changes` replace entries of it, or are arguments of the model.
        ignore_mismatched_sizes: let weights of another shape start anew instead of refusing the file.
        output_loading_info: give (model, dict of missing_keys, unexpected_keys and mismatched_keys).
        dtype: of the weights; float32 whatever the file has, because processors calculate in nothing smaller.

        A warning names the weights that the file lacks, which start anew, and those of it that find no place."""
        place = find_folder(folder, *FILES)
        own = {name: changes.pop(name) for name in list(inspect.signature(cls).parameters) if name in changes}
        if config is None:
            config = cls.config_class.from_pretrained(place, **changes)
        elif changes:
            config = cls.config_class.from_dict(config.to_dict(), **changes)
        with minidl.device("meta"):  # shapes without numbers, which come from the file
            model = cls(config, **own)
        shapes = {name: t.shape for name, t in model.state_dict().items()}
        match = match_weights(
            read_weights(place), shapes, cls.base_model_prefix + ".", cls.renames, cls.ignored, model._ties()
        )
        model._refuse(match, place, ignore_mismatched_sizes)
        model._fill(match, dtype or minidl.float32)
        model._report(match, place)
        info = {
            "missing_keys": match.missing, "unexpected_keys": match.unexpected, "mismatched_keys": match.mismatched,
        }  # fmt: skip
        return (model.eval(), info) if output_loading_info else model.eval()

    def _refuse(self, match: Match, place: Any, ignore_mismatched_sizes: bool) -> None:
        kind = type(self).__name__
        if match.mismatched and not ignore_mismatched_sizes:
            told = [
                f"{name} is {theirs} in the file and {mine} in the model"
                for name, theirs, mine in match.mismatched
            ]
            raise ValueError(
                f"{kind} from {place}: {shortened(told)}. Is config.json that of these weights? "
                "ignore_mismatched_sizes=True lets them start anew"
            )
        if not match.found:
            raise ValueError(
                f"{kind} from {place}: the file holds none of the model's weights. "
                f"It has {shortened(match.unexpected)}; the model needs {shortened(match.missing)}"
            )

    def _fill(self, match: Match, dtype: Any) -> None:
        """Numbers for every parameter: the file's, or where it has none those that training starts from."""
        owners = {name.rpartition(".")[0] for name in match.fresh}
        for owner in owners:
            module = self.get_submodule(owner)
            module.to_empty(device="cpu", recurse=False)
            self.init_weights(module)
        self.load_state_dict(match.found, strict=False, assign=True)
        self.tie_weights()
        self.to(dtype)

    def _report(self, match: Match, place: Any) -> None:
        prefix = self.base_model_prefix + "."
        left = match.unexpected
        if self.base_model is self and any(name.startswith(prefix) for name in match.written):
            left = [name for name in left if name.startswith(prefix)]  # the rest is the head, which it has no use for
        told = []
        if match.fresh:
            told.append(f"these weights are not in the file and start anew, to be trained: {shortened(match.fresh)}")
        if left:
            told.append(f"these in the file have no place in the model and are left out: {shortened(left)}")
        if told:
            warnings.warn(f"{type(self).__name__} from {place}: {'; '.join(told)}", stacklevel=3)

    def save_pretrained(self, folder: str | os.PathLike[str]) -> None:
        """Write config.json and model.safetensors, which from_pretrained, here and in transformers, reads.

        Each file is whole or absent, and a tied weight is in it once."""
        os.makedirs(folder, exist_ok=True)
        self.config.architectures = [type(self).__name__]
        weights = {name: t for name, t in self.state_dict().items() if name not in self._ties()}
        minidl.save(weights, os.path.join(folder, "model.safetensors"))
        self.config.save_pretrained(folder)


def one_of(input_ids: Tensor | None, inputs_embeds: Tensor | None) -> tuple[int, int]:
    """(B, T) of the input, which is given as tokens or as their vectors, and not as both."""
    if (input_ids is None) == (inputs_embeds is None):
        raise ValueError("give either input_ids (B, T) or inputs_embeds (B, T, D)")
    given: Any = inputs_embeds if input_ids is None else input_ids
    if given.ndim != (3 if input_ids is None else 2):
        raise ValueError(f"input_ids (B, T) or inputs_embeds (B, T, D) is expected, got {tuple(given.shape)}")
    return int(given.shape[0]), int(given.shape[1])


def positions(start: int, stop: int, most: int, device: Any) -> Tensor:
    """(1, T): the positions start … stop − 1, for which the model must have vectors."""
    if stop > most:
        raise ValueError(f"a sequence of {stop} tokens is longer than the model's {most} positions; truncate it")
    return minidl.arange(start, stop, device=device).unsqueeze(0)
