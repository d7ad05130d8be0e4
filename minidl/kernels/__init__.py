"""Fast formulas for NumPy: same signature, value and gradients as the formula they stand in for, within rounding.

The formula always serves where a kernel declines, and for derivatives of derivatives. MINIDL_KERNELS=off, set before
minidl is imported, leaves every kernel out.
"""

import os

ON = os.environ.get("MINIDL_KERNELS", "").lower() not in ("off", "0", "no")

if ON:
    from . import activation, attention, blocks, conv, embedding, loss, normalize, pool, products, recurrent  # noqa: F401  importing registers them
