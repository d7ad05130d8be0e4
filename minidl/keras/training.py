"""compile, fit, evaluate, predict: the loop around a model."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..api import as_tensor
from ..autograd import Tensor, grad, no_grad
from . import losses, metrics, optimizers
from .callbacks import CallbackList, History
from .feed import Arrays, Batches, class_weights, is_arrays, taken, to_arrays
from .graph import flat, mapped
from .layers.base import Layer
from .masks import mask_of
from .progress import Progress


class Compiled:
    """What `compile` settled: the losses and metrics of each output, and which layers learn."""

    def __init__(self, model: Any, loss: Any, given: Any, loss_weights: Any, weighted: Any) -> None:
        self.loss, self.given, self.loss_weights, self.weighted = loss, given, loss_weights, weighted
        self.mean = metrics.Mean("loss")
        self.parts: list[Any] = []  # the mean loss of each of several outputs
        self.losses: list[Any] = []
        self.metrics: list[list[Any]] = []
        self.weighted_metrics: list[list[Any]] = []
        self.trainable = {layer: layer.trainable for layer in (model, *model.inner_layers())}
        self.ready = False

    def prepare(self, model: Any, targets: list[Any], outputs: list[Any]) -> None:
        """Make the metrics, now that the shapes are known."""
        if self.ready:
            return
        names = list(model.output_names) if len(outputs) > 1 else [""]
        self.names, n = names, len(outputs)
        self.losses = [None if loss is None else losses.get(loss) for loss in spread(self.loss, names, n, "loss")]
        self.weights = [1.0 if w is None else w for w in spread(self.loss_weights, names, n, "loss_weights")]
        self.parts = [metrics.Mean(f"{name}_loss") for name in names] if n > 1 else []

        def made(given: Any) -> list[list[Any]]:
            several = n > 1 or isinstance(given, dict)
            rows = [listed(row) for row in spread(given, names, n, "metrics")] if several else [listed(given)]
            return [[metrics.get(m, t, p) for m in row] for row, t, p in zip(rows, targets, outputs)]

        self.metrics, self.weighted_metrics = made(self.given), made(self.weighted)
        self.ready = True

    def reset(self) -> None:
        for metric in self.all():
            metric.reset_state()

    def all(self) -> list[Any]:
        rows = [*self.metrics, *self.weighted_metrics]
        return [self.mean, *self.parts, *(m for row in rows for m in row)]

    def loss_of(self, model: Any, targets: list[Any], outputs: list[Any], weights: Any) -> tuple[Any, list[Any]]:
        """The loss of a batch, and that of each output."""
        self.prepare(model, targets, outputs)
        each = spread(weights, self.names, len(outputs), "sample_weight") if len(outputs) > 1 else [weights]
        parts = [
            None if loss is None else loss(t, p, w, mask_of(p))
            for loss, t, p, w in zip(self.losses, targets, outputs, each)
        ]
        known = [w * part for w, part in zip(self.weights, parts) if part is not None]
        if not known:
            raise ValueError("the model was compiled without a loss, so there is nothing to learn from")
        return sum(known[1:], known[0]) + sum(model.losses), parts

    def note(
        self, loss: Any, parts: list[Any], targets: list[Any], outputs: list[Any], weights: Any
    ) -> dict[str, float]:
        """Take a batch into all the metrics; what they say so far."""
        n = outputs[0].shape[0]
        self.mean.update_state(loss.detach(), n)
        for part, mean in zip(parts, self.parts):
            if part is not None:
                mean.update_state(part.detach(), n)
        each = spread(weights, self.names, len(outputs), "sample_weight") if len(outputs) > 1 else [weights]
        for k, (t, p, w) in enumerate(zip(targets, outputs, each)):
            for metric in self.metrics[k]:
                metric.update_state(t, p.detach(), sample_weight=mask_of(p))
            for metric in self.weighted_metrics[k]:
                metric.update_state(t, p.detach(), sample_weight=w)
        return self.logs()

    def logs(self) -> dict[str, float]:
        found = {"loss": self.mean.result(), **{m.name: m.result() for m in self.parts}}
        for rows in (self.metrics, self.weighted_metrics):
            for name, row in zip(self.names, rows):
                for metric in row:
                    key = f"{name}_{metric.name}" if name else metric.name
                    found[key if key not in found else f"{key}_1"] = metric.result()
        return found


def listed(value: Any) -> list[Any]:
    """One, several or none, as a list."""
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def spread(given: Any, names: list[str], n: int, what: str) -> list[Any]:
    """One for each output: a list, a dict by the outputs' names, or the same for all."""
    if isinstance(given, dict):
        if unknown := set(given) - set(names):
            raise ValueError(f"{what}: {unknown.pop()!r} is no output; the outputs are {', '.join(names)}")
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != n:
            raise ValueError(f"{what}: {n} are expected, one for each output, got {len(given)}")
        return list(given)
    return [given] * n


