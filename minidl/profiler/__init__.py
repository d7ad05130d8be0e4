"""Where time and memory go: operations and modules, forward and backward, as a table, a trace and a picture."""

from .profile import ProfilerActivity as ProfilerActivity
from .profile import profile as profile
from .profile import record_function as record_function

__all__ = ["ProfilerActivity", "profile", "record_function"]
