"""Sequences."""

from ..utils import pad_sequences as pad_sequences
