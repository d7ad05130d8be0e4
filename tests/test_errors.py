"""What a new user reads when something does not fit: the operation as called, what was found, the likely fix.

Each line pins one message: the call, the kind of exception, and what the sentence must say."""

import inspect

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten())
        self.head = nn.Linear(10, 2)

    def forward(self, x):
        return self.head(self.features(x))


class WithoutInit(nn.Module):
    def __init__(self):
        self.fc = nn.Linear(2, 2)


class WithoutForward(nn.Module):
    pass


def ones(*shape, **kinds):
    return minidl.ones(*shape, **kinds)


def leaf(*shape):
    return minidl.ones(*(shape or (2,)), requires_grad=True)


def longs(*values):
    return minidl.tensor(values)


def delete(t):
    del t[0]


def assign(t, name, value):
    setattr(t, name, value)


SHAPES = [
    (lambda: ones(2, 3) + ones(4, 3), ValueError,
     r"^\+: shapes \(2, 3\) and \(4, 3\) do not broadcast.*axis -2 has 2 and 4"),
    (lambda: ones(2, 3) @ ones(2, 3), RuntimeError, r"^@: .* last axis of a has 3 and .* of b has 2.*float32 \(2, 3\)"),
    (lambda: minidl.matmul(ones(2, 3), ones(4)), ValueError, r"^matmul: .* has 3 and the only axis of b has 4"),
    (lambda: ones(3) @ minidl.tensor(2.0), ValueError, r"^@: .*at least one axis on both sides; use \* for a number"),
    (lambda: minidl.mm(ones(2, 3, 4), ones(4, 2)), ValueError, r"^mm: input must be a matrix, got float32 \(2, 3, 4\)"),
    (lambda: minidl.bmm(ones(2, 3, 4), ones(3, 4, 5)), RuntimeError, r"^bmm: the batches differ in size"),
    (lambda: minidl.einsum("ij,jk->ik", ones(2, 3), ones(4, 5)), RuntimeError, r"^einsum: letter 'j' .* 3 and for 4"),
    (lambda: minidl.einsum("ij,jk->ik", ones(2, 3)), ValueError, r"^einsum: .*2 terms, and there are 1 operands"),
    (lambda: minidl.cat([ones(2, 3), ones(2, 4)]), RuntimeError,
     r"^cat: .* tensor 0 is .*\(2, 3\) and tensor 1 .*\(2, 4\)"),
    (lambda: minidl.stack([ones(2), ones(3)]), RuntimeError, r"^stack: all shapes must be equal"),
    (lambda: minidl.cat([]), RuntimeError, r"^cat: at least one tensor is needed"),
    (lambda: ones(2, 3).view(4), RuntimeError, r"^view: shape \(4,\) does not hold the 6 elements"),
    (lambda: ones(2, 3).t().view(6), RuntimeError, r"^view: .*use reshape, or contiguous\(\) first"),
    (lambda: ones(2, 3).expand(3, 3), RuntimeError, r"^expand: axis 0 has 2 entries, not 1, and so cannot become 3"),
    (lambda: ones(2, 3).permute(0, 0), RuntimeError, r"^permute: dims must name each of the 2 axes once"),
    (lambda: ones(2, 3).sum(dim=2), IndexError, r"^sum: dim 2 is out of range .* lie in \[-2, 1\]"),
    (lambda: minidl.zeros(2, -1), RuntimeError, r"^zeros: sizes cannot be negative, got \(2, -1\)"),
    (lambda: minidl.zeros(0).max(), RuntimeError, r"^max: an empty tensor has no maximum"),
    (lambda: ones(1, 2).expand(3, 2).add_(1), RuntimeError, r"^add_: .*an expanded view\?\); clone it first"),
    (lambda: minidl.tensor([[1, 2], [3]]), ValueError, r"rows must be of one length, but data\[0\] is 2 entries"),
]

