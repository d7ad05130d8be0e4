"""The few of Keras's backend functions that listings call."""

from .utils import clear_session as clear_session


def epsilon() -> float:
    """What keeps probabilities away from 0 and 1 in the losses."""
    return 1e-7


def image_data_format() -> str:
    """Where the channels of pictures stand."""
    return "channels_last"


def floatx() -> str:
    """The dtype of weights."""
    return "float32"
