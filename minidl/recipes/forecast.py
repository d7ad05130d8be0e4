"""The voltage of a nerve cell, foretold: a recording that ships with Matplotlib (membrane.dat, 2,000 values a second).

While it fires steadily, the next 10 ms are foretold from the last 64 ms. "As now" is the simplest forecast; the best
linear one (autoregression, least squares with the ridge that suits the validation part) is computed too. Learned from
the first 1.05 s, stopped by the next 0.4 s, tested on the last 1.4 s."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

import minidl

from ..data import TensorDataset
from ..files import atomic_write
from ..models.forecaster import Forecaster, ForecasterConfig
from ..training.schedules import cosine
from ..viz.figures import COLOURS, DASHES, axes_of, ink
from .recipe import Data, Recipe

RATE = 2000  # values a second
STEADY = slice(1500, 7200)  # where the cell fires steadily; before it wakes up, later it stumbles
ENDS = (0, 2100, 2900, 5700)  # of the parts, from there on
PAST = 128


@dataclass
class ForecastGRU(Recipe):
    epochs: int = 30
    batch: int = 64
    lr: float = 5e-3
    patience: int | None = 8
    clip: float | None = 1.0
    config: ForecasterConfig = field(default_factory=lambda: ForecasterConfig(hidden=48, ahead=20))

    name: ClassVar[str] = "forecast-gru"
    summary: ClassVar[str] = "a GRU that foretells the voltage of a nerve cell"
    source: ClassVar[str] = "Matplotlib's membrane.dat, steady firing, the last 1.4 s held out"
    measure: ClassVar[str] = "R²"
    baseline_name: ClassVar[str] = "linear autoregression"

    def data(self, folder: str | None = None, download: bool = False) -> Data:
        series = voltage(folder)
        mean, std = (float(f(series[: ENDS[1]])) for f in (np.mean, np.std))
        parts = [(series[a:b] - mean) / std for a, b in zip(ENDS, ENDS[1:])]
        train, validation, test = (windows(part, self.config.ahead, self.limit) for part in parts)
        return Data(train, test, validation, {"mean": mean, "std": std})

    def network(self, config: Any) -> Forecaster:
        return Forecaster(config)

    def loss(self, F: Any, output: Any, target: Any) -> Any:
        return F.mse_loss(output, target)

    def share(self, steps: int) -> Any:
        return cosine(steps, warmup=min(50, steps // 10))

    def score(self, model: Any, data: Data) -> dict[str, float]:
        """R² over all that was foretold; the root mean square error in mV; and the R² of "as now"."""
        x, y = arrays(data.test)
        foretold = np.concatenate([model(batch).numpy() for batch, _ in self.loader(data.test, False)])
        error = float(np.sqrt(np.mean((foretold - y) ** 2))) * data.known["std"]
        return {"R²": r_squared(foretold, y), "RMSE in mV": error, "R² of persistence": r_squared(x[:, -1:], y)}

    def baseline(self, data: Data) -> float:
        x, y = arrays(data.test)
        return r_squared(autoregression(data)(x), y)

    def pictures(self, model: Any, data: Data, folder: Path) -> None:
        """Truth, and forecasts of the next `ahead` values, each made where the one before it ends."""
        x, y = arrays(data.test)
        ahead, linear = self.config.ahead, autoregression(data)
        x, y = x[::ahead][:40], y[::ahead][:40]
        made = {self.config.cell.upper(): model(minidl.tensor(x)).numpy(), self.baseline_name: linear(x)}
        scaled = lambda series: series.ravel() * data.known["std"] + data.known["mean"]
        milliseconds = np.arange(y.size) * 1000 / RATE
        ax = axes_of(None, 9.0, 3.6)
        ax.plot(milliseconds, scaled(y), color=ink(ax), linewidth=1, label="recorded")
        for k, (name, foretold) in enumerate(made.items()):
            broken = scaled(foretold)
            broken[::ahead] = np.nan  # a gap where the next forecast begins
            ax.plot(milliseconds, broken, color=COLOURS[k], linestyle=DASHES[k], label=name)
        ax.set(xlabel="ms", ylabel="voltage, mV", title=f"Each forecast is of the next {1000 * ahead / RATE:g} ms")
        ax.legend(frameon=False, ncols=3, loc="upper center")
        ax.set_ylim(top=ax.get_ylim()[1] + 10)
        with atomic_write(folder / "forecast.png") as file:
            ax.figure.savefig(file, format="png", dpi=120)


def voltage(folder: str | None) -> Any:
    """The steady part of the recording, in mV."""
    import matplotlib

    path = Path(folder or Path(matplotlib.get_data_path(), "sample_data"), "membrane.dat")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: Matplotlib ships it in mpl-data/sample_data")
    series = np.fromfile(path, "<f4")
    if len(series) < STEADY.stop:
        raise ValueError(f"{path} has {len(series):,} values, and the first {STEADY.stop:,} are needed")
    return 100.0 * series[STEADY].astype(np.float64)


def windows(series: Any, ahead: int, limit: int | None) -> TensorDataset:
    """x (N, PAST, 1) and y (N, ahead, 1), one from each step on."""
    rows = np.lib.stride_tricks.sliding_window_view(series, PAST + ahead)[:limit, :, None]
    whole = minidl.tensor(rows.astype(np.float32))
    return TensorDataset(whole[:, :PAST], whole[:, PAST:])


def arrays(part: TensorDataset) -> list[Any]:
    return [t.numpy() for t in part.tensors]


def r_squared(foretold: Any, y: Any) -> float:
    """1 − Σ (y − ŷ)² / Σ (y − mean y)²"""
    return float(1 - ((y - foretold) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def autoregression(data: Data) -> Any:
    """The linear function of the past with the least squared error plus λ ‖w‖²; λ as the validation part likes it."""
    x, y, seen, wanted = (part[:, :, 0].astype(np.float64) for part in (*arrays(data.train), *arrays(data.validation)))
    gram, target = x.T @ x, x.T @ y
    solved = [np.linalg.solve(gram + strength * np.eye(PAST), target) for strength in 10.0 ** np.arange(-6, 4)]
    w = min(solved, key=lambda w: ((seen @ w - wanted) ** 2).sum())
    return lambda past: (past[:, :, 0] @ w)[:, :, None]