LABELS = [
    (lambda: ones(3)[5], IndexError, r"^\[\]: index 5 is out of range for axis 0, which has 3 entries"),
    (lambda: ones(3)[1.5], IndexError, r"^\[\]: an index is an integer, a slice.*got float 1.5"),
    (lambda: ones(3)[0, 0], IndexError, r"^\[\]: 2 indices for a tensor of 1 axes"),
    (lambda: ones(3)[minidl.tensor([True, False])], IndexError, r"the mask has shape \(2,\) and the axes .* \(3,\)"),
    (lambda: minidl.gather(ones(2, 3), 1, longs([3])), IndexError, r"^gather: index 3 is out of range for dim 1"),
    (lambda: F.cross_entropy(ones(2, 3), longs(0, 3)), IndexError,
     r"target 3 at position 1 is out of bounds for 3 classes"),
    (lambda: F.cross_entropy(ones(2, 3), ones(2)), TypeError, r"classes are integers; pass target.long\(\)"),
    (lambda: F.cross_entropy(ones(2, 3), longs([0], [1])), ValueError,
     r"shape \(2,\); target.reshape\(\(2,\)\) has it"),
    (lambda: F.nll_loss(ones(2, 3), longs(0, 1, 2)), ValueError, r"^nll_loss: the target must have shape \(2,\)"),
    (lambda: F.mse_loss(ones(4, 1), ones(4)), ValueError,
     r"^mse_loss: input \(4, 1\) and target \(4,\) must have the same"),
    (lambda: F.binary_cross_entropy(ones(1) * 2, ones(1)), RuntimeError,
     r"between 0 and 1.*binary_cross_entropy_with_logits"),
    (lambda: F.one_hot(longs(3), 2), RuntimeError, r"^one_hot: classes must be smaller than num_classes=2"),
    (lambda: nn.Embedding(5, 2)(longs(5)), IndexError, r"^Embedding: index 5 is out of range for 5 rows"),
    (lambda: nn.Embedding(5, 2)(ones(1)), TypeError, r"^Embedding: rows are numbered by integers; pass input.long\(\)"),
]

DTYPES = [
    (lambda: ones(2, 3) @ ones(3, 2, dtype=minidl.float64), TypeError, r"^@: .*\(float32 and float64\).* with .to\(\)"),
    (lambda: nn.Linear(3, 2)(ones(4, 3, dtype=minidl.int64)), RuntimeError,
     r"^Linear: .*\[input int64 \(4, 3\), weight float32"),
    (lambda: longs(1, 2).float().long().mean(), RuntimeError, r"^mean: floats are needed, got int64 .*\.float\(\)"),
    (lambda: longs(1, 2).add_(0.5), RuntimeError, r"^add_: a float32 result cannot be written in place into a int64"),
    (lambda: longs(1, 2).requires_grad_(), RuntimeError, r"only floating-point tensors can require gradients"),
    (lambda: nn.Parameter(longs(1, 2)), RuntimeError, r"only floating-point tensors .* this one is int64"),
    (lambda: minidl.tensor(1 + 2j), TypeError, r"^tensor: numbers, .* got complex"),
    (lambda: minidl.tensor([1 + 2j]), TypeError, r"^tensor: numbers .* got complex"),
    (lambda: minidl.tensor(np.array([1 + 2j])), TypeError, r"^tensor: complex numbers are not supported"),
    (lambda: ones(2, dtype="complex64"), TypeError, r"^ones: dtype complex64 is not supported; use one of float16"),
    (lambda: minidl.tensor(300, dtype=minidl.uint8), RuntimeError, r"^tensor: uint8 holds 0 to 255, got 300"),
    (lambda: minidl.tensor(2**70), RuntimeError, r"^tensor: \d+ is too large for an int64"),
    (lambda: minidl.add(longs(1), 1, alpha=0.5), RuntimeError, r"^add: alpha 0.5 must be an integer"),
    (lambda: minidl.where(ones(2), 1, 2), TypeError, r"^where: the condition is a tensor of truth values, got float32"),
]

