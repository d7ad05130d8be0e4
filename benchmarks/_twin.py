"""A network of minidl/models in PyTorch: its own file, read with `torch` for `minidl`, and with the same weights.

What can be read so is a program for both libraries, so the comparison is of the libraries and of nothing else."""

import inspect
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import minidl
from minidl.recipes.adversarial import Adversarial


def twin_of(model: Any) -> Any:
    """The same network in PyTorch, with the weights that `model` has now; made from `model.config`."""
    import torch

    made = twin_module(Path(inspect.getfile(type(model)))).__dict__[type(model).__name__](model.config)
    made.load_state_dict({name: torch.from_numpy(value.numpy().copy()) for name, value in model.state_dict().items()})
    return made


def twin_module(path: Path) -> types.ModuleType:
    """A file of minidl/models as a module of PyTorch's; files of the package that it imports are read likewise."""
    name = f"benchmarks_twin_{path.stem}"
    if name not in sys.modules:
        text = path.read_text(encoding="utf-8")
        for other in re.findall(r"^from (?:minidl\.models)?\.(\w+) import", text, re.M):
            twin_module(path.with_name(f"{other}.py"))
        text = re.sub(r"^from (?:minidl\.models)?\.(\w+) import", r"from benchmarks_twin_\1 import", text, flags=re.M)
        text = re.sub(r"^import minidl$", "import torch as minidl", text, flags=re.M)
        text = re.sub(r"^from minidl(\S*) import", r"from torch\1 import", text, flags=re.M)
        module = types.ModuleType(name)
        sys.modules[name] = module  # dataclasses look for it there
        exec(compile(text, str(path), "exec"), module.__dict__)
    return sys.modules[name]


def to_torch(value: Any) -> Any:
    import torch

    return converted(value, minidl.Tensor, lambda t: torch.from_numpy(t.numpy()))


def to_minidl(value: Any) -> Any:
    import torch

    return converted(value, torch.Tensor, lambda t: minidl.from_numpy(t.detach().numpy()))


def converted(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, dict):
        return {key: converted(v, kind, change) for key, v in value.items()}
    return type(value)(converted(v, kind, change) for v in value) if isinstance(value, (list, tuple)) else value


class Called:
    """A PyTorch network that takes and gives minidl's tensors, for a recipe to score."""

    def __init__(self, twin: Any) -> None:
        self.twin = twin.eval()

    def __call__(self, *inputs: Any) -> Any:
        import torch

        with torch.no_grad():
            return to_minidl(self.twin(*map(to_torch, inputs)))


def fit(recipe: Any, model: Any, data: Any) -> Any:
    """Train the twin of `model` as the recipe says, on the batches that minidl's loader gives; returns it."""
    import torch

    if isinstance(recipe, Adversarial):
        return take_turns(recipe, model, data)
    twin, loader = twin_of(model), recipe.loader(data.train, True)
    optimizer = recipe.optimizer(torch.optim, twin.parameters())
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, recipe.share(recipe.steps(loader)))
    loss_of = lambda batch: recipe.loss(torch.nn.functional, twin(*batch[:-1]), batch[-1])
    best, kept, waited = float("inf"), None, 0
    for _ in range(recipe.epochs):
        twin.train()
        for batch in loader:
            optimizer.zero_grad()
            loss_of(to_torch(batch)).backward()
            if recipe.clip is not None:
                torch.nn.utils.clip_grad_norm_(twin.parameters(), recipe.clip)
            optimizer.step()
            scheduler.step()
        if recipe.patience is None or data.validation is None:
            continue
        twin.eval()
        with torch.no_grad():
            batches = [to_torch(batch) for batch in recipe.loader(data.validation, False)]
            seen = [(loss_of(batch).item() * len(batch[-1]), len(batch[-1])) for batch in batches]
        loss = sum(total for total, _ in seen) / sum(count for _, count in seen)
        waited += 1
        if loss < best:
            best, waited, kept = loss, 0, {name: t.clone() for name, t in twin.state_dict().items()}
        if waited >= recipe.patience:
            break
    if kept is not None:
        twin.load_state_dict(kept)
    return twin


def take_turns(recipe: Any, model: Any, data: Any) -> Any:
    """Likewise the twin of two networks, one against the other; its noise is minidl's, from where the stream stands."""
    import torch

    twin, loader, step = twin_of(model), recipe.loader(data.train, True), 0
    D, G = twin.discriminator, twin.generator
    d, g = (recipe.optimizer(torch.optim, part.parameters()) for part in (D, G))
    noise = lambda x: to_torch(minidl.randn(len(x), recipe.config.latent))
    twin.train()
    for _ in range(recipe.epochs):
        for batch in loader:
            real, step = to_torch(batch[0]), step + 1
            d.zero_grad()
            twin.discriminator_loss(real, noise(real)).backward()
            d.step()
            if step % recipe.critic_steps == 0:
                D.requires_grad_(False)
                g.zero_grad()
                twin.generator_loss(noise(real)).backward()
                g.step()
                D.requires_grad_(True)
    return twin
