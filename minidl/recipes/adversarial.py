"""What the adversarial recipes share: two networks that take turns, pictures by epoch, a score that is not eyes."""

import math
import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, cast

import numpy as np

import minidl
from minidl import nn

from ..files import atomic_write
from ..training import Checkpoint, EarlyStopping, JsonLog
from ..training.adversarial import AdversarialTrainer, Each
from ..training.checkpoint import random_states, seed_all, set_random_states
from ..vision.datasets import MNIST
from ..vision.utils import save_image
from .batches import Pictures
from .judge import Judge, batches, judge_of
from .recipe import LOG, Data, Recipe

GRID, SHOWN = 8, 2000  # pictures of a row; pictures that are judged after each epoch
SMALL = 28  # pixels that a side has at least in a picture file
ROWS, BORDER = 10, 2  # epochs that are shown below one another; pixels between pictures
WALKS, STEPS = 6, 10  # ways from one picture to another, and pictures on each


@dataclass
class Adversarial(Recipe):
    """betas: of Adam, in both networks. critic_steps: steps of the discriminator for one of the generator. patience is
    for the Fréchet distance."""

    lr: float = 2e-4
    betas: tuple[float, float] = (0.5, 0.999)
    critic_steps: int = 1

    source: ClassVar[str] = "MNIST, scans of digits"
    measure: ClassVar[str] = "frechet_distance"
    better: ClassVar[str] = "min"
    baseline_name: ClassVar[str] = "untrained generator"
    shown: ClassVar[tuple[str, ...]] = ("epochs.png", "walk.png")

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        parts = [MNIST(folder, train=train, download=download) for train in (True, False)]
        pictures = lambda p: Pictures(p.data[: self.limit].unsqueeze(1), p.targets[: self.limit], [0.0], [1.0])
        train, test = map(pictures, parts)
        # Of a copy: memory that somebody holds as an array is looked through for changes at each backward.
        return Data(train, test, known={"data": zlib.crc32(train.images.clone().numpy())})

    def configured(self, data: Data) -> Any:
        return replace(self.config, side=data.train.images.shape[-1])

    def loader(self, part: Any, shuffle: bool) -> Any:
        return batches(part, self.batch, shuffle, minidl.Generator().manual_seed(self.seed))

    def optimizer(self, optim: Any, parameters: Any) -> Any:
        return optim.Adam(parameters, lr=self.lr, betas=self.betas)

    def fit(self, model: Any, data: Data, folder: Path, resume: bool = False, progress: bool = True) -> nn.Module:
        judge = self.judge(data, folder, progress)
        fixed = self.latents(GRID * GRID, seed=0)

        def draw(trainer: Any) -> None:
            model.eval()  # batch normalisation is not to learn from what is only looked at
            picture(folder / f"epoch-{trainer.run.epoch:03}.png", drawn(model, fixed))
            model.train()

        callbacks: list[Any] = [Checkpoint(folder, every=100), JsonLog(folder / LOG, every=100), Each(draw)]
        if self.patience is not None:
            callbacks.append(EarlyStopping("validation_frechet_distance", patience=self.patience))
        trainer = AdversarialTrainer(
            model, self.optimizer(minidl.optim, model.discriminator.parameters()),
            self.optimizer(minidl.optim, model.generator.parameters()), callbacks, latent=self.config.latent,
            critic_steps=self.critic_steps, clip=self.clip,
        )  # fmt: skip
        shown = self.latents(min(SHOWN, len(data.test)), seed=1)
        found: Any = lambda model: judge.scores(drawn(model, shown))
        trainer.fit(
            self.loader(data.train, True), found, self.epochs, resume=folder if resume else None, progress=progress
        )
        return model

    # ---- scores

    def judge(self, data: Any, folder: Path | None = None, progress: bool = False) -> Judge:
        """Trained at first use, and kept with the data."""
        if not hasattr(data, "judge"):
            data.judge = judge_of(data, folder, progress)
        return data.judge

    def score(self, model: Any, data: Data) -> dict[str, float]:
        """Of as many generated pictures as there are held-out ones; and the distance of those, which nothing beats."""
        judge = self.judge(data)
        scores = judge.scores(drawn(model, self.latents(len(data.test), seed=2)))
        real = judge.scores(x for x, *_ in self.loader(data.test, False))
        held_out = {f"held_out_{name}": value for name, value in real.items()}
        return {**scores, **held_out, "judge_accuracy": judge.accuracy}

    def baseline(self, data: Data) -> float:
        states = random_states()
        try:
            seed_all(self.seed)
            return self.score(self.network(self.configured(data)).eval(), data)[self.measure]
        finally:
            set_random_states(states)

    def latents(self, count: int, seed: int) -> Any:
        """z (count, latent), the same for the same seed."""
        return minidl.randn(count, self.config.latent, generator=minidl.Generator().manual_seed(seed))

    # ---- pictures

    def pictures(self, model: nn.Module, data: Data, folder: Path) -> None:
        picture(folder / "samples.png", drawn(model, self.latents(GRID * GRID, seed=0)))
        ends = self.latents(2 * WALKS, seed=3)
        shares = [k / (STEPS - 1) for k in range(STEPS)]
        walks = [slerp(a, b, t) for a, b in zip(ends[::2], ends[1::2]) for t in shares]
        picture(folder / "walk.png", drawn(model, minidl.stack(walks)), STEPS)
        picture(folder / "real.png", data.test[list(range(min(GRID * GRID, len(data.test))))][0])
        self.by_epoch(folder)

    def by_epoch(self, folder: Path) -> None:
        """The first line of the pictures after each epoch, or after ROWS of them, below one another."""
        import matplotlib.image

        paths = [p for k in range(1, self.epochs + 1) if (p := folder / f"epoch-{k:03}.png").exists()]
        chosen = sorted({round(k * (len(paths) - 1) / (ROWS - 1)) for k in range(ROWS)})
        grids = [matplotlib.image.imread(paths[k]) for k in chosen]
        line = (len(grids[0]) - BORDER) // GRID
        with atomic_write(folder / "epochs.png") as file:
            pixels = np.concatenate([grid[:line] for grid in grids] + [grids[0][-BORDER:]])
            matplotlib.image.imsave(cast(BinaryIO, file), pixels, format="png")

    def generate(self, model: nn.Module, known: dict[str, Any], **how: Any) -> str:
        """Draw `count` pictures from the latents of `seed` into the file `path`."""
        if how.get("prompt"):
            raise ValueError(f"a {self.name} draws from random numbers: leave the prompt out, take another --seed")
        count = GRID * GRID if how.get("count") is None else how["count"]
        if count < 1:
            raise ValueError(f"--count is 1 or more, got {count}")
        picture(how["path"], drawn(model, self.latents(count, how["seed"])), math.ceil(math.sqrt(count)))
        return f"picture: {how['path']}"


@minidl.no_grad()
def drawn(model: Any, z: Any) -> Any:
    """The pictures of many z."""
    return minidl.cat([model(part) for part in z.split(256)])


def slerp(a: Any, b: Any, t: float) -> Any:
    """The point at t ∈ [0, 1] on the arc from a to b (Shoemake 1985), (sin (1 − t)ω a + sin tω b) / sin ω, ω = ∠(a, b).

    z ~ N(0, I) of many numbers lie near a sphere; a straight line would leave it, and G knows nothing of its inside."""
    cosine = nn.functional.cosine_similarity(a, b, dim=0).clamp(-1, 1).item()
    angle = math.acos(cosine)
    if math.sin(angle) < 1e-6:  # the same direction, or the opposite one, to which no arc is shorter than others
        return (1 - t) * a + t * b
    return (math.sin((1 - t) * angle) * a + math.sin(t * angle) * b) / math.sin(angle)


def picture(path: Path, x: Any, row: int = GRID) -> None:
    """Pictures in a grid, `row` beside one another; small ones enlarged."""
    times = -(-SMALL // x.shape[-1])
    x = x.repeat_interleave(times, 2).repeat_interleave(times, 3)
    with atomic_write(path) as file:
        save_image(x, file, format="png", nrow=row)
