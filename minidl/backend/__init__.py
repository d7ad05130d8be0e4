"""Arrays: the algebra and its bindings, devices, dtypes, random streams, memory."""

import warnings

from . import allocator as allocator  # applied on import, before the first thread starts
from .base import BACKENDS as BACKENDS
from .base import Array as Array
from .base import Backend as Backend
from .base import backend_of as backend_of
from .batch import BatchArray as BatchArray
from .device import backend_for as backend_for
from .device import cuda_problem as cuda_problem
from .device import device as device
from .device import device_of as device_of
from .device import get_default_device as get_default_device
from .device import move as move
from .device import set_default_device as set_default_device
from .dtypes import check_dtype as check_dtype
from .dtypes import get_default_dtype as get_default_dtype
from .dtypes import promote_types as promote_types
from .dtypes import result_type as result_type
from .dtypes import set_default_dtype as set_default_dtype
from .numpy_ import INDEX as INDEX
from .numpy_ import NUMPY as NUMPY
from .random import Generator as Generator
from .random import default_generator as default_generator
from .random import initial_seed as initial_seed
from .random import manual_seed as manual_seed
from .random import seed as seed
from .size import Size as Size

# log(0) is -inf and 0/0 is nan, without a word, as on a GPU: NumPy's warnings are silenced where they
# come from minidl's own lines, and nowhere else. `minidl.debug` finds the first value that is not finite.
warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minidl\.")
