"""The command: check, train, draw, save, and say where everything is."""

import argparse
import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import minidl

from ..files import atomic_write
from . import digits, networks, pictures
from .proofs import Row, prove, together
from .table import listing
from .train import History, predict, train

SEEDS = (0, 1, 2)
EPOCHS = 15


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="minidl demo",
        description="Check the gradient of every op to second order, then train a small CNN on real handwriting.",
        epilog=listing(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="a row for each op, not only for each family")
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="FOLDER", help="default: %(default)s")
    options = parser.parse_args(argv)
    start = time.perf_counter()
    options.out.mkdir(parents=True, exist_ok=True)
    data = digits.load()

    proofs = check_gradients(options.all)
    scores, histories = learn(data)
    files = draw(options.out, data, scores, histories)
    best = max(histories, key=lambda history: history.accuracies[-1])
    files.append(options.out / "model.npz")
    minidl.save(best.model.state_dict(), files[-1])

    summary = {
        "accuracy": float(np.mean(scores["CNN"])),
        "accuracy_by_seed": dict(zip(map(str, SEEDS), scores["CNN"])),
        "baselines": {name: float(np.mean(s)) for name, s in scores.items() if name != "CNN"},
        "split": digits.SPLIT,
        "seconds": round(time.perf_counter() - start, 1),
        "training_seconds": [round(h.seconds, 1) for h in histories],
        "ops_checked": proofs.ops,
        "samples_checked": proofs.samples,
        "worst_first_order_error": proofs.first_order,
        "worst_second_order_error": proofs.second_order,
        "all_gradients_proved": proofs.proved,
        "versions": versions(),
    }
    path = options.out / "summary.json"
    with atomic_write(path, "w", encoding="utf-8") as file:
        json.dump(summary, file, indent=2)
        file.write("\n")
    print(f"\nWritten to {options.out.resolve()}:")
    for name, what in [*((f.name, WHAT[f.name]) for f in files), (path.name, "every number above")]:
        print(f"  {name:16} {what}")
    print(f"{summary['seconds']} seconds in all.")
    if not proofs.proved:
        print("Some gradients are wrong: see the rows marked NO.", file=sys.stderr)
    return 0 if proofs.proved else 1


WHAT = {
    "curves.png": "loss and held-out accuracy, epoch by epoch",
    "confusion.png": "which digits are read as which",
    "filters.png": "what the first layer looks for",
    "mistakes.png": "the scans that were misread",
    "model.npz": "the weights of the best of the three, by name",
}


def check_gradients(each: bool) -> Row:
    """Print the table of proofs; returns its last row."""
    print("Every gradient, against finite differences along random directions (float64):\n")
    print(f"  {'family':14} {'ops':>4} {'samples':>8} {'1st order':>10} {'2nd order':>10}   proved")
    line = lambda r, mark: print(
        f"  {r.name:14.14} {r.ops:4} {r.samples:8} {r.first_order:10.0e} {r.second_order:10.0e}   {mark}", flush=True
    )
    rows: dict[str, list[Row]] = {}
    for family, row in prove():
        if family not in rows and rows and not each:
            name = list(rows)[-1]
            line(together(name, rows[name]), mark(rows[name]))
        rows.setdefault(family, []).append(row)
        if each:
            line(row, mark([row]))
    if not each and rows:
        name = list(rows)[-1]
        line(together(name, rows[name]), mark(rows[name]))
    total = together("all", [row for family in rows.values() for row in family])
    line(total, f"{mark([total])}, in {total.seconds:.1f} s")
    return total


def mark(rows: list[Row]) -> str:
    wrong = [row.name for row in rows if not row.proved]
    return f"NO: {', '.join(wrong)}" if wrong else "yes"


def learn(data: Any) -> tuple[dict[str, list[float]], list[History]]:
    """Train everything; held-out accuracies by model and seed, and the runs of the CNN."""
    images, labels, held_out, held_out_labels = data
    print(f"\nReal handwriting: scikit-learn's 8x8 digits; {digits.SPLIT}.\n")
    scores = {"logistic regression": [logistic_regression(data)]}
    print(f"  {'logistic regression (scikit-learn)':40} held-out {scores['logistic regression'][0]:.4f}")
    runs = [train(networks.mlp, data, 2 * EPOCHS, seed, augment=False) for seed in SEEDS]
    scores["MLP"] = [run.accuracies[-1] for run in runs]
    print(f"  {f'MLP 64-128-10, mean of seeds {SEEDS}':40} held-out {np.mean(scores['MLP']):.4f}")
    histories = []
    for seed in SEEDS:
        with Progress(f"  CNN, seed {seed}") as progress:
            histories.append(train(networks.CNN, data, EPOCHS, seed, augment=True, progress=progress.show))
    scores["CNN"] = [history.accuracies[-1] for history in histories]
    print(f"  {f'CNN, mean of seeds {SEEDS}':40} held-out {np.mean(scores['CNN']):.4f}")
    return scores, histories


def logistic_regression(data: Any) -> float:
    from sklearn.linear_model import LogisticRegression

    images, labels, held_out, held_out_labels = data
    flat = lambda x: x.reshape(len(x), -1)
    fitted = LogisticRegression(max_iter=2000).fit(flat(images), labels)
    return float(fitted.score(flat(held_out), held_out_labels))


class Progress:
    """One line that is rewritten in place on a terminal, and printed once, at the end, elsewhere."""

    def __init__(self, title: str) -> None:
        self.title, self.text, self.live = title, "", sys.stdout.isatty()

    def __enter__(self) -> "Progress":
        return self

    def show(self, done: int, of: int, text: str) -> None:
        self.text = text
        if self.live:
            bar = "#" * round(20 * done / of)
            print(f"\r{self.title} [{bar:20}] {text}", end="", flush=True)

    def __exit__(self, *error: object) -> None:
        if self.live:
            print()
        elif self.text:
            print(f"{self.title}: {self.text}", flush=True)


def draw(out: Path, data: Any, scores: dict[str, list[float]], histories: list[History]) -> list[Path]:
    _, _, images, labels = data
    best = max(histories, key=lambda history: history.accuracies[-1])
    read = predict(best.model, images)
    baselines = {name: float(np.mean(s)) for name, s in scores.items() if name != "CNN"}
    figures = {
        "curves.png": pictures.curves(histories, baselines),
        "confusion.png": pictures.confusion(labels, read),
        "filters.png": pictures.filters(best.model.features[0].weight.detach().numpy()),
        "mistakes.png": pictures.mistakes(images, labels, read),
    }
    return [pictures.save(figure, out / name) for name, figure in figures.items()]


def versions() -> dict[str, str]:
    found = {"minidl": minidl.__version__, "python": platform.python_version(), "numpy": np.__version__}
    for package in ("scikit-learn", "matplotlib"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