class Trainer(Layer):
    """What every Model can do once it is compiled."""

    compiled: Any = None
    optimizer: Any = None
    stop_training = False
    history: Any = None

    def compile(
        self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None, loss_weights: Any = None,
        weighted_metrics: Any = None, run_eagerly: Any = None, jit_compile: Any = None, steps_per_execution: int = 1,
    ) -> None:  # fmt: skip
        """Settle how to train: by which optimizer and loss, reporting which metrics; and which layers learn.

        Setting `trainable` later changes this model only at its next compile, so that one layer can learn in one model
        and stay as it is in another. run_eagerly, jit_compile and steps_per_execution change nothing here."""
        self.optimizer = optimizers.get(optimizer)
        for name in flat(loss):
            if name is not None:
                losses.get(name)  # an unknown name is refused here, not at the first batch
        self.compiled = Compiled(self, loss, metrics, loss_weights, weighted_metrics)
        self.compile_config = {"optimizer": self.optimizer, "loss": loss, "metrics": metrics,
                               "loss_weights": loss_weights, "weighted_metrics": weighted_metrics}  # fmt: skip

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate returns."""
        return list(self._settled("metrics_names").logs()) if self.compiled.ready else ["loss"]

    @property
    def metrics(self) -> list[Any]:
        """The metrics, the loss's mean first."""
        return self.compiled.all() if self.compiled else []

    def reset_metrics(self) -> None:
        """Begin to count anew."""
        if self.compiled:
            self.compiled.reset()

    def _settled(self, method: str) -> Any:
        if self.compiled is None:
            raise ValueError(f"{self.titled}: call compile(optimizer=, loss=) before {method}")
        return self.compiled

    @contextmanager
    def _as_compiled(self) -> Iterator[None]:
        """The layers learn, or do not, as they did when this model was compiled."""
        then = self.compiled.trainable
        changed = [layer for layer, flag in then.items() if layer.trainable != flag]
        try:
            for layer in changed:
                layer.__dict__["_trainable"] = then[layer]
            yield
        finally:
            for layer in changed:
                layer.__dict__["_trainable"] = not then[layer]

    # ---- one batch

    def _tensors(self, value: Any) -> Any:
        weights = self.weights
        device = weights[0].device if weights else None

        def tensor(v: Any) -> Any:
            t = v if v is None else as_tensor(v)
            return t if t is None or device is None else t.to(device)

        return mapped(tensor, value)

    def _results(self, x: Any, y: Any, training: bool) -> tuple[list[Any], list[Any]]:
        result = self(self._tensors(x), training=training)
        outputs = list(flat(result))
        y = self._tensors(y)
        if isinstance(y, dict):
            y = [y.get(name) for name in self.output_names]
        targets = list(flat(y)) if len(outputs) > 1 else [next(flat(y))]
        if len(targets) != len(outputs):
            raise ValueError(f"{self.titled} has {len(outputs)} outputs and was given {len(targets)} targets")
        for t, p in zip(targets, outputs):
            if t is not None and t.ndim and p.ndim and t.shape[0] != p.shape[0]:
                raise ValueError(
                    f"{self.titled}: {t.shape[0]} targets for {p.shape[0]} outputs {tuple(p.shape)}; a layer changes "
                    "the batch's axis"
                )
        return targets, outputs

    def train_step(self, data: Any) -> dict[str, float]:
        """Learn from one batch (x, y, sample_weight); what to report. A subclass may write its own."""
        x, y, weights = (*data, None, None)[:3]
        with self._as_compiled():
            targets, outputs = self._results(x, y, True)
            loss, parts = self.compiled.loss_of(self, targets, outputs, self._tensors(weights))
            learned = self.trainable_weights
            if learned:
                self.optimizer.apply(grad(loss, learned, allow_unused=True), learned)
        return self.compiled.note(loss, parts, targets, outputs, self._tensors(weights))

    @no_grad()
    def test_step(self, data: Any) -> dict[str, float]:
        """Judge one batch."""
        x, y, weights = (*data, None, None)[:3]
        targets, outputs = self._results(x, y, False)
        loss, parts = self.compiled.loss_of(self, targets, outputs, self._tensors(weights))
        return self.compiled.note(loss, parts, targets, outputs, self._tensors(weights))

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Learn from one batch: its loss, or [loss, metrics …]."""
        return self._on_batch(self.train_step, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Judge one batch: its loss, or [loss, metrics …]."""
        return self._on_batch(self.test_step, x, y, sample_weight, None, return_dict)

    def _on_batch(self, step: Any, x: Any, y: Any, sample_weight: Any, class_weight: Any, as_dict: bool) -> Any:
        self._settled(step.__name__.replace("step", "on_batch")).reset()
        x, y = self._arrays(x), self._arrays(y)
        if class_weight is not None:
            sample_weight = class_weights(y, class_weight)
        logs = step((x, y, to_arrays(sample_weight, False)))
        return logs if as_dict else in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch, as NumPy arrays."""
        with no_grad():
            return mapped(numpy_of, self(self._tensors(self._arrays(x)), training=False))

    def _arrays(self, value: Any) -> Any:
        return to_arrays(value, False)

    # ---- many batches

    def _feed(self, x: Any, y: Any, weights: Any, batch_size: int | None, shuffle: bool, steps: int | None) -> Any:
        if is_arrays(x):
            return Arrays(self._arrays(x), self._arrays(y), to_arrays(weights, False), batch_size, shuffle)
        if y is not None:
            raise ValueError(f"{self.titled}: batches from a {type(x).__name__} hold the targets too; leave y out")
        return Batches(x, steps)

    def fit(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1, verbose: Any = "auto",
        callbacks: Any = None, validation_split: float = 0.0, validation_data: Any = None, shuffle: bool = True,
        class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0, steps_per_epoch: int | None = None,
        validation_steps: int | None = None, validation_batch_size: int | None = None, validation_freq: int = 1,
    ) -> History:  # fmt: skip
        """Train for some epochs; the History of what was reported.

        x, y: arrays, lists of them for several inputs or outputs, or in x alone anything that gives batches (x, y).
        validation_split: the last share of the data, taken before shuffling, is for validation_data."""
        compiled = self._settled("fit")
        if validation_data is None and validation_split:
            if not is_arrays(x) or not 0 < validation_split < 1:
                raise ValueError("fit: validation_split lies between 0 and 1 and takes arrays")
            x, y, sample_weight, validation_data = self._parted(x, y, sample_weight, validation_split)
        if class_weight is not None:
            if sample_weight is not None:
                raise ValueError("fit: class_weight and sample_weight cannot both be given")
            sample_weight = class_weights(self._arrays(y), class_weight)
        feed = self._feed(x, y, sample_weight, batch_size, shuffle, steps_per_epoch)
        history = History()
        calls = self._calls(callbacks, verbose, feed, epochs, history)
        self.stop_training = False
        self.history = history
        calls("on_train_begin")
        logs: dict[str, float] = {}
        for epoch in range(initial_epoch, epochs):
            compiled.reset()
            calls("on_epoch_begin", epoch)
            for k, batch in enumerate(feed):
                calls("on_train_batch_begin", k)
                logs = self.train_step(batch)
                calls("on_train_batch_end", k, logs)
                if self.stop_training:
                    break
            logs = dict(logs)
            if validation_data is not None and (epoch + 1) % validation_freq == 0:
                judged = self._judge(validation_data, validation_batch_size or batch_size, validation_steps, calls)
                logs.update({f"val_{name}": value for name, value in judged.items()})
            calls("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        calls("on_train_end", logs)
        return history

    def _parted(self, x: Any, y: Any, weights: Any, share: float) -> Any:
        x, y, weights = self._arrays(x), self._arrays(y), to_arrays(weights, False)
        n = Arrays(x, y, weights, None, False).n
        first = math.floor(n * (1 - share))
        if first in (0, n):
            raise ValueError(f"fit: validation_split={share} of {n} examples leaves one part empty")
        head, tail = ([taken(v, part) for v in (x, y, weights)] for part in (slice(first), slice(first, None)))
        return *head, tuple(tail)

    def _judge(self, data: Any, batch_size: int | None, steps: int | None, calls: Any) -> dict[str, float]:
        parts = (*data, None, None)[:3] if isinstance(data, (list, tuple)) else (data, None, None)
        return self._evaluated(self._feed(parts[0], parts[1], parts[2], batch_size, False, steps), calls)

    def _evaluated(self, feed: Any, calls: Any) -> dict[str, float]:
        self.compiled.reset()
        calls("on_test_begin")
        logs: dict[str, float] = {}
        for k, batch in enumerate(feed):
            calls("on_test_batch_begin", k)
            logs = self.test_step(batch)
            calls("on_test_batch_end", k, logs)
        calls("on_test_end", logs)
        return dict(logs)

    def evaluate(
        self, x: Any = None, y: Any = None, batch_size: int | None = None, verbose: Any = "auto",
        sample_weight: Any = None, steps: int | None = None, callbacks: Any = None, return_dict: bool = False,
    ) -> Any:  # fmt: skip
        """The loss, or [loss, metrics …], over all examples."""
        self._settled("evaluate")
        feed = self._feed(x, y, sample_weight, batch_size, False, steps)
        logs = self._evaluated(feed, self._calls(callbacks, verbose, feed))
        return logs if return_dict else in_order(logs)

    def predict(
        self, x: Any, batch_size: int | None = None, verbose: Any = "auto", steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:  # fmt: skip
        """The outputs for all examples, as NumPy arrays."""
        feed = self._feed(x, None, None, batch_size, False, steps)
        calls = self._calls(callbacks, verbose, feed)
        calls("on_predict_begin")
        found = []
        for k, (batch, _, _) in enumerate(feed):
            calls("on_predict_batch_begin", k)
            found.append(self.predict_on_batch(batch))
            calls("on_predict_batch_end", k)
        calls("on_predict_end")
        return joined(found)

    def _calls(self, callbacks: Any, verbose: Any, feed: Any, epochs: int = 1, *more: Any) -> CallbackList:
        """The user's callbacks, then the line that shows where training is, then what is to see their changes."""
        verbose = 1 if verbose == "auto" else int(verbose)
        given = callbacks if isinstance(callbacks, (list, tuple)) else [] if callbacks is None else [callbacks]
        return CallbackList([*given, Progress(verbose), *more], self, epochs=epochs, steps=len(feed), verbose=verbose)


def joined(found: list[Any]) -> Any:
    first = found[0]
    if isinstance(first, dict):
        return {key: joined([part[key] for part in found]) for key in first}
    if isinstance(first, (list, tuple)):
        return [joined(list(parts)) for parts in zip(*found)]
    return np.concatenate(found, axis=0)


def numpy_of(t: Any) -> Any:
    return t.detach().cpu().numpy() if isinstance(t, Tensor) else t


def in_order(logs: dict[str, float]) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values
