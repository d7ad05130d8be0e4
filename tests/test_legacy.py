"""The older spellings do what PyTorch still does with them."""

import numpy as np
import pytest

import minidl


@pytest.mark.parametrize("name, dtype", [
    ("HalfTensor", "float16"), ("FloatTensor", "float32"), ("DoubleTensor", "float64"), ("ByteTensor", "uint8"),
    ("CharTensor", "int8"), ("ShortTensor", "int16"), ("IntTensor", "int32"), ("LongTensor", "int64"),
    ("BoolTensor", "bool"),
])  # fmt: skip
def test_a_tensor_type_makes_converts_and_recognises(name, dtype):
    kind = getattr(minidl, name)
    made = kind([[1, 0], [2, 3]])
    assert made.dtype == dtype == kind.dtype and made.type() == kind
    assert kind(2, 3).shape == kind(minidl.Size((2, 3))).shape == (2, 3) and kind().shape == (0,)
    assert minidl.ones(2).type(kind).dtype == minidl.ones(2).type(f"torch.{name}").dtype == dtype
    assert isinstance(made, kind)
    assert not isinstance(made, minidl.LongTensor if dtype != "int64" else minidl.FloatTensor)


def test_a_tensor_type_refuses_what_pytorch_refuses():
    with pytest.raises(TypeError, match="a tensor of float32 is needed, got int64; use .type"):
        minidl.FloatTensor(minidl.ones(2).long())
    with pytest.raises(TypeError, match="sizes or a sequence are needed, got 2.5"):
        minidl.FloatTensor(2.5)
    if not minidl.cuda.is_available():
        with pytest.raises(RuntimeError, match="device 'cuda'"):
            minidl.ones(2).type(minidl.cuda.FloatTensor)


def test_tensor_takes_sizes_and_new_takes_either():
    assert minidl.Tensor(2, 3).shape == minidl.Tensor(minidl.Size((2, 3))).shape == (2, 3)
    assert minidl.Tensor(4).shape == (4,) and minidl.Tensor([4]).tolist() == [4.0] and minidl.Tensor().shape == (0,)
    like = minidl.ones(2, dtype=minidl.float64)
    assert like.new(2, 3).shape == (2, 3) and like.new([1, 2]).dtype == minidl.float64


def test_variable_is_a_tensor_in_the_same_memory():
    from minidl.autograd import Variable

    x = minidl.ones(2)
    v = Variable(x, requires_grad=True)
    x[0] = 5
    assert v.tolist() == [5, 1] and v.requires_grad and not x.requires_grad
    assert isinstance(x, Variable) and not isinstance(5, Variable)
    with pytest.warns(UserWarning, match="volatile"):
        Variable(x, volatile=True)
    with pytest.raises(TypeError, match="a tensor is needed, got list"):
        Variable([1.0])


def test_set_default_tensor_type():
    try:
        minidl.set_default_tensor_type(minidl.DoubleTensor)
        assert minidl.ones(1).dtype == minidl.float64
    finally:
        minidl.set_default_tensor_type("torch.FloatTensor")
    assert minidl.ones(1).dtype == minidl.float32


@pytest.mark.parametrize("call, expected", [
    (lambda x: x.add(2, x), 9.0), (lambda x: x.add_(2, x), 9.0), (lambda x: minidl.add(x, 2, x), 9.0),
    (lambda x: x.sub(2, x), -3.0), (lambda x: x.addcmul_(2, x, x), 21.0), (lambda x: x.addcdiv(2, x, x), 5.0),
])  # fmt: skip
def test_the_factor_before_the_tensor_still_works_and_warns(call, expected):
    with pytest.warns(UserWarning, match="the factor before the tensor is old; write (alpha|value)=2"):
        assert call(minidl.tensor([3.0])).item() == expected


def test_a_third_operand_is_no_factor():
    x = minidl.ones(2)
    for call in (lambda: x.add(x, x), lambda: x.add(1, 2), lambda: x.addcmul(x, x, x), lambda: x.add(1, x, x)):
        with pytest.raises(TypeError, match="too many positional arguments"):
            call()


def test_old_names_lead_to_their_heirs():
    with pytest.warns(FutureWarning, match="nn.init.xavier_uniform is now xavier_uniform_"):
        minidl.nn.init.xavier_uniform(minidl.zeros(2, 2))
    with pytest.warns(FutureWarning, match="clip_grad_norm is now clip_grad_norm_"):
        assert minidl.nn.utils.clip_grad_norm is minidl.nn.utils.clip_grad_norm_
    scheduler = minidl.optim.lr_scheduler
    assert scheduler._LRScheduler is scheduler.LRScheduler
    for module in (minidl.nn, minidl.nn.init, minidl.nn.utils, scheduler):
        with pytest.raises(AttributeError, match=f"module '{module.__name__}' has no attribute 'nonsense'"):
            module.nonsense  # noqa: B018


def test_paths_that_programs_import_from():
    import minidl.backends.cudnn as cudnn
    from minidl.nn.modules.module import Module
    from minidl.nn.parallel import DataParallel, data_parallel
    from minidl.utils.data.dataloader import DataLoader
    from minidl.utils.data.dataset import random_split
    from minidl.utils.data.sampler import Sampler

    data = minidl.utils.data
    assert (Module, DataLoader, random_split, Sampler) == (
        minidl.nn.Module, data.DataLoader, data.random_split, data.Sampler)  # fmt: skip
    assert data.dataloader.DataLoader is DataLoader and minidl.backends.cudnn is cudnn
    cudnn.benchmark = True
    assert not minidl.backends.mps.is_available() and not cudnn.is_available() and cudnn.version() is None
    net, x = minidl.nn.Linear(2, 3), minidl.ones(4, 2)
    wrapped = minidl.nn.DataParallel(net, device_ids=[0, 1])
    assert isinstance(wrapped, DataParallel) and list(wrapped.state_dict()) == ["module.weight", "module.bias"]
    np.testing.assert_array_equal(wrapped(x).detach().numpy(), data_parallel(net, x).detach().numpy())


def test_what_is_left_out_says_why():
    with pytest.raises(AttributeError, match="no attribute 'sparse': tensors are dense"):
        minidl.sparse  # noqa: B018
    assert not hasattr(minidl, "jit")


def test_a_sequence_of_any_kind_and_tensors_of_one_element_in_it():
    """A deque was refused; a tensor of one element in a list gave axes that PyTorch does not give."""
    from collections import deque

    assert minidl.tensor(deque([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert minidl.tensor([deque([1, 2]), (3, 4)]).tolist() == [[1, 2], [3, 4]]
    assert minidl.tensor([minidl.ones(1), minidl.ones(1, 1), 2.0]).tolist() == [1.0, 1.0, 2.0]
    for wrong in ("ab", b"ab", {1: 2}, {1, 2}):
        with pytest.raises(TypeError):
            minidl.tensor(wrong)


def test_next_functions_walk_to_the_leaves():
    w, x = minidl.ones(3, requires_grad=True), minidl.ones(3)
    loss = (w * x).sum()
    (product, _), *_ = loss.grad_fn.next_functions
    assert [f and f.variable is w for f, _ in product.next_functions] == [True, None]
    assert product.next_functions[0][0].next_functions == ()
