"""What other small frameworks get silently wrong: here each is right, or is refused with a sentence."""

import gc
import threading
import weakref

import numpy as np
import pytest

import minidl
from minidl import nn
from minidl.nn import functional as F


def leaf(values, dtype=minidl.float64):
    return minidl.tensor(values, dtype=dtype, requires_grad=True)


def test_repeated_indices_add_up():
    x = leaf([1.0, 2.0, 3.0])
    (x[[0, 0, 1]] * minidl.tensor([1.0, 10.0, 100.0], dtype=minidl.float64)).sum().backward()
    assert x.grad.tolist() == [11.0, 100.0, 0.0]


def test_a_chain_of_fifty_thousand_operations():
    x = leaf([1.0, -1.0])
    y = x
    for _ in range(50_000):
        y = y + 1.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    del y  # and is taken apart again without recursion


def test_overwritten_between_forward_and_backward_is_refused_by_name():
    x = leaf([1.0, 2.0])
    h = x * 2
    y = h.exp()
    y += 1
    with pytest.raises(RuntimeError, match=r"backward of exp: the result \(float64 \(2,\)\) was overwritten in place"):
        y.sum().backward()
    assert x.grad is None


def test_overwriting_what_nobody_needs_is_legal():
    x = leaf([1.0, -2.0])
    y = x * 3.0
    y += 1.0
    y.mul_(2.0)
    y.sum().backward()
    assert x.grad.tolist() == [6.0, 6.0]


@pytest.mark.parametrize("through", ["data", "detach", "numpy", "asarray", "view"])
def test_a_write_through_another_handle_is_noticed(through):
    w, x = leaf([1.0, 2.0]), minidl.tensor([3.0, 4.0], dtype=minidl.float64)
    y = (w * x).sum()
    if through == "data":
        x.data[0] = 9.0
    elif through == "detach":
        x.detach().zero_()
    elif through == "numpy":
        x.numpy()[0] = 9.0
    elif through == "asarray":
        np.asarray(x)[0] = 9.0
    else:
        x.view(2, 1)[0] = 9.0
    with pytest.raises(RuntimeError, match="overwritten in place"):
        y.backward()


def test_a_numpy_array_held_since_before_is_watched():
    x = minidl.tensor([3.0, 4.0], dtype=minidl.float64)
    held = x.numpy()
    w = leaf([1.0, 2.0])
    held[1] = 5.0  # before it is read: legal, and seen
    y = (w * x).sum()
    assert y.item() == 13.0
    y.backward(retain_graph=True)
    assert w.grad.tolist() == [3.0, 5.0]
    held[1] = 6.0  # after
    with pytest.raises(RuntimeError, match="overwritten in place"):
        y.backward()


def test_memory_shared_by_from_numpy_is_watched():
    array = np.array([3.0, 4.0])
    w, x = leaf([1.0, 2.0]), minidl.from_numpy(array)
    y = (w * x).sum()
    array[0] = 7.0
    assert x.tolist() == [7.0, 4.0]
    with pytest.raises(RuntimeError, match="overwritten in place"):
        y.backward()


def test_memory_that_no_record_reads_is_never_looked_at(monkeypatch):
    looks = []
    monkeypatch.setattr("minidl.autograd.memory._checksum", lambda array: looks.append(array) or 0)
    array, w = np.arange(6.0), leaf([1.0, 2.0])
    data = minidl.from_numpy(array)  # a data set: each step takes a copy of some rows
    for _ in range(3):
        (w * data[[1, 2]]).sum().backward()
    array[:] = 0.0
    (w * data[[1, 2]]).sum().backward()
    assert not looks
    y = (w * data[1:3]).sum()  # a view is read where it lies
    assert looks
    y.backward()


def test_memory_shared_by_from_numpy_may_be_written_before_a_record_reads_it():
    array = np.array([3.0, 4.0])
    w, x = leaf([1.0, 2.0]), minidl.from_numpy(array)
    array[0] = 5.0
    y = (w * x).sum()
    y.backward(retain_graph=True)
    assert w.grad.tolist() == [5.0, 4.0]
    x.numpy()[0] = 7.0
    with pytest.raises(RuntimeError, match="overwritten in place"):
        y.backward()


