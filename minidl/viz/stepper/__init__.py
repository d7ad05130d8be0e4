"""The Backprop Stepper: a run of the user's own, forward and backward, one step at a time, in one HTML file."""

from .page import FAULTS as FAULTS
from .page import Page as Page
from .page import step as step
