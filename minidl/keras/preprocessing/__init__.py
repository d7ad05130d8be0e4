"""What is done to data before it is learned from."""

from . import sequence as sequence
