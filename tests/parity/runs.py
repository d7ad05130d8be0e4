"""What there is to run: the operators in scope, one after the other."""

import sys

from . import operators


def operator_outcomes(names=(), cap=None):
    found = []
    for title, op in operators.operators().items():
        if not names or title in names or op.name in names:
            found += operators.run(op, cap)
            if sys.stderr.isatty():
                print(f"\r{title:60}", end="", file=sys.stderr)
    return found