def test_an_array_operand_is_copied_so_that_the_gradient_stays_right():
    array, w = np.array([3.0, 4.0]), leaf([1.0, 2.0])
    y = (w * array).sum()
    array[:] = 0.0
    y.backward()
    assert w.grad.tolist() == [3.0, 4.0]


def test_an_optimizer_step_between_forward_and_backward_is_noticed():
    layer = nn.Linear(2, 1).double()
    optimizer = minidl.optim.SGD(layer.parameters(), lr=0.1)
    x = minidl.ones(3, 2, dtype=minidl.float64, requires_grad=True)
    loss = layer(x).sum()
    loss.backward(retain_graph=True)
    optimizer.step()
    with pytest.raises(RuntimeError, match="overwritten in place"):
        loss.backward()


@pytest.mark.parametrize("operate", [lambda a, t: a * t, lambda a, t: a + t, lambda a, t: a - t, lambda a, t: a / t])
def test_an_array_on_the_left_keeps_the_graph(operate):
    array, t = np.array([1.0, 2.0]), leaf([3.0, 4.0])
    y = operate(array, t)
    assert isinstance(y, minidl.Tensor)
    assert y.requires_grad
    assert np.allclose(y.detach().numpy(), operate(array, np.array([3.0, 4.0])))


def test_backward_twice_is_refused_unless_the_graph_was_kept():
    x = leaf([2.0])
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [8.0]
    with pytest.raises(RuntimeError, match=r"freed by an earlier backward.*retain_graph=True"):
        y.backward()


def test_an_error_inside_backward_leaves_the_next_one_working():
    x = leaf([1.0, 2.0])
    y = x * 2

    def fail(g):
        raise ZeroDivisionError("planted")

    handle = y.register_hook(fail)
    with pytest.raises(ZeroDivisionError, match="planted"):
        y.sum().backward(retain_graph=True)
    assert x.grad is None
    assert minidl.is_grad_enabled()
    handle.remove()
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_leaf_cannot_be_written_while_recording():
    x = leaf([1.0, 2.0])
    for write in (lambda: x.add_(1), lambda: x.__setitem__(0, 5.0), lambda: x[0].zero_(), lambda: x.view(-1).mul_(2)):
        with pytest.raises(RuntimeError, match="no_grad"):
            write()
    assert x.tolist() == [1.0, 2.0]
    with minidl.no_grad():
        x.add_(1)
        x[0] = 7.0
    assert x.tolist() == [7.0, 3.0]
    (x * x).sum().backward()
    assert x.grad.tolist() == [14.0, 6.0]


@pytest.mark.parametrize("dtype", [minidl.int64, minidl.bool, minidl.uint8])
def test_only_floats_require_gradients(dtype):
    with pytest.raises(RuntimeError, match="floating"):
        minidl.zeros(2, dtype=dtype, requires_grad=True)
    with pytest.raises(RuntimeError, match="floating"):
        minidl.zeros(2, dtype=dtype).requires_grad_()


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_a_loss_of_a_column_against_a_row_is_refused(loss):
    with pytest.raises(ValueError, match=r"\(4, 1\).*\(4,\)|\(4,\).*\(4, 1\)"):
        loss(minidl.zeros(4, 1), minidl.zeros(4))


def test_views_see_writes_and_their_writes_are_seen():
    x = minidl.arange(6.0)
    view, piece = x.view(2, 3), x[1:4]
    piece.mul_(10)
    view[1, 2] = -1
    assert x.tolist() == [0, 10, 20, 30, 4, -1]
    assert view.tolist() == [[0, 10, 20], [30, 4, -1]]


def test_a_recorded_write_through_a_view_is_part_of_the_base_s_history():
    x = leaf([1.0, 2.0, 3.0])
    h = x * 2
    piece = h[0:2]
    piece.mul_(piece)
    h.sin_()
    h.sum().backward()
    expected = [np.cos(4.0) * 8, np.cos(16.0) * 16, np.cos(6.0) * 2]
    assert np.allclose(x.grad.tolist(), expected)


