"""Optimizers, which improve parameters by their gradients, learning-rate schedules, and averages of weights."""

from . import lr_scheduler as lr_scheduler
from . import swa_utils as swa_utils
from .adagrad import Adadelta as Adadelta
from .adagrad import Adagrad as Adagrad
from .adagrad import RMSprop as RMSprop
from .adam import Adam as Adam
from .adam import AdamW as AdamW
from .adamax import Adamax as Adamax
from .adamax import NAdam as NAdam
from .adamax import RAdam as RAdam
from .lbfgs import LBFGS as LBFGS
from .lion import Lion as Lion
from .muon import Adafactor as Adafactor
from .muon import Muon as Muon
from .optimizer import Optimizer as Optimizer
from .optimizer import SparseAdam as SparseAdam
from .rprop import ASGD as ASGD
from .rprop import Rprop as Rprop
from .sgd import SGD as SGD
