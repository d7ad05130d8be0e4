"""Files of tensors, numbers and strings: minidl.save and minidl.load. Nothing is pickled, and no file runs code."""

from .checkpoint import load as load
from .checkpoint import save as save
