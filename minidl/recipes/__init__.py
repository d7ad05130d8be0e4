"""The systems of the textbooks, each from its data to its score: `minidl train NAME`, then generate, classify, …"""

from .recipe import Classifier as Classifier
from .recipe import Data as Data
from .recipe import Recipe as Recipe
from .registry import RECIPES as RECIPES
from .registry import recipe_class as recipe_class
from .runs import Trained as Trained
from .runs import load as load
from .runs import train as train