def test_a_buffer_filled_by_recorded_writes():
    w, buffer = leaf([2.0, 3.0]), minidl.zeros(3, dtype=minidl.float64)
    buffer[0] = w[0] * w[1]
    buffer[2] = w[1]
    (buffer * buffer).sum().backward()
    assert np.allclose(w.grad.tolist(), [36.0, 24.0 + 6.0])


def test_a_view_taken_before_its_base_got_a_history_follows():
    w, buffer = leaf([2.0]), minidl.zeros(3, dtype=minidl.float64)
    early = buffer[0:1]
    buffer += w
    (early * w).sum().backward()
    assert w.grad.tolist() == [4.0]


def test_a_view_taken_before_its_recorded_base_was_written_follows():
    x = leaf([1.0, 2.0])
    h = x * 2
    early = h[0:1]
    h.mul_(3.0)
    early.sum().backward()
    assert x.grad.tolist() == [6.0, 0.0]


def test_views_that_overlap_follow_each_other():
    x = leaf([1.0, 2.0, 3.0])
    b = x * 1
    first, last = b[:2], b[1:]
    last.mul_(leaf([2.0, 3.0]))
    first.mul_(last.clone())
    (last * minidl.tensor([10.0, 100.0])).sum().backward()
    assert b.tolist() == [4.0, 36.0, 9.0]
    assert x.grad.tolist() == [0.0, 180.0, 420.0]


def test_a_retained_gradient_is_that_of_the_value_after_a_write():
    x = leaf([1.0, 2.0])
    y = x * 2
    y.retain_grad()
    y[1:].mul_(3)
    (y * y).sum().backward()
    assert y.grad.tolist() == [4.0, 24.0] and y.retains_grad


def test_ties_of_max_share_or_go_to_the_index():
    x = leaf([[1.0, 3.0, 3.0]])
    x.max().backward()
    assert x.grad.tolist() == [[0.0, 0.5, 0.5]]
    x.grad = None
    values, indices = x.max(dim=1)
    values.sum().backward()
    assert x.grad[0, indices[0]].item() == 1.0
    assert x.grad.sum().item() == 1.0


def test_kinks_have_gradient_zero():
    for f in (F.relu, minidl.abs):
        x = leaf([0.0])
        f(x).sum().backward()
        assert x.grad.tolist() == [0.0]


def test_sort_and_median_send_gradients_to_where_values_came_from():
    x = leaf([3.0, 1.0, 1.0, 2.0])
    values, _ = x.sort()
    (values * minidl.tensor([1.0, 2.0, 3.0, 4.0], dtype=minidl.float64)).sum().backward()
    assert x.grad.tolist() == [4.0, 1.0, 2.0, 3.0]
    x.grad = None
    x.median().backward()
    assert x.grad.sum().item() == 1.0
    assert x.grad[0].item() == 0.0


def test_empty_tensors():
    x = leaf(np.zeros((0, 3)))
    y = (x @ minidl.ones(3, 2, dtype=minidl.float64)).exp().sum()
    assert y.item() == 0.0
    y.backward()
    assert x.grad.shape == (0, 3)
    assert minidl.cat([x, minidl.ones(1, 3, dtype=minidl.float64)]).shape == (1, 3)


def test_tensors_without_axes():
    x = leaf(2.0)
    y = x * x + x
    assert y.shape == ()
    y.backward()
    assert x.grad.shape == ()
    assert x.grad.item() == 5.0


@pytest.mark.parametrize("scale", [1e-30, 1e4, 1e30])
def test_huge_and_tiny_scores_do_not_overflow(scale):
    scores = minidl.tensor([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0]], requires_grad=True)
    x = scores * scale
    losses = [
        F.cross_entropy(x, minidl.tensor([1, 2])),
        F.binary_cross_entropy_with_logits(x, minidl.ones(2, 3) * 0.5),
        minidl.logsumexp(x, dim=1).sum(),
        F.softmax(x, dim=1).sum(),
        minidl.sigmoid(x).sum(),
        F.softplus(x).sum(),
    ]
    for loss in losses:
        assert minidl.isfinite(loss).item()
        (g,) = minidl.autograd.grad(loss, [x], retain_graph=True)
        assert minidl.isfinite(g).all().item()


