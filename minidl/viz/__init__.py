"""Pictures and tables of networks, gradients and training.

Figures follow matplotlib: `ax=None` is taken and the axes are returned, nothing is shown or saved."""

from .summary import Summary as Summary
from .summary import summary as summary
