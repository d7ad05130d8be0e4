"""The formulas. Each file registers its ops on import; no formula imports an array library."""

from . import activation as activation
from . import attention as attention
from . import bessel as bessel
from . import compare as compare
from . import conv as conv
from . import ctc as ctc
from . import elementwise as elementwise
from . import embedding as embedding
from . import factor as factor
from . import index as index
from . import linalg as linalg
from . import linear as linear
from . import loss as loss
from . import normalize as normalize
from . import pool as pool
from . import recurrent as recurrent
from . import reduce as reduce
from . import shape as shape
from . import softmax as softmax
from . import special as special
from . import tap as tap
from . import warp as warp
