"""One text run twice, with minidl and with torch, from the same weights and with the same random draws."""

import re
import sys
import types
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidl

HERE = Path(__file__).parent


def torch_or_skip():
    return pytest.importorskip("torch", reason="the run is compared with PyTorch's, which is not installed")


def load(name, library, text=None):
    """The program as a module; for torch, with its import lines changed."""
    text = (HERE / f"{name}.py").read_text(encoding="utf-8") if text is None else text
    if library == "torch":
        text = re.sub(r"^(import|from) minidl\b", r"\1 torch", text, flags=re.MULTILINE)
    module = types.ModuleType(f"{name}_{library}")
    sys.modules[module.__name__] = module  # dataclasses look there
    with pytest.MonkeyPatch.context() as patch:
        if library == "torch":  # whose own test tools, once another test has imported them, freeze cudnn's flags
            frozen = sys.modules["torch"].backends.flags_frozen
            patch.setitem(frozen.__globals__, "__allow_nonbracketed_mutation_flag", True)
        exec(compile(text, f"{name}.py with {library}", "exec"), vars(module))
    return module


def same_weights(ours, theirs):
    """Give torch's modules minidl's numbers."""
    import torch

    for a, b in zip(ours, theirs, strict=True):
        mine, yours = a.state_dict(), b.state_dict()
        assert list(mine) == list(yours)
        assert [tuple(v.shape) for v in mine.values()] == [tuple(v.shape) for v in yours.values()]
        b.load_state_dict({k: torch.from_numpy(np.array(v.numpy())) for k, v in mine.items()})


def same_draws(patch, library, seed=0):
    """Every draw of the library's from a stream of NumPy's, for both alike."""
    lib, rng = sys.modules[library], np.random.default_rng(seed)
    dtype = lib.get_default_dtype

    def sizes(size):
        return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size

    def drawn(draw):
        return lambda *size, **keywords: lib.tensor(draw(sizes(size)), dtype=keywords.get("dtype") or dtype())

    def randperm(n, **keywords):
        return lib.tensor(rng.permutation(n))

    def randint(low, high, size=None, **keywords):
        low, high, size = (0, low, high) if size is None else (low, high, size)
        return lib.tensor(rng.integers(low, high, tuple(size)))

    def multinomial(input, num_samples, replacement=False, **keywords):
        chances = np.atleast_2d(input.detach().numpy().astype(np.float64))
        edges = np.cumsum(chances / chances.sum(-1, keepdims=True), -1)
        draws = [[min(np.searchsorted(row, u), len(row) - 1) for u in rng.random(num_samples)] for row in edges]
        return lib.tensor(draws).reshape(*input.shape[:-1], num_samples)

    new = {
        "randn": drawn(rng.standard_normal), "rand": drawn(rng.random), "randperm": randperm, "randint": randint,
        "multinomial": multinomial,
        "randn_like": lambda t, **keywords: lib.tensor(rng.standard_normal(tuple(t.shape)), dtype=t.dtype),
        "rand_like": lambda t, **keywords: lib.tensor(rng.random(tuple(t.shape)), dtype=t.dtype),
    }  # fmt: skip
    for name, function in new.items():
        patch.setattr(lib, name, function)
    order = lambda self: iter(rng.permutation(len(self.data_source)).tolist())
    patch.setattr(lib.utils.data.RandomSampler, "__iter__", order)
    if library == "torch":
        stream = lambda generator: minidl.Generator().manual_seed(generator.initial_seed()).numpy
        split = lambda n, generator: minidl.tensor(stream(generator).permutation(n))  # random_split's
        patch.setattr("torch.utils.data.dataset.randperm", split)
        patch.setattr("torch.distributions.normal._standard_normal", lambda shape, dtype, device: new["randn"](shape))
    else:
        patch.setattr("minidl.api.multinomial", multinomial)
        patch.setattr("minidl.api.randn", new["randn"])


def beside(program, steps, text=None, dtype="float64"):
    """The numbers that the program's `train` returns, with minidl and with torch."""
    torch = torch_or_skip()
    before = {lib: lib.get_default_dtype() for lib in (minidl, torch)}
    modules, found = {}, {}
    try:
        for library in ("minidl", "torch"):
            lib = sys.modules[library]
            lib.set_default_dtype(getattr(lib, dtype))
            modules[library] = load(program, library, text)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "enable_nested_tensor")  # a tutorial may be older than some of its advice
            nets = {library: module.make() for library, module in modules.items()}
            same_weights(nets["minidl"], nets["torch"])
            for library, module in modules.items():
                with pytest.MonkeyPatch.context() as patch:
                    same_draws(patch, library)
                    found[library] = [float(v) for v in module.train(*nets[library], steps=steps)]
    finally:
        for lib, kind in before.items():
            lib.set_default_dtype(kind)
    return found["minidl"], found["torch"]
