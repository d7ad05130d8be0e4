"""`minidl train`, and what a trained network can then be asked: generate, classify, translate, answer."""

import argparse
from pathlib import Path
from typing import Any

from ..training.checkpoint import CHECKPOINT, WEIGHTS
from ..training.loop import Diverged
from ..training.stop import Stopped
from . import flags, runs
from .recipe import LOG, Recipe
from .registry import RECIPES, recipe_class


def train(argv: list[str]) -> int:
    """With the name of a recipe, or a folder that one was begun in, train that; else pictures, as before."""
    if argv[:1] == ["--list"]:
        width = max(map(len, RECIPES))
        print("\n".join(f"{name:{width}}  {recipe_class(name).summary}" for name in RECIPES))
        return 0
    folder = resumed(argv)
    if folder is not None:
        recipe, _ = runs.recipe_in(folder)
    elif argv and not argv[0].startswith("-"):
        recipe, argv = recipe_class(argv[0])(), argv[1:]
    else:
        from ..training.command import main

        return main(argv)
    p = argparse.ArgumentParser(prog=f"minidl train {recipe.name}", description=f"{recipe.summary}. {recipe.source}.")
    p.add_argument("--data", metavar="FOLDER", help="where the data set is (default: MINIDL_DATA, or the user's cache)")
    p.add_argument("--download", action="store_true", help="fetch the data set where it is not there")
    p.add_argument("--out", metavar="FOLDER", help=f"where the run is kept (default: runs/{recipe.name})")
    p.add_argument("--resume", nargs="?", const="", metavar="FOLDER", help="go on with the run in the folder")
    p.add_argument("--overwrite", action="store_true", help="begin anew in a folder that has a run")
    flags.add_flags(p, recipe)
    given = vars(p.parse_args(argv))
    where, download, out, resume, overwrite = map(given.pop, ("data", "download", "out", "resume", "overwrite"))
    folder = Path(resume or out or f"runs/{recipe.name}")
    if resume is None:
        begin_in(folder, overwrite)
    elif (folder / runs.RECIPE).exists():
        recipe, _ = runs.recipe_in(folder)
        if set(given) - {"epochs"}:
            raise ValueError(f"--resume goes on with the settings of {folder}; only --epochs may be another number")
    return trained(flags.apply(recipe, given), folder, where, download, resume is not None)


def resumed(argv: list[str]) -> Path | None:
    """The folder after --resume, where a recipe was begun in it."""
    for k, word in enumerate(argv):
        name = word.removeprefix("--resume=") if word.startswith("--resume=") else (argv[k + 1 : k + 2] or [""])[0]
        if word.startswith("--resume") and (Path(name) / runs.RECIPE).exists() and name:
            return Path(name)
    return None


def begin_in(folder: Path, overwrite: bool) -> None:
    there = [folder / name for name in (runs.RECIPE, CHECKPOINT) if (folder / name).exists()]
    if there and not overwrite:
        raise ValueError(
            f"{folder} has a run already: `minidl train --resume {folder}` goes on with it, --out FOLDER puts this one "
            "elsewhere, --overwrite begins anew there"
        )
    for path in there:
        path.unlink()


def trained(recipe: Recipe, folder: Path, where: str | None, download: bool, resume: bool) -> int:
    data = recipe.data(where, download)
    count = lambda part: getattr(part, "examples", len(part))  # some data sets are made of whole batches
    sizes = f"{count(data.train):,} examples to learn from, {count(data.test):,} to test on"
    print(f"{recipe.name}: {recipe.summary}\n{sizes}: {recipe.source}", flush=True)
    try:
        result = runs.train(recipe, folder, data, resume=resume)
    except Stopped as stopped:
        print(f"Stopped, and saved. Resume with: minidl train --resume {folder}")
        return stopped.status
    except Diverged as error:
        print(f"{error}. Hints: a smaller --lr than {recipe.lr:g}, --clip 1, another --seed, with --out FOLDER.")
        return 1
    print(summary(result))
    print(f"weights: {folder / WEIGHTS}\nresult: {folder / runs.RESULT}\nlog: {folder / LOG}")
    for path in sorted(folder.glob("*.png")):
        print(f"picture: {path}")
    return 0


