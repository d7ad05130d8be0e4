"""The formulas. Each file registers its ops on import; nothing here imports an array library."""

from . import elementwise as elementwise
