"""PyTorch's tables of its own operators, modules and optimizers, with a function that makes samples of each."""

import hypothesis

ours = hypothesis.settings.default
from torch.testing._internal.common_methods_invocations import op_db as op_db  # noqa: E402  # loads its own profile
from torch.testing._internal.common_modules import ModuleErrorEnum as ModuleErrorEnum  # noqa: E402
from torch.testing._internal.common_modules import module_db as module_db  # noqa: E402
from torch.testing._internal.common_optimizers import OptimizerErrorEnum as OptimizerErrorEnum  # noqa: E402
from torch.testing._internal.common_optimizers import optim_db as optim_db  # noqa: E402
from torch.testing._internal.opinfo.core import SampleInput as SampleInput  # noqa: E402

hypothesis.settings.register_profile("as before", ours)
hypothesis.settings.load_profile("as before")
