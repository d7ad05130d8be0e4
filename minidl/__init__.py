"""minidl: deep learning from its formulas, on NumPy and CuPy."""

from . import api as api
from . import ops as ops
from .saving import load as load
from .saving import save as save

__version__ = "0.1.0"
