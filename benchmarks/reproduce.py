"""How well does each recipe learn? Its full run, seed by seed, beside its baseline and the same network in PyTorch.

`python3 dev.py reproduce NAME` trains; what comes of it goes into benchmarks/models/NAME.json, and all of these files
together make the table MODELS.md. With --torch PyTorch trains the same network (the same file of minidl/models, the
same first weights, the same batches in the same order)."""

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path
from typing import Any

import minidl
from minidl.recipes import RECIPES, flags, recipe_class, runs
from minidl.training.checkpoint import seed_all

from ._timing import machine
from ._twin import Called, fit

HERE = Path(__file__).parent
TABLE, FOLDER = HERE / "MODELS.md", HERE / "models"


def reproduce(recipe: Any, seeds: int, torch: bool, folder: Path, where: str | None, download: bool) -> dict[str, Any]:
    """Train with seed 0, 1, …; the first of these is where to go on after an interruption."""
    found: dict[str, Any] = {"date": time.strftime("%Y-%m-%d"), "machine": machine(), "runs": [], "torch": []}
    for seed in range(seeds):
        recipe.seed = seed
        data = recipe.data(where, download)
        place = folder / recipe.name / str(seed)
        print(f"\n{recipe.name}, seed {seed}, in {place}", flush=True)
        resume = (place / runs.RECIPE).exists()
        found["runs"].append(runs.train(recipe, place, data, resume=resume))
        show(f"minidl {recipe.measure}", found["runs"][-1]["scores"][recipe.measure])
        if torch:
            seed_all(seed)
            import torch as pytorch

            pytorch.manual_seed(seed)
            model = recipe.network(recipe.configured(data))
            start = time.monotonic()
            twin = fit(recipe, model, data)
            seconds = time.monotonic() - start
            with minidl.no_grad():
                scores = recipe.score(Called(twin), data)
            found["torch"].append({"scores": scores, "seconds": round(seconds, 1)})
            show(f"PyTorch {recipe.measure}", scores[recipe.measure])
    return found


def show(what: str, value: float) -> None:
    print(f"{what} {value:.4f}", flush=True)


def spread(values: list[float]) -> str:
    """0.9812, or the mean and the standard deviation of several: 0.9812 ± 0.0007."""
    if not values:
        return "–"
    mean = f"{statistics.mean(values):.4g}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.2g}"


HEAD = """# What the recipes reach

Made by `python3 dev.py reproduce NAME`, from the files in benchmarks/models. Scores are on examples that nothing was
fitted to; ± is the standard deviation over seeds. Seconds are of training, on two cores that other work shared.
PyTorch trains the same file of minidl/models from the same weights on the same batches (– where it was not run).

| recipe | data | parameters | epochs | seconds | measure | score | baseline | PyTorch |
|---|---|---|---|---|---|---|---|---|
"""


def table(folder: Path = FOLDER) -> str:
    """All that was reproduced, a row each."""
    rows, pictures = [], []
    for name in RECIPES:
        path = folder / f"{name}.json"
        if not path.exists():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        runs_, first = found["runs"], found["runs"][0]
        measure = first["measure"]
        score = spread([run["scores"][measure] for run in runs_])
        theirs = spread([run["scores"][measure] for run in found["torch"]])
        less = ", less is better" if first["better"] == "min" else ""
        seconds = statistics.mean(run["seconds"] for run in runs_)
        rows.append(
            f"| {name} | {first['data']} | {first['parameters']:,} | {first['epochs']} | {seconds:.0f} | "
            f"{measure}{less} | {score} | {first['baseline'][measure]:.4g} ({first['baseline']['name']}) | {theirs} |"
        )
        kept = (folder.parent / "pictures").glob(f"{name}_*.png")
        pictures += [f"\n![{name}: {path.stem.removeprefix(name)[1:]}](pictures/{path.name})" for path in sorted(kept)]
    return HEAD + "\n".join([*rows, *pictures]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="dev.py reproduce", description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", choices=RECIPES, metavar="NAME", help=f"one of {', '.join(RECIPES)}")
    parser.add_argument("--seeds", type=int, default=1, help="how many times, each from other weights")
    parser.add_argument("--torch", action="store_true", help="also train the same network in PyTorch")
    parser.add_argument("--data", metavar="FOLDER", help="where the data sets are")
    parser.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    parser.add_argument("--out", type=Path, default=Path("runs/reproduce"), help="where the runs are kept")
    args, rest = parser.parse_known_args()
    if args.name is None:  # only the table, from the files that are there
        TABLE.write_text(table(), encoding="utf-8")
        print(TABLE)
        return
    recipe = recipe_class(args.name)()
    settings = argparse.ArgumentParser(prog=f"dev.py reproduce {args.name}")
    flags.add_flags(settings, recipe)
    recipe = flags.apply(recipe, vars(settings.parse_args(rest)))
    found = reproduce(recipe, args.seeds, args.torch, args.out, args.data, args.download)
    FOLDER.mkdir(exist_ok=True)
    runs.write_json(FOLDER / f"{args.name}.json", found)
    TABLE.write_text(table(), encoding="utf-8")
    curve = args.out / args.name / "0" / runs.CURVE
    if curve.exists():
        shutil.copy(curve, FOLDER / f"{args.name}.png")
    for picture in recipe.shown:
        shutil.copy(args.out / args.name / "0" / picture, HERE / "pictures" / f"{args.name}_{picture}")
    print(f"\n{TABLE}")


if __name__ == "__main__":
    main()
