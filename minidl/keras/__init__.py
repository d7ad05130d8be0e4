"""Keras's interface over minidl: its listings run with `from minidl.keras import layers, models`.

Data has its channels last, weights have Keras's shapes and order, and the numbers are Keras's for the same weights.
Everything is computed by nn.functional, optim and saving; models are Modules, so `to`, `state_dict` and hooks work."""

from . import activations as activations
from . import backend as backend
from . import callbacks as callbacks
from . import datasets as datasets
from . import initializers as initializers
from . import layers as layers
from . import losses as losses
from . import metrics as metrics
from . import models as models
from . import optimizers as optimizers
from . import preprocessing as preprocessing
from . import regularizers as regularizers
from . import utils as utils
from .layers import Input as Input
from .layers import Layer as Layer
from .models import Model as Model
from .models import Sequential as Sequential