NO_TENSORS = [
    (lambda: nn.Conv2d(1, 4, 3)(3), TypeError, r"^Conv2d: input must be a tensor, got 3$"),
    (lambda: nn.Flatten()("abc"), TypeError, r"^Flatten: input must be a tensor, got a str$"),
    (lambda: nn.Sequential(nn.BatchNorm2d(3))(None), TypeError, r"^BatchNorm2d: .* got None, in Sequential.0$"),
    (lambda: nn.Linear(3, 2)([1.0, 2.0, 3.0]), TypeError,
     r"^Linear: .*a list \(minidl.tensor\(...\) makes a tensor of it\)"),
    (lambda: F.conv2d(ones(1, 1, 3, 3), [1]), TypeError, r"^conv2d: weight must be a tensor, got a list"),
    (lambda: F.cross_entropy(ones(2, 3), [0, 1]), TypeError, r"^cross_entropy: target must be a tensor, got a list"),
    (lambda: F.mse_loss(ones(2), None), TypeError, r"^mse_loss: target must be a tensor, got None"),
    (lambda: minidl.gather(ones(2, 3), 1, [[0]]), TypeError, r"^gather: index must be a tensor, got a list"),
    (lambda: ones(2, 3).gather(1, [[0]]), TypeError, r"^gather: index must be a tensor, got a list"),
    (lambda: minidl.sum(3), TypeError, r"^sum: input must be a tensor, got 3"),
    (lambda: minidl.exp(3), TypeError, r"^exp: at least one tensor is needed, got 3"),
    (lambda: minidl.exp([1.0]), TypeError, r"^exp: .*makes a tensor of it"),
    (lambda: minidl.atan2(ones(2), None), TypeError, r"^atan2: other must be a tensor, got None"),
    (lambda: minidl.eq(ones(2), None), TypeError, r"^eq: a tensor or a number is needed, got None"),
    (lambda: ones(2) + "a", TypeError, r"unsupported operand type\(s\) for \+: 'Tensor' and 'str'"),
    (lambda: ones(2) @ 3, TypeError, r"^@: b must be a tensor, got 3"),
    (lambda: minidl.einsum(["ij"], ones(2)), TypeError, r"^einsum: equation must be str, got \['ij'\]"),
    (lambda: minidl.einsum("i->i", [2]), TypeError, r"^einsum: operands must be a tensor, got 2"),
    (lambda: minidl.atleast_2d("ab"), TypeError, r"^atleast: a sequence of tensors is needed, got str in it"),
    (lambda: minidl.cat([ones(2), 3]), TypeError, r"^cat: a sequence of tensors is needed, got int in it"),
    (lambda: minidl.rand(2, generator=3), TypeError, r"generator: a minidl.Generator is needed, got 3"),
    (lambda: minidl.sin(ones(2), out=3), TypeError, r"^out=: a tensor is needed, got 3"),
    (lambda: nn.init.zeros_(3), TypeError, r"^zeros_: tensor must be a tensor, got 3"),
    (lambda: minidl.from_numpy([1, 2]), TypeError, r"^from_numpy: a NumPy array is needed.*use tensor\(\)"),
    (lambda: delete(ones(2)), TypeError, r"entries of a tensor cannot be deleted"),
]

ARGUMENTS = [
    (lambda: F.conv2d(ones(1, 1, 4, 4), ones(1, 1, 3, 3), pad=1), TypeError,
     r"^conv2d: .*'pad'; did you mean 'padding'\?"),
    (lambda: F.leaky_relu(ones(2), "a"), TypeError, r"^leaky_relu: slope must be a number, got a str"),
    (lambda: F.leaky_relu(ones(2), 1j), TypeError, r"^leaky_relu: slope must be a number, got a complex"),
    (lambda: F.dropout(ones(2), p="a"), TypeError, r"^dropout: the probability p must be a number"),
    (lambda: F.pad(ones(2, 2), (1,)), RuntimeError, r"^pad: two numbers for each of up to 2 axes"),
    (lambda: F.cross_entropy(ones(2, 3), longs(0, 1), reduction="avg"), ValueError, r"reduction is .*, got 'avg'"),
    (lambda: nn.Dropout(1.5), ValueError, r"^Dropout: the probability lies between 0 and 1, got 1.5"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, r"^Conv2d: in_channels 3 must be divisible by groups 2"),
    (lambda: minidl.arange(0, 5, 0), RuntimeError, r"^arange: the step cannot be 0"),
    (lambda: ones(2, 3).sum(dim="a"), TypeError, r"^sum: a dim is an integer, got str"),
    (lambda: minidl.clamp(ones(2)), RuntimeError, r"^clamp: give min, max, or both"),
    (lambda: ones(2).to("tpu"), ValueError, r"no device is called 'tpu'; there are 'cpu', 'cuda'"),
    (lambda: optim.SGD([], lr=0.1), ValueError, r"^SGD: optimizer got an empty parameter list"),
    (lambda: optim.SGD(nn.Linear(2, 2), lr=0.1), TypeError, r"^SGD: .* got Linear; write module.parameters\(\)"),
    (lambda: optim.SGD([leaf()], lr=-1), ValueError, r"^SGD: Invalid learning rate: -1.0"),
    (lambda: optim.SGD([leaf() * 2], lr=0.1), ValueError, r"^SGD: can't optimize a non-leaf Tensor: parameter 0"),
]

