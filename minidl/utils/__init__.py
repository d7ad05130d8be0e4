"""Where PyTorch keeps its data tools: `minidl.utils.data`."""

from . import checkpoint as checkpoint
from . import data as data
