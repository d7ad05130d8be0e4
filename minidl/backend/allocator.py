"""The memory setting: keep freed blocks instead of handing them back to the kernel after every step.

glibc returns large freed blocks to the operating system, so each training step pays again for the page
faults of the last (2 to 20 times the cost of the arithmetic, by size). Three of its settings keep the
blocks in the process. Only glibc is touched; `MINIDL_MALLOC=off` leaves it alone.
"""

import ctypes
import os

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_freed_memory() -> str:
    """Apply the setting once; returns what was done, in words (shown by the demo's summary)."""
    if os.environ.get("MINIDL_MALLOC", "").lower() in ("off", "0", "no"):
        return "off (MINIDL_MALLOC)"
    if not _glibc():
        return "not applied (needs glibc)"
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return "not applied (mallopt not found)"
    accepted = [
        mallopt(_M_MMAP_THRESHOLD, 1 << 30),
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1),
        mallopt(_M_ARENA_MAX, 1),
    ]
    return "on" if all(accepted) else "refused by the C library"


def _glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):  # Windows has no confstr, other C libraries not this name
        return False


status = keep_freed_memory()
