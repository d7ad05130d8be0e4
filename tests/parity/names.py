"""The names in scope: PyTorch's public ones, less whole families. `python -m tests.parity.names` rewrites names.toml.

What is listed is decided by PyTorch alone, never by what minidl has; whether minidl has a name is found by looking."""

import inspect
import re
import textwrap
import tomllib
from pathlib import Path

LIST = Path(__file__).with_name("names.toml")

# A name belongs to the first family whose pattern is all of it, as `Tensor.sparse_mask` or `torch.stft`.
# (family, why it is left out, pattern)
FAMILIES = [
    (
        "removed",
        "PyTorch itself only raises an error that names the successor, or warns that the name is going",
        r"(torch|Tensor)\.(eig|lstsq|matrix_rank|symeig|solve|reinforce|volatile|resize|resize_as|(sparse_)?resize_as_sparse_|__div__|"
        r"__idiv__|__rdiv__|__long__|__nonzero__|to_dlpack|new)|nn\.(NLLLoss2d|Container|parallel)|"
        r"nn\.utils\.clip_grad_norm|nn\.init\.\w+(normal|uniform)|nn\.init\.(normal|uniform|constant|eye|dirac|sparse|orthogonal)",
    ),
    (
        "complex",
        "minidl's numbers are real; what PyTorch's complex functions do to real tensors stays in the list",
        r"\w+\.(complex|polar|imag|view_as_(real|complex)(_copy)?|cfloat|cdouble|chalf|__complex__)|linalg\.eig(vals)?",
    ),
    ("FFT", "its results are complex", r"\w+\.i?stft"),
    (
        "sparse",
        "tensors are dense",
        r"\w+\.(\w*sparse_?(?!tensor_is)\w*|\w*(crow|ccol|row|col)_indices\w*|indices(_copy)?|values(_copy)?|coalesce|is_coalesced|"
        r"dense_dim|to_dense|[hds]smm|smm|hspmm|spmm|sspaddmm|saddmm)|optim\.SparseAdam",
    ),
    (
        "quantised",
        "numbers are floats, integers or truth values; no scales and zero points",
        r"\w+\.(\w*quanti[sz]\w*|q_\w+|qscheme|int_repr|dequantize|fake_quant\w*|fused_moving_avg_obs_fake_quant|"
        r"choose_qparams_optimized|qat)|nn\.functional\.(scaled_mm|scaled_grouped_mm|grouped_mm)",
    ),
    ("nested", "tensors are rectangular", r"Tensor\.(is_nested|to_padded_tensor)"),
    (
        "storage",
        "a tensor's memory is an array of NumPy or CuPy, which has no storage object, address or pinning to hand out",
        r"\w+\.((un)?typed_storage|storage|storage_type|is_storage|(const_)?data_ptr|set_|is_set_to|share_memory_|is_shared|"
        r"pin_memory|is_pinned|record_stream|from_file|__cuda_array_interface__|__dlpack_c_exchange_api__)",
    ),
    (
        "JIT and graph capture",
        "Python runs as it stands: nothing is scripted, traced, compiled or given symbolic sizes",
        r"torch\.(import_ir\w+|parse_\w+|merge_type\w+|unify_type_list|sym_\w+|compile|cond|while_loop|fork|wait|"
        r"get_file_path|classproperty|prepare_multi\w+|compiled_with\w+|thread_safe_generator|init_num_threads|profiler_\w+|"
        r"typename)|nn\.(factory_kwargs|attention|common_types)|nn\.utils\.stateless|\w+\.(as_subclass|dim_order|hash_tensor)|"
        r"Tensor\.(__torch_\w+__|module_load|grad_dtype|output_nr|name|backward_hooks)|optim\.swap_in_\w+",
    ),
    (
        "autocast",
        "an operation computes in the dtypes of its operands; which ones a backend narrows is not a setting",
        r"torch\.(\w*autocast\w*)",
    ),
    (
        "lazy modules",
        "sizes are given when a module is made",
        r"nn\.(Lazy\w+|Uninitialized\w+)",
    ),
    (
        "distributed",
        "one process, one device",
        r"\w+\.(is_distributed|DataParallel|SyncBatchNorm)",
    ),
    (
        "other devices",
        "minidl computes on the CPU and with CUDA",
        r"Tensor\.(is_)?(ipu|xpu|mtia|maia|mps|vulkan|xla|mkldnn|to_mkldnn|meta)|Tensor\.to_mkldnn|torch\.is_vulkan_available|"
        r"torch\.get_device_module|nn\.utils\.(convert_conv\dd_weight_)?memory_format",
    ),
    (
        "kernels under other names",
        "what PyTorch calls beneath its public functions: vendors' kernels, gradients, its compiler's copies of views",
        r"(torch|Tensor|nn\.functional)\.((cudnn|miopen|mkldnn|fbgemm|native)_\w+|batch_norm_(backward|elemt|gather|stats|"
        r"update)\w*|unsafe_\w+|(?!index_)\w+_copy|max_pool1d_with_indices|grid_sampler_\dd|slice_inverse|convolution)"
        r"(?<!functional.max_pool1d_with_indices)",
    ),
]

_BENEATH = "nn.functional has it; this form beneath takes the reduction as a number and arguments in another order"
_CELLS = "nn.RNN, nn.LSTM, nn.GRU and their cells have it; this form beneath takes their weights as one flat list"
_SETTING = "a setting of PyTorch's own kernels, which are not here"

