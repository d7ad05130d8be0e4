"""A data set of minidl.vision as Keras gives it."""

from typing import Any

import numpy as np

from ...autograd import Tensor


def load(cls: Any, column: bool) -> Any:
    """(x_train, y_train), (x_test, y_test); column: the labels as (n, 1)."""
    return _arrays(cls(train=True, download=True), column), _arrays(cls(train=False, download=True), column)


def _arrays(data: Any, column: bool) -> tuple[Any, Any]:
    x, y = (t.cpu().numpy() if isinstance(t, Tensor) else np.asarray(t) for t in (data.data, data.targets))
    y = y.astype("uint8")
    return x, y.reshape(-1, 1) if column else y
