"""The formulas. Each file registers its ops on import; no formula imports an array library."""

from . import compare as compare
from . import elementwise as elementwise
from . import index as index
from . import linalg as linalg
from . import reduce as reduce
from . import shape as shape
