"""The older spellings that teaching programs still use: names that PyTorch has since replaced, and keeps.

Nothing here computes. `Variable` is a tensor, `FloatTensor` a dtype under another name, the flags of `backends` are
there to be set, the rest are new names under their old ones. What stands in `LEFT_OUT` is not here, and says why."""

import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from . import cuda
from .api import empty, tensor
from .api.convert import TENSOR_TYPES
from .autograd import Tensor
from .backend import Size, device, set_default_dtype

# ------------------------------------------------------------------------------------- tensors by the name of a dtype


class TensorType(str):
    """A dtype and a device under one name, such as "minidl.cuda.FloatTensor": what `x.type()` says and takes.

    Called with sizes it makes a tensor whose values are arbitrary; with values, a tensor that holds them."""

    @property
    def dtype(self) -> Any:
        return np.dtype(TENSOR_TYPES[self.rpartition(".")[2]])

    @property
    def device(self) -> device:
        return device("cuda" if ".cuda." in self else "cpu")

    def __call__(self, *data: Any) -> Tensor:
        if len(data) == 1 and not isinstance(data[0], (int, Size)):
            if isinstance(data[0], Tensor) and data[0].dtype != self.dtype:
                raise TypeError(f"{self}: a tensor of {self.dtype} is needed, got {data[0].dtype}; use .type({self})")
            if not isinstance(data[0], Tensor) and not hasattr(data[0], "__len__"):
                raise TypeError(f"{self}: sizes or a sequence are needed, got {data[0]!r}; use tensor()")
            return tensor(data[0]).to(self.device, self.dtype)
        return empty(*data or (0,), dtype=self.dtype, device=self.device)

    def __instancecheck__(self, obj: object) -> bool:
        return isinstance(obj, Tensor) and (obj.dtype, obj.device.type) == (self.dtype, self.device.type)

    def __repr__(self) -> str:
        return f"<class '{self}'>"


HalfTensor, FloatTensor, DoubleTensor, ByteTensor, CharTensor, ShortTensor, IntTensor, LongTensor, BoolTensor = (
    TensorType(f"minidl.{name}") for name in TENSOR_TYPES
)
for _name in TENSOR_TYPES:
    setattr(cuda, _name, TensorType(f"minidl.cuda.{_name}"))


def new(self: Tensor, *data: Any) -> Tensor:
    """A tensor of this one's dtype and device, from sizes or values; today new_empty and new_tensor."""
    return TensorType(self.type())(*data)


setattr(Tensor, "new", new)  # noqa: B010  # the type checker need not know of it


def set_default_tensor_type(t: str) -> None:
    """The dtype of new tensors by the name of a CPU tensor type; today set_default_dtype."""
    kind = TensorType(t)
    if kind.device.type != "cpu":
        raise TypeError(f"set_default_tensor_type: new tensors begin on the CPU, got {t}; use set_default_device")
    set_default_dtype(kind.dtype)


class _Variable:
    """A tensor, since tensors themselves record: `Variable(x)` shares the memory of x and is detached from it."""

    def __call__(self, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable: a tensor is needed, got {type(data).__name__}")
        if volatile:
            warnings.warn("volatile does nothing any more; use `with no_grad():`", UserWarning, stacklevel=2)
        return data.detach().requires_grad_(requires_grad)

    def __instancecheck__(self, obj: object) -> bool:
        return isinstance(obj, Tensor)


Variable = _Variable()

# --------------------------------------------------------------------------------------------- flags that do nothing


def _module(name: str, doc: str, **contents: Any) -> ModuleType:
    """A module of minidl without a file."""
    made = ModuleType(f"minidl.{name}", doc)
    vars(made).update(contents)
    sys.modules[made.__name__] = made
    return made


_no, _none = (lambda: False), (lambda: None)
backends = _module(
    "backends",
    "PyTorch's settings of libraries. None of them is used here: every flag can be set, and does nothing.",
    cudnn=_module(
        "backends.cudnn", "Flags of a library that is not used; they do nothing.", enabled=False, benchmark=False,
        deterministic=True, allow_tf32=False, is_available=_no, version=_none,
    ),
    cuda=_module(
        "backends.cuda", "Flags of matrix products; they do nothing.", is_built=cuda.is_available,
        matmul=type("matmul", (), {"allow_tf32": False})(),
    ),
    mps=_module("backends.mps", "There is no backend for Apple's GPUs.", is_available=_no, is_built=_no),
)  # fmt: skip

# ----------------------------------------------------------------------------------------------- names and their heirs

NEW_NAMES = {
    "minidl.nn": {"NLLLoss2d": "NLLLoss"},
    "minidl.nn.init": {
        name: name + "_"
        for name in (
            "constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "sparse",
            "uniform", "xavier_normal", "xavier_uniform",
        )
    },
    "minidl.nn.utils": {"clip_grad_norm": "clip_grad_norm_"},
    "minidl.optim.lr_scheduler": {"_LRScheduler": "LRScheduler"},
}  # fmt: skip


def old_names(module: str) -> Callable[[str], Any]:
    """A `__getattr__` for a module: its old names lead to the new ones, with a warning where PyTorch has one."""

    def __getattr__(name: str) -> Any:
        heir = NEW_NAMES[module].get(name)
        if heir is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if not name.startswith("_"):
            warnings.warn(f"{module}.{name} is now {heir}", FutureWarning, stacklevel=2)
        return getattr(sys.modules[module], heir)

    return __getattr__


def paths(module: str, *names: str) -> None:
    """PyTorch keeps the contents of a module in modules below it, and programs import them from there."""
    whole = sys.modules[module]
    for name in names:
        contents = {k: v for k, v in vars(whole).items() if not k.startswith("__")}
        setattr(whole, name, _module(f"{module}.{name}".removeprefix("minidl."), whole.__doc__ or "", **contents))


TOP_LEVEL = {*TENSOR_TYPES, "backends", "set_default_tensor_type"}  # what `minidl` itself has of these

LEFT_OUT = {
    "sparse": "tensors are dense; gradients of an Embedding are too",
    "fft": "its results are complex, and numbers here are real",
    "complex64": "numbers here are real",
    "jit": "Python runs as it stands: nothing is scripted or traced",
    "compile": "Python runs as it stands: call the module itself",
    "onnx": "networks are not exported; state_dict() and save() keep the numbers",
    "distributed": "one process computes, on one device",
    "multiprocessing": "only the DataLoader has processes of its own (num_workers)",
    "amp": "an operation computes in the dtypes of its operands; convert with .half() or .to(dtype)",
    "autocast": "an operation computes in the dtypes of its operands; convert with .half() or .to(dtype)",
    "bfloat16": "neither NumPy nor CuPy has it; there are float16, float32 and float64",
    "hub": "networks are not downloaded",
    "quantization": "numbers are floats, integers or truth values",
}
