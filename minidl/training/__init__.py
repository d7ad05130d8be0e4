"""Training: the loop, runs that survive being killed, and a linter for what goes wrong without an error."""

from .checkpoint import Run as Run
from .checkpoint import load_checkpoint as load_checkpoint
from .findings import Finding as Finding
from .findings import Findings as Findings
from .findings import TrainingWarning as TrainingWarning
from .linter import lint as lint
from .loop import Diverged as Diverged
from .loop import Step as Step
from .loop import evaluate as evaluate
from .loop import train_epoch as train_epoch
from .watcher import watch as watch
