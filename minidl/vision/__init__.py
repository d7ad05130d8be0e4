"""Images: data sets, transforms and pictures, with the names of torchvision."""

from . import datasets as datasets
