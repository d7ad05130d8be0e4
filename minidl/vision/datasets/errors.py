"""What can be wrong with data that come from elsewhere."""

import pickle


class BadFile(ValueError, RuntimeError):
    """A file that is cut off, contradicts itself, or tries what data have no business to do."""


class UnsafePickle(BadFile, pickle.UnpicklingError):
    """A pickle that asks for more than dicts, lists, numbers, strings and arrays."""


class NotFound(RuntimeError, FileNotFoundError):
    """A data set that is in none of the folders looked at."""


class DownloadError(RuntimeError, OSError):
    """No address gave the file, or none gave the right one."""