# In the list, and not built. Each counts as a failure; at most a tenth of the list may stand here.
LEFT_OUT = {
    "Tensor.bfloat16": "NumPy has no bfloat16",
    **{f"torch.{name}": _BENEATH for name in (
        "affine_grid_generator alpha_dropout alpha_dropout_ batch_norm binary_cross_entropy_with_logits "
        "cosine_embedding_loss ctc_loss dropout dropout_ embedding embedding_bag embedding_renorm_ "
        "feature_alpha_dropout feature_alpha_dropout_ feature_dropout feature_dropout_ grid_sampler "
        "hinge_embedding_loss instance_norm kl_div margin_ranking_loss poisson_nll_loss triplet_margin_loss").split()},
    **{f"torch.{name}": _CELLS for name in (
        "gru gru_cell lstm lstm_cell rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell").split()},
    **{f"torch.{name}": _SETTING for name in (
        "are_deterministic_algorithms_enabled get_deterministic_debug_mode get_float32_matmul_precision "
        "get_num_interop_threads is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled "
        "set_deterministic_debug_mode set_float32_matmul_precision set_flush_denormal set_num_interop_threads "
        "set_warn_always use_deterministic_algorithms").split()},
    "torch.set_default_tensor_type": "going, in PyTorch too; set_default_dtype says it",
}  # fmt: skip


def belongs(name):
    """The family of a name, if it has one."""
    return next((family for family, _, pattern in FAMILIES if re.fullmatch(pattern, name)), None)


def namespaces():
    """Each namespace of PyTorch, and whether a name of it is public."""
    import torch

    def function(name, value):
        return callable(value) and not inspect.isclass(value)

    def listed(module):
        return lambda name, value: name in module.__all__

    yield "torch", torch, lambda name, value: function(name, value) or name in CLASSES
    yield "Tensor", torch.Tensor, lambda name, value: name not in EVERY_CLASS_HAS
    yield "linalg", torch.linalg, function
    yield "special", torch.special, lambda name, value: function(name, value) and name in torch.special.__all__
    yield "nn.functional", torch.nn.functional, lambda name, value: function(name, value) and name not in HELPERS
    yield "nn", torch.nn, lambda name, value: inspect.isclass(value)
    yield "nn.utils", torch.nn.utils, function
    yield "nn.utils.rnn", torch.nn.utils.rnn, listed(torch.nn.utils.rnn)
    yield "nn.utils.parametrize", torch.nn.utils.parametrize, listed(torch.nn.utils.parametrize)
    yield "nn.utils.parametrizations", torch.nn.utils.parametrizations, listed(torch.nn.utils.parametrizations)
    yield "nn.init", torch.nn.init, listed(torch.nn.init)
    yield "optim", torch.optim, lambda name, value: callable(value)
    yield "optim.lr_scheduler", torch.optim.lr_scheduler, listed(torch.optim.lr_scheduler)
    yield "optim.swa_utils", torch.optim.swa_utils, listed(torch.optim.swa_utils)


CLASSES = {"Generator", "Size", "Tensor", "device", "dtype", "enable_grad", "finfo", "iinfo", "inference_mode",
           "no_grad", "set_grad_enabled"}  # fmt: skip
EVERY_CLASS_HAS = {*dir(object), "__dict__", "__module__", "__weakref__", "__annotations__", "__setstate__"} - {
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__repr__", "__format__"}  # fmt: skip
# What stands in torch.nn.functional without being one of its functions: of typing, and of PyTorch's own machinery.
HELPERS = {"assert_int_or_pair", "boolean_dispatch", "handle_torch_function", "has_torch_function",
           "has_torch_function_unary", "has_torch_function_variadic", "BroadcastingList1", "BroadcastingList2",
           "BroadcastingList3", "Callable", "Optional"}  # fmt: skip


def generate():
    """(names in scope by namespace, names by family), from the installed PyTorch."""
    import warnings

    scope, families = {}, {family: [] for family, *_ in FAMILIES}
    for space, home, public in namespaces():
        scope[space] = []
        for name in sorted(dir(home)):
            if name.startswith("_") and (space != "Tensor" or not name.startswith("__")):
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = getattr(home, name, None)
            if public(name, value):
                full = f"{space}.{name}"
                family = belongs(full)
                (scope[space] if family is None else families[family]).append(name if family is None else full)
    return scope, families


def text(scope, families):
    import torch

    lines = ["# Written by `python -m tests.parity.names`; what is in scope is decided there.",
             f'torch = "{torch.__version__.split("+")[0]}"', "", "[in_scope]"]
    for space, names in scope.items():
        lines += [f'"{space}" = """', *textwrap.wrap(" ".join(names), 118, break_on_hyphens=False), '"""', ""]
    for family, why, _ in FAMILIES:
        lines += ["[[family]]", f'name = "{family}"', f'why = "{why}"', 'names = """',
                  *textwrap.wrap(" ".join(families[family]), 118, break_on_hyphens=False), '"""', ""]
    return "\n".join(lines)


def in_scope():
    """The committed list: "torch.abs", "Tensor.abs" …"""
    found = tomllib.loads(LIST.read_text(encoding="utf-8"))["in_scope"]
    return [f"{space}.{name}" for space, names in found.items() for name in names.split()]


def families():
    """The families left out: (name, why, names)."""
    found = tomllib.loads(LIST.read_text(encoding="utf-8"))["family"]
    return [(f["name"], f["why"], f["names"].split()) for f in found]


if __name__ == "__main__":
    LIST.write_text(text(*generate()), encoding="utf-8")
    print(f"{len(in_scope())} names in scope, {sum(len(f[2]) for f in families())} in families left out: {LIST}")