MODULES = [
    (lambda: Net()(ones(2, 1, 4, 4)), ValueError, r"^Linear: .*input \(2, 16\) has 16 .* takes 10 .*in Net.head$"),
    (lambda: Net()(ones(2, 3, 4, 4)), ValueError, r"^Conv2d: the input has 3 channels.*expects 1.*in Net.features.0$"),
    (lambda: nn.Conv2d(1, 4, 5)(ones(1, 1, 3, 3)), ValueError,
     r"^Conv2d: the kernel \(5, 5\) .* larger than input \(3, 3\)"),
    (lambda: nn.Conv2d(1, 4, 3)(ones(8, 8)), RuntimeError, r"^Conv2d: input \(N, C, H, W\) or \(C, H, W\) is expected"),
    (lambda: nn.MaxPool2d(3)(ones(1, 1, 2, 2)), RuntimeError, r"^MaxPool2d: a kernel \(3, 3\) is larger than input"),
    (lambda: nn.BatchNorm1d(3)(ones(1, 3)), ValueError, r"^BatchNorm1d: expected more than 1 value.*\.eval\(\)\?"),
    (lambda: nn.LayerNorm(4)(ones(2, 3)), RuntimeError, r"^LayerNorm: with normalized_shape=\(4,\)"),
    (lambda: nn.Sequential(nn.Linear), TypeError, r"the class Linear itself \(make one: Linear\(...\)\)"),
    (lambda: WithoutInit(), AttributeError, r"begin WithoutInit.__init__ with super\(\).__init__\(\)"),
    (lambda: WithoutForward()(ones(1)), NotImplementedError, r"^WithoutForward has no forward: define"),
    (lambda: nn.Linear(2, 2).wieght, AttributeError, r"has no attribute 'wieght'; did you mean 'weight'\?"),
    (lambda: nn.Linear(2, 2).load_state_dict({"weight": ones(3, 3)}), RuntimeError,
     r'(?s)Missing.*"bias".*size mismatch for weight'),
]

