"""A module called with other parameters than its own, and modules whose parameters are not drawn."""

import inspect
from typing import Any

from ...func.modules import functional_call as functional_call
from ..module import Module


def skip_init(module_cls: type[Module], *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters hold whatever the memory held: for those that will be loaded or drawn otherwise."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    plain: Any = type(module_cls.__name__, (module_cls,), {"reset_parameters": lambda self: None})
    made: Any = plain(*args, **kwargs)
    made.__class__ = module_cls
    return made
