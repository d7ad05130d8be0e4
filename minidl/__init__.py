"""minidl: deep learning from its formulas, on NumPy and CuPy."""

__version__ = "0.1.0"
