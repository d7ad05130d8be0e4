"""What the user set for BLAS stands: after every kernel, with two users at once, and in a child of a busy process."""

import multiprocessing
import threading

import numpy as np
import pytest

import minidl
from minidl import kernels, nn
from minidl.backend import NUMPY
from minidl.kernels import threads
from minidl.kernels.threads import SINGLE, split
from minidl.nn import functional as F
from minidl.testing import checks

pytestmark = [
    pytest.mark.skipif(not kernels.ON, reason="MINIDL_KERNELS=off leaves every kernel out"),
    pytest.mark.skipif(threads._find() is None, reason="this NumPy's BLAS has no thread setting to control"),
]
KERNELS = [op for op in checks.registry() if NUMPY in op.kernels]


@pytest.fixture(params=[1, 2])
def setting(request):
    """The user's, put back at the end."""
    before = SINGLE._get()
    SINGLE._set(request.param)
    yield request.param
    SINGLE._set(before)


@pytest.mark.parametrize("op", KERNELS, ids=lambda op: op.name)
def test_no_kernel_leaves_another_setting(op, setting, shared_work):
    for sample in op.samples:
        checks.check_kernel(op, sample, NUMPY)
        assert (SINGLE._get(), SINGLE._inside) == (setting, 0)


def network():
    """Convolution, pooling and norms that split, then products, attention and a sequence."""
    minidl.manual_seed(0)
    images = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(1))
    words, head = nn.LSTM(64, 32, batch_first=True), nn.Linear(32, 10)
    x, y = minidl.randn(32, 3, 32, 32), minidl.randint(0, 10, (32,))

    def run():
        h = images(x).reshape(32, 32, 64)
        h = F.scaled_dot_product_attention(h, h, h)
        loss = F.cross_entropy(head(words(h)[0][:, -1]), y)
        for p in parameters:
            p.grad = None
        loss.backward()
        return np.concatenate([p.grad.numpy().ravel() for p in parameters])

    parameters = [*images.parameters(), *words.parameters(), *head.parameters()]
    return run


def test_two_users_at_once(setting):
    """Neither waits for the other for ever, gets the other's numbers, or finds another setting afterwards."""
    alone, found, runs = network()(), {}, [network(), network()]

    def user(k):
        found[k] = [runs[k]() for _ in range(5)]

    users = [threading.Thread(target=user, args=(k,)) for k in range(2)]
    for t in users:
        t.start()
    for t in users:
        t.join(timeout=100)
    assert not any(t.is_alive() for t in users)
    for gradients in (*found[0], *found[1]):
        np.testing.assert_allclose(gradients, alone, rtol=1e-3, atol=1e-5)
    assert (SINGLE._get(), SINGLE._inside) == (setting, 0)


def test_what_a_user_sets_while_another_computes_stands():
    before, stop, run, its = SINGLE._get(), threading.Event(), network(), network()

    def compute():
        while not stop.is_set():
            its()

    other = threading.Thread(target=compute)
    other.start()
    try:
        for count in (2, 1, 2, 1, 2):
            minidl.set_num_threads(count)
            run()
            assert minidl.get_num_threads() == count
    finally:
        stop.set()
        other.join(timeout=100)
        left = SINGLE._get()
        SINGLE._set(before)
    assert not other.is_alive()
    assert left == 2


def _child(queue):
    gradients = network()()
    queue.put((gradients, SINGLE._get(), SINGLE._inside))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")  # Python 3.12 warns of what is meant
def test_a_child_of_a_busy_process_computes(setting, monkeypatch):
    """Forked while another thread is inside a kernel, and holds all that a kernel can hold.

    (A fork while BLAS's own threads compute hangs in OpenBLAS, also without minidl: its lock stays taken.)"""
    alone, inside, leave = network()(), threading.Barrier(3, timeout=60), threading.Event()

    def work(lo, hi):
        inside.wait()
        leave.wait(100)

    with monkeypatch.context() as patch:
        patch.setattr(SINGLE, "threads", lambda: 2)
        other = threading.Thread(target=split, args=(work, 2, threads.WORTH_SPLITTING))
        other.start()
        inside.wait()
    try:
        context = multiprocessing.get_context("fork")
        queue = context.SimpleQueue()
        child = context.Process(target=_child, args=(queue,))
        child.start()
        child.join(timeout=100)
        assert child.exitcode == 0
        gradients, found, still_inside = queue.get()
        assert (SINGLE._get(), SINGLE._inside) == (1, 1)  # here, where the other is
    finally:
        leave.set()
        other.join(timeout=100)
    np.testing.assert_allclose(gradients, alone, rtol=1e-3, atol=1e-5)
    assert (found, still_inside) == (setting, 0)
    assert (SINGLE._get(), SINGLE._inside) == (setting, 0)
