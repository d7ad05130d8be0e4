"""Text: data sets of it, symbols as numbers, pieces of words, and what n-grams alone can predict."""

from . import datasets as datasets
from .ngrams import NGrams as NGrams
from .subwords import Subwords as Subwords
from .vocabulary import Vocabulary as Vocabulary
from .vocabulary import words as words
