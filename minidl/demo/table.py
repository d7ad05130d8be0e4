"""`minidl demo [NAME]`: the main demo, or one of those an instructor shows."""

import importlib

# name -> what it shows, and the function (argv) -> exit status or None that shows it
DEMOS: dict[str, tuple[str, str]] = {
    "attention": ("who looks at whom, and why scores are divided by the root of d", "minidl.demo.attention:main"),
    "gradcheck": ("a derivative from two values, and what a wrong gradient looks like", "minidl.demo.gradcheck:main"),
    "im2col": ("convolution is a product of matrices", "minidl.demo.im2col:main"),
    "optimizers": ("a race over classic surfaces", "minidl.demo.optimizers:main"),
    "step": ("one training step, backward operation by operation", "minidl.demo.step:main"),
    "vanishing": ("gradients that fade through time and through layers", "minidl.demo.vanishing:main"),
}


def main(argv: list[str]) -> int | None:
    name = argv[0] if argv else ""
    if not name or name.startswith("-"):
        from .main import main as whole

        return whole(argv)
    if name not in DEMOS:
        raise ValueError(f"there is no demo {name!r}; there are {', '.join(DEMOS)}, and without a name the main one")
    module, function = DEMOS[name][1].split(":")
    status: int | None = getattr(importlib.import_module(module), function)(argv[1:])
    return status


def listing() -> str:
    lines = (f"  minidl demo {name:11} {what}" for name, (what, _) in DEMOS.items())
    return "to be shown to a class (each takes --break KIND, --step, --seed N):\n" + "\n".join(lines)
