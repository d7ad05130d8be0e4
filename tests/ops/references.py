"""What every op should give, written independently of its formula.

Each file of formulas, minidl/ops/foo.py, has a tests/ops/reference_foo.py with

    REFERENCES = {"op name": function(*numpy arrays, **static)}

computed by another route: loops, math, a different NumPy function. Here they are brought together."""

import importlib
from pathlib import Path

REFERENCES = {}

for path in sorted(Path(__file__).parent.glob("reference_*.py")):
    found = importlib.import_module(f"tests.ops.{path.stem}").REFERENCES
    twice = sorted(set(found) & set(REFERENCES))
    if twice:
        raise ValueError(f"{path.name}: {', '.join(twice)} has a reference in another file already")
    REFERENCES.update(found)
