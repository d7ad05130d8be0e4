"""The Gradient Doctor: what is wrong with a gradient, and not only that it is."""

from .faults import KINDS as KINDS
from .faults import plant as plant
from .patient import Diagnosis as Diagnosis
from .report import Finding as Finding
from .report import Report as Report
from .report import examine as examine
from .report import explain as explain