def test_nan_and_inf_pass_through_and_stay_where_they_are():
    x = leaf([np.nan, np.inf, 1.0])
    (x * x).sum().backward()
    assert np.isnan(x.grad[0].item())
    assert x.grad[1].item() == np.inf
    assert x.grad[2].item() == 2.0
    assert np.isnan(minidl.tensor([1.0, np.nan]).max().item())


@pytest.mark.parametrize("dtype", [minidl.float16, minidl.float32, minidl.float64])
def test_gradients_have_the_dtype_of_their_leaf(dtype):
    x, k = leaf([1.0, 2.0], dtype), minidl.tensor([3, 4])
    wide = minidl.tensor([1.0, 1.0], dtype=minidl.float64, requires_grad=True)
    y = x * k
    assert y.dtype == dtype
    assert (x * 2.5).dtype == dtype
    z = y * wide
    assert z.dtype == minidl.float64
    z.sum().backward()
    assert x.grad.dtype == dtype
    assert x.grad.tolist() == [3.0, 4.0]


def test_threads_record_and_differentiate_at_once():
    w = leaf(np.ones(50))
    failures = []

    def work(k):
        try:
            for _ in range(30):
                x = leaf(np.full(50, float(k)))
                y = x
                for _ in range(20):
                    y = y * 1.5
                y.sum().backward()
                assert np.allclose(x.grad.numpy(), 1.5**20)
                (w * k).sum().backward()
        except BaseException as error:  # the thread must not swallow it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert np.allclose(w.grad.numpy(), 30 * (1 + 2 + 3 + 4))


def test_grad_mode_is_per_thread():
    seen = {}
    with minidl.no_grad():
        thread = threading.Thread(target=lambda: seen.update(inside=minidl.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not minidl.is_grad_enabled()
    assert seen == {"inside": True}


def test_a_training_step_leaves_nothing_to_the_garbage_collector():
    features = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2)
    model = nn.Sequential(*features, nn.Flatten(), nn.Linear(36, 3))
    optimizer = minidl.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(minidl.randn(5, 1, 8, 8)), minidl.tensor([0, 1, 2, 0, 1]))
        loss.backward()
        optimizer.step()

    step()
    gc.collect()
    gc.disable()
    try:
        step()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_what_dies_in_the_forward_pass_is_freed():
    x = leaf(np.ones(1000))
    h = x + 1.0  # nobody's gradient needs h
    dead = weakref.ref(h.array)
    y = h + 1.0
    del h
    assert dead() is None
    y.sum().backward()
    assert x.grad.sum().item() == 1000.0


def test_the_gradient_of_a_leaf_owns_its_memory():
    a, b, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), minidl.tensor([1.0, 1.0], dtype=minidl.float64)
    (a + b).backward(seed)
    a.grad.zero_()
    assert b.grad.tolist() == [1.0, 1.0]
    assert seed.tolist() == [1.0, 1.0]


def test_a_penalty_on_the_gradient_s_norm():
    critic = nn.Sequential(nn.Linear(3, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1))
    x = minidl.randn(6, 3, requires_grad=True)
    y = critic(x)
    (g,) = minidl.autograd.grad(y, x, minidl.ones_like(y), create_graph=True, retain_graph=True, only_inputs=True)
    ((g.norm(2, dim=1) - 1) ** 2).mean().backward()
    assert critic[0].weight.grad.abs().sum().item() > 0
    assert critic[2].bias.grad is None or critic[2].bias.grad.abs().sum().item() == 0


def test_inputs_that_are_not_used_give_zeros_only_where_that_is_consistent():
    x, z = leaf([1.0]), leaf([2.0])
    assert minidl.autograd.grad(x.sum(), [x, z], materialize_grads=True)[1].tolist() == [0.0]
    with pytest.raises(ValueError, match="allow_unused cannot be False"):
        minidl.autograd.grad(x.sum(), [x, z], allow_unused=False, materialize_grads=True)


def test_dropout_of_a_tensor_without_axes():
    assert F.dropout(minidl.tensor(3.0), 0.5).item() in (0.0, 6.0)


def test_a_batch_whose_targets_are_all_ignored_teaches_nothing():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    loss = F.cross_entropy(x, minidl.tensor([-100, -100]))
    assert np.isnan(loss.item())
    loss.backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]
