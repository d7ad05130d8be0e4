"""What the demo draws. Figures are objects; nothing here touches a display or matplotlib's global state."""

from pathlib import Path
from typing import Any

import numpy as np

from ..files import atomic_write

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#666666"  # told apart by colour-blind eyes, too


def figure(width: float, height: float) -> Any:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(fig: Any, path: Path) -> Path:
    with atomic_write(path) as file:
        fig.savefig(file, format="png", dpi=130)
    return path


def curves(histories: list[Any], baselines: dict[str, float]) -> Any:
    """Training loss and held-out accuracy by epoch, a line a seed, with the baselines."""
    fig = figure(9, 3.6)
    left, right = fig.subplots(1, 2)
    for history, style in zip(histories, ("-", "--", ":")):
        epochs = range(1, len(history.losses) + 1)
        left.plot(epochs, history.losses, style, color=BLUE, label=f"seed {history.seed}")
        right.plot(epochs, history.accuracies, style, color=BLUE, label=f"CNN, seed {history.seed}")
    for (name, score), colour in zip(baselines.items(), (ORANGE, GREEN, GREY)):
        right.axhline(score, color=colour, linewidth=1.2, label=f"{name} {score:.3f}")
    left.set(xlabel="epoch", ylabel="training loss (cross-entropy)", yscale="log", title="The loss falls")
    right.set(xlabel="epoch", ylabel="held-out accuracy", ylim=(0.9, 1.0), title="and unseen handwriting is read")
    left.yaxis.set_major_formatter("{x:g}")
    left.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:e}"[0] in "25" else "")
    left.legend(frameon=False)
    right.legend(frameon=False, loc="lower right", fontsize=8)
    for axes in (left, right):
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
    return fig


def confusion(truth: Any, predicted: Any) -> Any:
    """How many scans of each digit were read as which; the diagonal is right."""
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (truth, predicted), 1)
    fig = figure(5.4, 5)
    axes = fig.subplots()
    axes.imshow(np.sqrt(counts), cmap="Blues")
    for row in range(10):
        for column in range(10):
            if counts[row, column]:
                colour = "white" if counts[row, column] > counts.max() / 3 else "black"
                axes.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    axes.set(xlabel="read as", ylabel="written", xticks=range(10), yticks=range(10))
    axes.set_title(f"{(truth != predicted).sum()} of {len(truth)} held-out scans misread")
    return fig


def filters(weight: Any) -> Any:
    """The kernels of the first convolution (F, 1, 3, 3): purple answers to ink, orange to its absence."""
    fig = figure(6.4, 2.4)
    limit = float(np.abs(weight).max())
    grid = fig.subplots(2, len(weight) // 2)
    for kernel, axes in zip(weight[:, 0], grid.flat):
        image = axes.imshow(kernel, cmap="PuOr", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[])
    fig.colorbar(image, ax=grid, shrink=0.8, label="weight")
    fig.suptitle("The 3×3 filters that the first layer learned")
    return fig


def mistakes(images: Any, truth: Any, predicted: Any) -> Any:
    """The misread scans, up to sixteen."""
    wrong = np.flatnonzero(truth != predicted)[:16]
    columns, rows = min(8, max(4, len(wrong))), max(1, -(-len(wrong) // 8))
    fig = figure(1.1 * columns, 1.7 * rows + 0.3)
    if not len(wrong):
        fig.text(0.5, 0.5, "Not one held-out scan was misread.", ha="center")
        return fig
    grid = fig.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
    for axes in grid.flat[len(wrong) :]:
        axes.axis("off")
    for k, axes in zip(wrong, grid.flat):
        axes.imshow(images[k, 0], cmap="gray_r")
        axes.set_title(f"{truth[k]} as {predicted[k]}", fontsize=10)
    fig.suptitle("Written, and read by mistake as")
    return fig
