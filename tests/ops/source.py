"""The syntax tree of a function, as it stands in its file."""

import ast
import functools
from pathlib import Path


@functools.cache
def tree(filename):
    return ast.parse(Path(filename).read_text(encoding="utf-8"), filename)


@functools.cache
def definition(code):
    """The `def` or `lambda` that a code object was compiled from."""
    for node in ast.walk(tree(code.co_filename)):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])
            if first == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name:
                return node
    raise LookupError(f"{code.co_name} is not in {code.co_filename}")
