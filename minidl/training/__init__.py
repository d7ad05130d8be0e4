"""Training: the loop, runs that survive being killed, and a linter for what goes wrong without an error."""

from . import metrics as metrics
from . import schedules as schedules
from .callbacks import Callback as Callback
from .callbacks import Checkpoint as Checkpoint
from .callbacks import CsvLog as CsvLog
from .callbacks import EarlyStopping as EarlyStopping
from .callbacks import JsonLog as JsonLog
from .callbacks import ProgressBar as ProgressBar
from .checkpoint import Run as Run
from .checkpoint import load_checkpoint as load_checkpoint
from .checkpoint import seed_all as seed_all
from .findings import Finding as Finding
from .findings import Findings as Findings
from .findings import TrainingWarning as TrainingWarning
from .linter import lint as lint
from .loop import Diverged as Diverged
from .loop import Step as Step
from .loop import evaluate as evaluate
from .loop import train_epoch as train_epoch
from .stop import Stopped as Stopped
from .trainer import Trainer as Trainer
from .watcher import watch as watch
