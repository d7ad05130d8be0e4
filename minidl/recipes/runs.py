"""One run of a recipe: a folder that has all of it, also half-way.

recipe.json         which recipe, its settings, and what using the network takes besides weights
checkpoint.safetensors, log.jsonl     the training, to be taken up again bit by bit
model.safetensors   the weights; result.json, curve.png   what came of it"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minidl import nn, no_grad

from ..files import atomic_write
from ..saving import load as load_tensors
from ..saving import save
from ..training.checkpoint import CHECKPOINT, WEIGHTS, seed_all
from ..training.log import Log, jsonable
from .recipe import LOG, Data, Recipe
from .registry import recipe_class

RECIPE, RESULT, CURVE = "recipe.json", "result.json", "curve.png"


@dataclass
class Trained:
    """A network that was trained, and the recipe that knows how to use it."""

    recipe: Recipe
    model: nn.Module
    known: dict[str, Any]


def train(recipe: Recipe, folder: Path, data: Data, resume: bool = False, progress: bool = True) -> dict[str, Any]:
    """Train, test, and write all of it into the folder; returns what result.json says.

    A run that something ended goes on with resume=True, to the same bits."""
    folder.mkdir(parents=True, exist_ok=True)
    if resume:
        refuse_other_data(folder, data)
    config = recipe.configured(data)
    seed_all(recipe.seed)
    model = recipe.network(config)
    write_json(folder / RECIPE, {"recipe": recipe.name, "settings": settings(recipe, config), "known": data.known})
    resume = resume and (folder / CHECKPOINT).exists()
    model = recipe.fit(model, data, folder, resume, progress)
    model.eval()
    save(model.state_dict(), folder / WEIGHTS)
    events = Log(folder / LOG).read()
    epochs = [event for event in events if event["event"] == "epoch"]
    with no_grad():
        result = {
            "recipe": recipe.name,
            "data": recipe.source,
            "parameters": sum(p.numel() for p in model.parameters()),
            "epochs": epochs[-1]["epoch"] if epochs else 0,
            "seconds": max((event["seconds"] for event in events), default=0.0),
            "seed": recipe.seed,
            "measure": recipe.measure,
            "better": recipe.better,
            "scores": recipe.score(model, data),
            "baseline": {"name": recipe.baseline_name, recipe.measure: recipe.baseline(data)},
        }
        recipe.pictures(model, data, folder)
    draw_curve(epochs, folder / CURVE)
    write_json(folder / RESULT, result)
    return result


def load(folder: Path) -> Trained:
    """The network that a folder holds, ready to be used: of a recipe, or of `minidl train --model`."""
    if not (folder / RECIPE).exists() and (folder / CHECKPOINT).exists():
        from .plain import load_plain

        return Trained(*load_plain(folder))
    recipe, known = recipe_in(folder)
    if not (folder / WEIGHTS).exists():
        raise FileNotFoundError(f"{folder} has no {WEIGHTS} yet: `minidl train --resume {folder}` goes on with the run")
    model = recipe.network(recipe.config)
    model.load_state_dict(load_tensors(folder / WEIGHTS))
    model.eval()
    return Trained(recipe, model, known)


def recipe_in(folder: Path) -> tuple[Recipe, dict[str, Any]]:
    """The recipe of a run, with the settings it was begun with; and what its data made known."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder; `minidl train NAME --out {folder}` makes one")
    if not (folder / RECIPE).exists():
        raise FileNotFoundError(f"{folder} has no {RECIPE}: it is not the folder of a run of `minidl train NAME`")
    try:
        saved = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
        made = recipe_class(saved["recipe"])()
        return with_settings(made, saved["settings"]), saved["known"]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise ValueError(f"{folder / RECIPE} is damaged, or of another version: {error}") from None


def settings(recipe: Recipe, config: Any) -> dict[str, Any]:
    """The fields of a recipe, with the network's own under "config"."""
    return {**dataclasses.asdict(recipe), "config": None if config is None else dataclasses.asdict(config)}


def with_settings(recipe: Recipe, given: dict[str, Any]) -> Recipe:
    """The recipe with other settings; lists are tuples where it has tuples."""
    given = dict(given)
    config = given.pop("config", None)
    if config:
        given["config"] = dataclasses.replace(recipe.config, **like(recipe.config, config))
    return dataclasses.replace(recipe, **like(recipe, given))


def like(default: Any, given: dict[str, Any]) -> dict[str, Any]:
    unknown = set(given) - {field.name for field in dataclasses.fields(default)}
    if unknown:
        raise KeyError(f"{type(default).__name__} has no {', '.join(sorted(unknown))}")
    as_here = lambda k, v: tuple(v) if isinstance(getattr(default, k), tuple) else v
    return {k: as_here(k, v) for k, v in given.items()}


def refuse_other_data(folder: Path, data: Data) -> None:
    _, known = recipe_in(folder)
    if known != json.loads(json.dumps(data.known)):
        raise ValueError(f"the data are not those that {folder} was begun with: name the same ones with --data FOLDER")


def draw_curve(epochs: list[dict[str, Any]], path: Path) -> None:
    from ..viz.curves import curves
    from ..viz.figures import save as save_figure

    if len(epochs) > 1:
        save_figure(curves(epochs).figure, path)


def write_json(path: Path, value: dict[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write((json.dumps(clean(value), indent=1, ensure_ascii=False) + "\n").encode())


def clean(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: clean(v) for key, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, (list, tuple)) else jsonable(value)
