"""The options of `minidl train`, and which of them a run that is taken up may change."""

import argparse
import math
from typing import Any

from ..optim import SGD, Adam, AdamW, Optimizer
from .datasets import DATA_SETS
from .networks import NETWORKS

FOLDER = "runs/train"
OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
SCHEDULES = ("cosine", "constant")

# What makes a run the run that it is: in the checkpoint, and not to be contradicted later. None: see below.
DEFAULTS: dict[str, Any] = {
    "data_set": "digits", "model": "cnn", "epochs": None, "batch": 64, "optimizer": "adam", "lr": None,
    "momentum": None, "weight_decay": None, "schedule": "cosine", "seed": 0, "every": 100, "limit": None,
}  # fmt: skip
USUAL: dict[str, dict[str, float]] = {
    "sgd": {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.0},
    "adam": {"lr": 0.003, "weight_decay": 0.0},
    "adamw": {"lr": 0.003, "weight_decay": 0.01},
}
EPOCHS = {"digits": 20, "mnist": 3, "fashion-mnist": 5, "cifar10": 10, "cifar100": 10}
# Where and how it is computed: each time as it is wanted.
CIRCUMSTANCES: dict[str, Any] = {"device": "cpu", "workers": 0, "data": None, "download": False, "overwrite": False}


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="minidl train",
        description="Train a network on a data set. Killed at any moment and resumed, a run ends with the same bits.",
        argument_default=argparse.SUPPRESS,  # what is not given is not there, so --resume knows what contradicts it
        epilog="In the folder: checkpoint.safetensors (all of the run), model.safetensors (the weights after the last "
        "epoch), log.jsonl (a line per epoch and per --every steps).",
    )
    add, default = p.add_argument, lambda text, name: f"{text} (default: {DEFAULTS.get(name, CIRCUMSTANCES.get(name))})"
    listed = lambda values: ", ".join(f"{key} {value:g}" for key, value in values.items())
    usual = lambda name: listed({o: u[name] for o, u in USUAL.items() if name in u})
    add("--data-set", "--dataset", dest="data_set", choices=DATA_SETS, help=default("what to learn", "data_set"))
    add("--data", metavar="FOLDER", help="where the data set is (default: MINIDL_DATA, or the user's cache)")
    add("--download", action="store_true", help="fetch the data set where it is not there")
    add("--model", choices=NETWORKS, help=default("the network", "model"))
    add("--epochs", type=count, metavar="N", help=f"times through the data (default: {listed(EPOCHS)})")
    add("--batch", "--batch-size", dest="batch", type=count, metavar="N", help=default("examples in a step", "batch"))
    add("--optimizer", choices=OPTIMIZERS, help=default("the optimizer", "optimizer"))
    add("--lr", type=positive, metavar="X", help=f"learning rate (default: {usual('lr')})")
    add("--momentum", type=not_negative, metavar="X", help=f"momentum (default: {usual('momentum')})")
    add("--weight-decay", type=not_negative, metavar="X", help=f"weight decay (default: {usual('weight_decay')})")
    add("--schedule", choices=SCHEDULES, help=default("the learning rate over the run", "schedule"))
    add("--device", metavar="NAME", help=default("cpu or cuda", "device"))
    add("--seed", type=int, metavar="N", help=default("what all randomness comes from", "seed"))
    add("--workers", type=natural, metavar="N", help=default("processes that make batches", "workers"))
    add("--limit", type=count, metavar="N", help="only the first N examples to learn from, and N to test on")
    add("--every", type=count, metavar="N", help=default("steps between two checkpoints", "every"))
    add("--out", metavar="FOLDER", help=f"where the run is kept (default: {FOLDER})")
    add("--resume", nargs="?", const=None, metavar="FOLDER", help="go on with the run in the folder")
    add("--overwrite", action="store_true", help="begin anew in a folder that has a run")
    return p


def settled(options: dict[str, Any]) -> dict[str, Any]:
    """The options with what their data set and their optimizer are usually given."""
    usual = {"epochs": EPOCHS[options["data_set"]], **USUAL[options["optimizer"]]}
    if options["momentum"] is not None and "momentum" not in usual:
        raise ValueError(f"--momentum is an option of sgd, and the optimizer is {options['optimizer']}")
    return {name: usual.get(name) if value is None else value for name, value in options.items()}


def taken_up(saved: dict[str, Any], given: dict[str, Any], folder: Any) -> dict[str, Any]:
    """The options of a saved run, with more epochs where more are given; what contradicts them is refused by name."""
    for name, value in given.items():
        if name != "epochs" and value != saved[name]:
            raise ValueError(
                f"--{name.replace('_', '-')} {value} contradicts the run in {folder}, which has {saved[name]}: leave "
                "it out, or begin another run with --out FOLDER"
            )
    epochs = given.get("epochs", saved["epochs"])
    if epochs < saved["epochs"]:
        raise ValueError(f"--epochs {epochs} contradicts the run in {folder}, which has {saved['epochs']}")
    return {name: saved[name] for name in DEFAULTS} | {"epochs": epochs}


def make_optimizer(parameters: Any, options: dict[str, Any]) -> Optimizer:
    settings = {name: options[name] for name in USUAL[options["optimizer"]]}
    return OPTIMIZERS[options["optimizer"]](parameters, **settings)


def count(text: str) -> int:
    return checked(text, int, lambda n: n > 0, "a whole number above 0")


def natural(text: str) -> int:
    return checked(text, int, lambda n: n >= 0, "a whole number, 0 or more")


def positive(text: str) -> float:
    return checked(text, float, lambda x: x > 0 and math.isfinite(x), "a number above 0")


def not_negative(text: str) -> float:
    return checked(text, float, lambda x: x >= 0 and math.isfinite(x), "a number, 0 or more")


def checked(text: str, kind: Any, good: Any, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = None
    if value is None or not good(value):
        raise argparse.ArgumentTypeError(f"{text} is not {expected}")
    return value
