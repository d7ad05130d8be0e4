"""Models as files. They hold arrays, names and numbers, as all of minidl's files: no code."""

import os
from typing import Any

from .. import saving as files
from .config import described, restored
from .layers.base import Layer, assigned

FORMAT = "minidl.keras model 1"


def weights_by_place(layer: Layer, path: str = "") -> dict[str, Any]:
    """All weights by where they are: layers.0.kernel. Layers go by number, so that their names do not matter."""
    found = {f"{path}{name}": t for store in (layer._parameters, layer._buffers) for name, t in store.items()
             if t is not None}  # fmt: skip
    for k, inner in enumerate(layer._modules.values()):
        if isinstance(inner, Layer):
            found |= weights_by_place(inner, f"{path}layers.{k}.")
        elif inner is not None:
            found |= {f"{path}layers.{k}.{name}": t for name, t in inner.state_dict().items()}
    return found


def which_learn(model: Layer) -> list[bool]:
    """Is each layer inside trainable? In the order of inner_layers, the model itself first."""
    return [layer.trainable for layer in (model, *model.inner_layers())]


def let_learn(model: Layer, flags: list[bool]) -> None:
    """`which_learn`, put back. Layers of one's own that are not built yet may hold fewer layers than were saved."""
    for layer, flag in zip((model, *model.inner_layers()), flags):
        layer.__dict__["_trainable"] = flag


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Save the layers, the weights, and what compile and training left."""
    _check(filepath, overwrite)
    contents: dict[str, Any] = {"format": FORMAT, "model": described(model), "weights": _detached(model)}
    contents["trainable"] = which_learn(model)
    if model.compiled is not None and include_optimizer:
        contents["compiled"] = described(model.compile_config)
        contents["optimizer"] = model.optimizer.state()
    files.save(contents, filepath)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, **kwargs: Any) -> Any:
    """The model that save wrote: ready to predict, and with compile=True to train on from where it was.

    custom_objects: the classes of your own layers, by name."""
    contents = files.load(filepath)
    if not isinstance(contents, dict) or contents.get("format") != FORMAT:
        raise ValueError(
            f"load_model: {os.fspath(filepath)} is no model that minidl.keras saved; weights alone are read by "
            "load_weights, into a model of the same layers"
        )
    custom = custom_objects or {}
    model = restored(contents["model"], custom)
    _load(model, contents["weights"], os.fspath(filepath), False)
    let_learn(model, contents["trainable"])
    if compile and "compiled" in contents:
        model.compile(**restored(contents["compiled"], custom))
        model.optimizer.load_state(contents["optimizer"])
    return model


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Save the weights alone."""
    _check(filepath, overwrite)
    if not model.built:
        raise ValueError(f"{model.titled} has no weights yet: call it once, or say its input shape")
    files.save(_detached(model), filepath)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False) -> None:
    """Take over weights by their places."""
    found = files.load(filepath)
    if isinstance(found, dict) and found.get("format") == FORMAT:
        found = found["weights"]
    _load(model, found, os.fspath(filepath), skip_mismatch)


def _detached(model: Any) -> dict[str, Any]:
    return {name: t.detach() for name, t in weights_by_place(model).items()}


def _check(filepath: Any, overwrite: bool) -> None:
    if not overwrite and os.path.exists(filepath):
        raise FileExistsError(f"{os.fspath(filepath)} exists; pass overwrite=True to replace it")


def _load(model: Any, found: dict[str, Any], path: str, skip: bool) -> None:
    own = weights_by_place(model)
    if not skip:
        if missing := sorted(set(own) ^ set(found)):
            where = "the file" if missing[0] in own else "the model"
            built = "" if model.built else "; the model is not built: call it once, or say its input shape"
            raise ValueError(f"{path}: {where} has no weight {missing[0]!r}{built}")
    for name, t in own.items():
        if name in found and tuple(found[name].shape) == tuple(t.shape):
            assigned(t, found[name])
        elif not skip:
            raise ValueError(f"{path}: {name} has shape {tuple(found[name].shape)}, the model's {tuple(t.shape)}")