GRADIENTS = [
    (lambda: leaf().backward(), RuntimeError,
     r"^backward: .*one element.*float32 \(2,\); reduce it \(.sum\(\), .mean\(\)\)"),
    (lambda: ones(1).backward(), RuntimeError, r"^backward: .*does not require gradients .*no_grad, detached"),
    (lambda: leaf().sum().backward(ones(3)), RuntimeError,
     r"^backward: the gradient \(float32 \(3,\)\) must be shaped as"),
    (lambda: leaf().sum().backward([1.0]), TypeError, r"^backward: gradients to start from must be a tensor, got 1.0"),
    (lambda: leaf().sum().backward(inputs=[]), RuntimeError, r"^backward: inputs must be at least one tensor"),
    (lambda: minidl.autograd.backward([]), RuntimeError, r"^backward: tensors must be at least one tensor"),
    (lambda: minidl.autograd.grad(leaf().sum(), leaf()), RuntimeError, r"do not depend on input 0; allow_unused=True"),
    (lambda: minidl.autograd.grad(leaf().sum(), 3), TypeError, r"^grad: inputs must be a tensor, got 3"),
    (lambda: minidl.autograd.grad(leaf().sum(), ones(2)), RuntimeError, r"^grad: input 0 .*does not require gradients"),
    (lambda: leaf().add_(1), RuntimeError, r"^add_: a leaf .*write under no_grad\(\)"),
    (lambda: leaf().numpy(), RuntimeError, r"^numpy: .*use .detach\(\).numpy\(\)"),
    (lambda: assign(leaf(), "grad", ones(3)), RuntimeError,
     r"^grad \(float32 \(3,\)\) must be None or like float32 \(2,\)"),
    (lambda: assign(leaf(), "grad", ones(2).double()), RuntimeError, r"^grad \(float64 \(2,\)\) must be None or like"),
    (lambda: assign(leaf(), "grad", "a"), TypeError, r"^grad must be a tensor, got a str"),
    (lambda: assign(leaf(), "data", 3), TypeError, r"^data must be a tensor, got 3"),
    (lambda: ones(2).register_hook(print), RuntimeError, r"^register_hook: .*so none will come"),
    (lambda: minidl.autograd.functional.jacobian(lambda x: 3, ones(2)), TypeError,
     r"^jacobian: .*must be a tensor, got 3"),
    (lambda: minidl.autograd.functional.hessian(lambda x: x, ones(2)), RuntimeError, r"^hessian: .*single number"),
]

THEMES = {
    "shapes": SHAPES, "labels": LABELS, "dtypes": DTYPES, "no tensors": NO_TENSORS, "arguments": ARGUMENTS,
    "modules": MODULES, "gradients": GRADIENTS,
}  # fmt: skip


@pytest.mark.parametrize(
    "call, kind, says",
    [pytest.param(*case, id=f"{theme} {k}") for theme, cases in THEMES.items() for k, case in enumerate(cases)],
)
def test_message(call, kind, says):
    with pytest.raises(kind, match=says):
        call()


def test_operands_on_two_devices():
    with pytest.raises(RuntimeError, match=r"^\+: the operands are on different devices \(cpu, strict:0\).*\.to\(\)"):
        ones(2) + ones(2, device="strict")
    with pytest.raises(RuntimeError, match=r"^Linear: .*different devices.*\[input float32 \(1, 2\) on strict:0"):
        nn.Linear(2, 2)(ones(1, 2, device="strict"))


def test_sequences_nested_without_end():
    endless = []
    endless.append(endless)
    with pytest.raises(ValueError, match="nested without end"):
        minidl.tensor(endless)


def test_an_error_of_the_users_own_is_left_alone():
    class Mine(nn.Module):
        def forward(self, x):
            return x.shapes

    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'shapes'"):
        Mine()(ones(2))
    with pytest.raises(TypeError, match="'scale'"):
        F.relu(ones(2)).mul_(scale=3)


@pytest.mark.parametrize("value", [None, "abc", 1j, {}, object()])
@pytest.mark.parametrize("space", [minidl, F], ids=["minidl", "functional"])
def test_no_public_function_answers_a_wrong_argument_with_an_inner_error(space, value, tmp_path, monkeypatch):
    """Whatever stands where a tensor belongs is refused by a sentence, or taken; never by an inner AttributeError."""
    monkeypatch.chdir(tmp_path)  # "abc" may be taken for a file's name
    for name, function in vars(space).items():
        if not inspect.isfunction(function) or name in ("guard", "save", "load", "set_printoptions"):
            continue
        parameters = [p for p in inspect.signature(function).parameters.values() if p.default is p.empty]
        tensors = [p.name for p in parameters if "Tensor" in str(p.annotation)]
        if not tensors or any(p.kind is p.VAR_POSITIONAL for p in parameters):
            continue
        others = {p.name: 1 for p in parameters} | {name: ones(2, 3) for name in tensors}
        for wrong in tensors:
            try:
                function(**{**others, wrong: value})
            except (ValueError, TypeError, RuntimeError, IndexError, AssertionError) as error:
                assert str(error).strip(), f"{name}({wrong}={value!r})"
            except Exception as error:
                raise AssertionError(f"{name}({wrong}={value!r}) raised {type(error).__name__}: {error}") from error