def summary(result: dict[str, Any]) -> str:
    """Done: accuracy 0.981 beside 0.894 (logistic regression); …"""
    measure, scores, baseline = result["measure"], dict(result["scores"]), result["baseline"]
    others = "".join(f"; {name} {value:.4g}" for name, value in scores.items() if name != measure)
    less = " (less is better)" if result["better"] == "min" else ""
    return (f"Done: {measure} {scores[measure]:.4g}{less} beside {baseline[measure]:.4g} ({baseline['name']}){others}; "
            f"{result['parameters']:,} parameters, {result['epochs']} epochs, {result['seconds']:.0f} s.")  # fmt: skip


# ---------------------------------------------------------------------------------------- using what was trained


def asking(verb: str, what: str) -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(prog=f"minidl {verb}", description=what)
    p.add_argument("folder", metavar="FOLDER", help="of a run of `minidl train NAME`")
    return p


def generate(argv: list[str]) -> int:
    p = asking("generate", "Let a trained network make something: text after a prompt, or pictures.")
    p.add_argument("prompt", nargs="?", default="", metavar="PROMPT", help="what the text begins with")
    p.add_argument("--length", type=int, default=300, metavar="N", help="tokens of text at most (default: %(default)s)")
    p.add_argument("--count", type=int, default=None, metavar="N", help="how many texts or pictures")
    p.add_argument("--temperature", type=float, default=1.0, metavar="T", help="below 1 bolder choices are rarer")
    p.add_argument("--top-k", type=int, default=None, metavar="K", help="choose among the K most probable tokens")
    p.add_argument("--top-p", type=float, default=None, metavar="P", help="choose among the likeliest that make up P")
    p.add_argument("--seed", type=int, default=0, metavar="N", help="other numbers, other results (default: 0)")
    p.add_argument("--out", default=None, metavar="FILE.png", help="where pictures go (default: in FOLDER)")
    given = vars(p.parse_args(argv))
    folder = Path(given.pop("folder"))
    run = runs.load(folder)
    out = Path(given.pop("out") or folder / "generated.png")
    made = run.recipe.generate(run.model, run.known, path=out, **given)
    print(made)
    return 0


def classify(argv: list[str]) -> int:
    p = asking("classify", "Ask a trained network what something is: pictures by their files, or sentences.")
    p.add_argument("inputs", nargs="+", metavar="INPUT", help="a file, or a sentence in quotes")
    p.add_argument("--top", type=int, default=3, metavar="N", help="how many classes to name (default: %(default)s)")
    add_explain(p)
    args = p.parse_args(argv)
    run = runs.load(Path(args.folder))
    for given in args.inputs:
        found = run.recipe.classify(run.model, run.known, given)[: args.top]
        print(f"{given}: " + ", ".join(f"{label} {share:.1%}" for label, share in found))
    explained(run, args.explain, args.inputs[0])
    return 0


def translate(argv: list[str]) -> int:
    p = asking("translate", "Translate a sentence with a trained network.")
    p.add_argument("text", metavar="TEXT", help="in quotes")
    p.add_argument("--beam", type=int, default=4, metavar="N", help="translations followed at once; 1 is greedy")
    add_explain(p)
    args = p.parse_args(argv)
    run = runs.load(Path(args.folder))
    print(run.recipe.translate(run.model, run.known, args.text, beam=args.beam))
    explained(run, args.explain, args.text)
    return 0


def answer(argv: list[str]) -> int:
    p = asking("answer", "Find the answer to a question in a text.")
    p.add_argument("question", metavar="QUESTION", help="in quotes")
    p.add_argument("context", metavar="TEXT", help="in quotes, or @FILE")
    p.add_argument("--top", type=int, default=1, metavar="N", help="how many answers to give (default: %(default)s)")
    add_explain(p)
    args = p.parse_args(argv)
    run = runs.load(Path(args.folder))
    context = Path(args.context[1:]).read_text(encoding="utf-8") if args.context.startswith("@") else args.context
    for found, share in run.recipe.answer(run.model, run.known, args.question, context)[: args.top]:
        print(f"{found}  {share:.1%}")
    explained(run, args.explain, f"{args.question}\n{context}")
    return 0


def add_explain(p: argparse.ArgumentParser) -> None:
    p.add_argument("--explain", default=None, metavar="FILE.png", help="draw what the network looked at")


def explained(run: runs.Trained, path: str | None, given: str) -> None:
    if path is not None:
        run.recipe.explain(run.model, run.known, given, Path(path))
        print(f"picture: {path}")
