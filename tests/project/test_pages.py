"""What the pages show is true: the code in README.md and CONTRIBUTING.md runs, and prints what it says."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def blocks(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_first_screen_prints_what_it_says(capsys):
    code = blocks("README.md")[0]
    exec(compile(code, "README.md", "exec"), {})
    claimed = re.findall(r"^print\(.*?\)\s+# (.*)$", code, flags=re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == claimed
    assert len(claimed) == 2


def test_the_op_in_contributing_passes_the_checks():
    import math

    from minidl.autograd import OPS, op
    from minidl.ops.samples import shapes
    from minidl.testing.checks import BOUNDS, LAYOUTS, Trial, check_dtype_kept, check_inputs_untouched, check_layout

    code = next(block for block in blocks("CONTRIBUTING.md") if "@op" in block)
    try:
        exec(code, {"op": op, "shapes": shapes, "math": math})
        made = OPS.log_cosh
        assert len(code.strip().splitlines()) <= 6
        for sample in made.samples:
            for name, error in Trial(made, sample).errors().items():
                assert error is None or error <= BOUNDS[name], name
            for layout in LAYOUTS:
                check_layout(made, sample, layout)
            check_dtype_kept(made, sample, "float32")
            check_inputs_untouched(made, sample)
    finally:
        vars(OPS).pop("log_cosh", None)


def test_the_op_in_the_readme_is_the_code_that_runs():
    import inspect

    from minidl.ops import elementwise

    shown = next(block for block in blocks("README.md") if "@op" in block)
    assert shown.strip() in inspect.getsource(elementwise), "README shows an op that elementwise.py does not have"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_the_files_that_pages_name_exist(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`((?:minidl|tests|benchmarks)/[\w/]+(?:\.\w+)?)", text)
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / f"{name}.py").exists()] == []
