"""minidl: deep learning from its formulas, on NumPy and CuPy."""

from . import api as api
from . import data as data
from . import nn as nn
from . import ops as ops
from . import optim as optim
from . import utils as utils

__version__ = "0.1.0"
