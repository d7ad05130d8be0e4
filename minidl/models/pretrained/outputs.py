"""What the models give: several tensors under names."""

from typing import Any

from minidl import Tensor


class ModelOutput(dict[Any, Any]):
    """Results by attribute, by key or by position: `out.logits`, `out["logits"]`, `out[0]`, `out[:2]`.

    What a call did not ask for (the loss without labels, the attention) is None as an attribute and is left out of
    keys and positions. Unpack `out.to_tuple()`: iterating goes over the names, as in any dict."""

    def __init__(self, *pairs: Any, **values: Any) -> None:
        super().__init__((name, value) for name, value in dict(*pairs, **values).items() if value is not None)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        names = [name for kind in type(self).__mro__ for name in getattr(kind, "__annotations__", ())]
        if name in names:
            return None
        raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(self)}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __getitem__(self, key: Any) -> Any:
        return self.to_tuple()[key] if isinstance(key, int | slice) else super().__getitem__(key)

    def to_tuple(self) -> tuple[Any, ...]:
        """The results in their order, without their names."""
        return tuple(self.values())


class _Traced(ModelOutput):
    hidden_states: tuple[Tensor, ...] | None  # (B, T, D): the embeddings, then what each layer gave
    attentions: tuple[Tensor, ...] | None  # (B, heads, T, S): for each layer, how much each query takes of each key


class BaseModelOutput(_Traced):
    last_hidden_state: Tensor  # (B, T, D)


class BaseModelOutputWithPooling(_Traced):
    last_hidden_state: Tensor  # (B, T, D)
    pooler_output: Tensor | None  # (B, D)


class BaseModelOutputWithPast(_Traced):
    last_hidden_state: Tensor  # (B, T, D)
    past_key_values: tuple[tuple[Tensor, Tensor], ...] | None  # for each layer keys and values (B, heads, S, d)


class MaskedLMOutput(_Traced):
    loss: Tensor | None
    logits: Tensor  # (B, T, V)


class CausalLMOutputWithPast(_Traced):
    loss: Tensor | None
    logits: Tensor  # (B, T, V)
    past_key_values: tuple[tuple[Tensor, Tensor], ...] | None


class SequenceClassifierOutput(_Traced):
    loss: Tensor | None
    logits: Tensor  # (B, labels)


class ImageClassifierOutput(SequenceClassifierOutput):
    pass


class QuestionAnsweringModelOutput(_Traced):
    loss: Tensor | None
    start_logits: Tensor  # (B, T): is this token the answer's first?
    end_logits: Tensor  # (B, T): its last?
