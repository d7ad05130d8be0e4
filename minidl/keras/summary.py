"""The table that model.summary() prints."""

from typing import Any

from .graph import mapped


def table(model: Any, width: int, expand: bool, show_trainable: bool) -> str:
    """Layer (type), output shape and number of weights of each layer, and the totals."""
    graph = getattr(model, "graph", None)
    branches = graph is not None and any(len(node.inputs) != 1 for node in graph[2])
    head = ["Layer (type)", "Output Shape", "Param #"]
    head += ["Connected to"] if branches else []
    head += ["Trainable"] if show_trainable else []
    rows = list(_rows(model, "", expand, branches, show_trainable))
    widths = [max(len(line[k]) for line in [head, *rows]) for k in range(len(head))]
    spare = max(width - sum(widths) - 3 * len(widths) - 1, 0)
    widths = [w + spare // len(widths) for w in widths]
    line = lambda left, fill, middle, right: left + middle.join(fill * (w + 2) for w in widths) + right
    cells = lambda row: "│" + "│".join(
        f" {cell:>{w}} " if k == 2 else f" {cell:<{w}} " for k, (cell, w) in enumerate(zip(row, widths))
    ) + "│"  # fmt: skip
    text = [f'Model: "{model.name}"', line("┌", "─", "┬", "┐"), cells(head), line("├", "─", "┼", "┤")]
    text += [cells(row) for row in rows] + [line("└", "─", "┴", "┘")]
    count = lambda weights: sum(t.numel() for t in weights)
    size = lambda weights: sum(t.numel() * t.dtype.itemsize for t in weights)
    for what, weights in (
        ("Total", model.weights), ("Trainable", model.trainable_weights), ("Non-trainable", model.non_trainable_weights)
    ):  # fmt: skip
        text.append(f" {what} params: {count(weights):,} ({_bytes(size(weights))})")
    return "\n".join(text)


def _rows(model: Any, indent: str, expand: bool, branches: bool, show_trainable: bool) -> Any:
    for layer in model.layers:
        try:
            shape = mapped(lambda t: t.shape, layer.nodes[-1].result) if layer.nodes else layer.output.shape
        except AttributeError:
            shape = "?"
        known = f"{sum(t.numel() for t in layer.weights):,}" if layer.built else "0 (unbuilt)"
        row = [f"{indent}{layer.name} ({type(layer).__name__})", str(shape), known]
        if branches:
            node = layer.nodes[-1] if layer.nodes else None
            sources = [] if node is None or node.layer is None else node.inputs
            row.append(", ".join(t.node.layer.name if t.node is not None else str(t.name) for t in sources) or "-")
        if show_trainable:
            row.append(("Y" if layer.trainable else "N") if layer.weights else "-")
        yield row
        if expand and hasattr(layer, "layers"):
            yield from _rows(layer, f"{indent}  └ ", expand, branches, show_trainable)


def _bytes(n: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            return f"{n:.2f} {unit}"
        n /= 1024
    return ""


