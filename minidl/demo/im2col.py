"""`minidl demo im2col`: a convolution on a handwritten digit, done as one product of matrices."""

from typing import Any

import numpy as np

from minidl import tensor
from minidl.autograd import OPS, no_grad
from minidl.viz import patches
from minidl.viz.figures import host

from . import digits
from .stage import Stage

FAULTS = {
    "stride": "The columns were taken at stride 1 and every second one kept: no row of places was skipped.",
    "transpose": "The filters were laid out column by column (kw, kh), the patches row by row (kh, kw).",
    "flip": "The kernel was turned by 180 degrees: that is the convolution of mathematics, not of networks.",
    "padding": "The zeros went to the right and below only, so every patch lies one pixel off.",
}
FILTERS = {
    "edges from left to right": [[1, 0, -1], [2, 0, -2], [1, 0, -1]],
    "edges from top to bottom": [[1, 2, 1], [0, 0, 0], [-1, -2, -1]],
}
HOW = {"stride": 2, "padding": 1}


def main(argv: list[str]) -> None:
    stage = Stage("im2col", "Convolution is a product of matrices", FAULTS, argv)
    images, labels, _, _ = digits.load()
    k = stage.seed % len(images)
    weight = np.array(list(FILTERS.values()), float)[:, None]
    with no_grad():
        found = planted(patches.explored(images[k], weight, **HOW), images[k], weight, stage.fault)
    K, L = found["columns"].shape
    side = found["places"]

    stage.part("A picture, and two filters of 3 by 3")
    stage.say(f"a handwritten {labels[k]}, 8 by 8; stride 2, a border of zeros")
    stage.say()
    for row in images[k, 0]:
        stage.say("   " + " ".join(" .:*#"[int(v * 4)] * 2 for v in row))
    for name, rows in FILTERS.items():
        stage.say()
        stage.say(name)
        for row in rows:
            stage.say("   " + " ".join(f"{v:3}" for v in row))

    stage.part("Each patch becomes a column, each filter a row")
    stage.say(f"{side[0]} x {side[1]} places  ->  {L} columns of {K} numbers")
    stage.say(f"filters: {len(weight)} x {K}      columns: {K} x {L}")
    stage.say()
    for line in found["columns"]:
        stage.say("  ".join(f"{v:3.1f}" for v in line[:14]) + "  ..")

    stage.part("Row times column, and the output is there")
    y, truth = found["y"].reshape(-1, *side), found["truth"].reshape(-1, *side)
    for name, ours, theirs in zip(FILTERS, y, truth):
        stage.say(f"{name}:      product of matrices      |      conv2d")
        for a, b in zip(ours, theirs):
            stage.say("   " + " ".join(f"{v:6.2f}" for v in a) + "   |   " + " ".join(f"{v:6.2f}" for v in b))
        stage.say()
    wrong = int((~np.isclose(y, truth)).sum())
    stage.say(f"{wrong} of {y.size} outputs differ; largest difference {np.abs(y - truth).max():.2g}")
    if stage.fault:
        stage.say("Something in these lines is wrong. What?")
    stage.page(patches.page(found), "explorer")
    stage.finish(
        "One large product instead of seven loops: that is what processors",
        "are fast at. The price: each pixel is copied into several columns.",
        "Open explorer.html and point at a patch.",
    )


def planted(found: dict[str, Any], image: Any, weight: Any, fault: str | None) -> dict[str, Any]:
    """What is shown, with one line of it wrong."""
    if fault == "transpose":
        found["rows"] = weight.transpose(0, 1, 3, 2).reshape(len(weight), -1)
    elif fault == "flip":
        found["rows"] = found["rows"][:, ::-1].copy()
    elif fault == "stride":
        found["columns"] = taken(found, stride=1)[:, ::2][:, : found["columns"].shape[1]]
    elif fault == "padding":
        found["wide"] = np.pad(np.asarray(image, float), ((0, 0), (0, 2), (0, 2)))
        found["columns"] = taken(found, stride=HOW["stride"])
    found["y"] = found["rows"] @ found["columns"]
    return found


def taken(found: dict[str, Any], stride: int) -> Any:
    """The columns of the padded picture."""
    wide, kernel = tensor(found["wide"][None]), tuple(found["kernel"][1:])
    return host(OPS.im2col(wide, kernel=kernel, stride=(stride, stride), dilation=(1, 1)))[0]
