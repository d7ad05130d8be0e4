"""Where PyTorch keeps its data tools: `minidl.utils.data`."""

from . import data as data
