"""Pictures and tables of what a program does: networks, gradients, training, and the tape of a run.

Figures follow matplotlib: `ax=None` is taken and the axes are returned; nothing is shown or saved."""

import importlib as _importlib
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# Each name is imported when it is first asked for: whoever wants one picture does not wait for all of them. No module
# may bear the name of a function: once imported, it would take the function's place.
_FUNCTIONS = {
    "Summary": "costs",
    "activation_histograms": "histograms",
    "attention_maps": "attention",
    "confusion_matrix": "confusion",
    "convolution_filters": "filters",
    "feature_maps": "filters",
    "gradient_error": "gradcheck",
    "gradient_flow": "gradients",
    "gradients_by_lag": "gradients",
    "gradients_through_time": "gradients",
    "graph": "drawing",
    "im2col": "patches",
    "loss_landscape": "landscape",
    "optimizer_race": "race",
    "record": "tape",
    "step": "stepper",
    "summary": "costs",
    "v_curve": "gradcheck",
    "weight_histograms": "histograms",
}

__all__ = [
    "Summary",
    "activation_histograms",
    "attention_maps",
    "confusion_matrix",
    "convolution_filters",
    "feature_maps",
    "gradient_error",
    "gradient_flow",
    "gradients_by_lag",
    "gradients_through_time",
    "graph",
    "im2col",
    "loss_landscape",
    "optimizer_race",
    "record",
    "step",
    "summary",
    "v_curve",
    "weight_histograms",
]


def __getattr__(name: str) -> _Any:
    if name in _FUNCTIONS:
        return getattr(_importlib.import_module(f".{_FUNCTIONS[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__


if _TYPE_CHECKING:
    from .attention import attention_maps as attention_maps
    from .confusion import confusion_matrix as confusion_matrix
    from .costs import Summary as Summary
    from .costs import summary as summary
    from .drawing import graph as graph
    from .filters import convolution_filters as convolution_filters
    from .filters import feature_maps as feature_maps
    from .gradcheck import gradient_error as gradient_error
    from .gradcheck import v_curve as v_curve
    from .gradients import gradient_flow as gradient_flow
    from .gradients import gradients_by_lag as gradients_by_lag
    from .gradients import gradients_through_time as gradients_through_time
    from .histograms import activation_histograms as activation_histograms
    from .histograms import weight_histograms as weight_histograms
    from .landscape import loss_landscape as loss_landscape
    from .patches import im2col as im2col
    from .race import optimizer_race as optimizer_race
    from .stepper import step as step
    from .tape import record as record
