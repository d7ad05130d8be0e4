"""The splitter: every part is computed once, errors arrive, nobody waits for anybody, and BLAS has its setting back."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from minidl.kernels import threads
from minidl.kernels.threads import SINGLE, split, splitting

BIG = threads.WORTH_SPLITTING
controlled = pytest.mark.skipif(threads._find() is None, reason="this NumPy's BLAS has no thread setting to control")


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setattr(SINGLE, "threads", lambda: 3)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 10])
def test_every_part_is_computed_once(three, n):
    seen = np.zeros(n, int)

    def work(lo, hi):
        seen[lo:hi] += 1

    split(work, n, BIG)
    assert (seen == 1).all()


def test_work_runs_on_several_threads(three):
    names = set()
    barrier = threading.Barrier(3, timeout=30)

    def work(lo, hi):
        barrier.wait()  # passes only if three threads are here at once
        names.add(threading.current_thread().name)

    split(work, 3, BIG)
    assert len(names) == 3


def test_little_work_stays_here(three):
    names = set()
    split(lambda lo, hi: names.add(threading.current_thread()), 3, BIG - 1)
    assert names == {threading.current_thread()}


@pytest.mark.parametrize("part", [0, 1, 2])
def test_an_error_in_any_part_arrives_and_the_next_call_works(three, part):
    def work(lo, hi):
        if lo == part:
            raise ValueError(f"part {lo}")

    for _ in range(2):
        with pytest.raises(ValueError, match=f"part {part}"):
            split(work, 3, BIG)
    test_every_part_is_computed_once(None, 5)


def test_a_part_that_splits_again_computes_alone(three):
    counts = []
    split(lambda lo, hi: split(lambda a, e: counts.append(e - a), 4, BIG), 3, BIG)
    assert sum(counts) == 12


def test_two_users_at_once_neither_wait_nor_mix(three):
    sums = np.zeros((2, 300))

    def user(k):
        def work(lo, hi):
            sums[k, lo:hi] += k + 1

        for _ in range(50):
            split(work, 300, BIG)

    both = [threading.Thread(target=user, args=(k,)) for k in range(2)]
    for t in both:
        t.start()
    for t in both:
        t.join(timeout=60)
        assert not t.is_alive()
    assert (sums[0] == 50).all() and (sums[1] == 100).all()


def test_numpys_error_settings_go_along(three):
    def work(lo, hi):
        np.ones(1) / np.zeros(1)

    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        split(work, 3, BIG)
    with np.errstate(divide="ignore"):
        split(work, 3, BIG)


@controlled
def test_blas_runs_single_inside_and_has_its_setting_back():
    before = SINGLE._get()
    try:
        SINGLE._set(2)
        inside = []
        split(lambda lo, hi: inside.append((SINGLE._get(), SINGLE.threads())), 2, BIG)
        assert inside == [(1, 2)] * 2
        assert SINGLE._get() == 2
        with SINGLE, SINGLE:
            assert SINGLE._get() == 1
        assert SINGLE._get() == 2
        with pytest.raises(ZeroDivisionError):
            split(lambda lo, hi: 1 / 0, 2, BIG)
        assert SINGLE._get() == 2
        with SINGLE:
            SINGLE._set(2)  # what the user sets meanwhile stands
        assert SINGLE._get() == 2
    finally:
        SINGLE._set(before)


def test_splitting_is_remembered_for_a_moment(three, monkeypatch):
    monkeypatch.setattr(threads, "_last_split", -1.0)
    assert not splitting()
    split(lambda lo, hi: None, 3, BIG, lasting=False)
    assert not splitting()
    split(lambda lo, hi: None, 3, BIG)
    assert splitting()


def _child(queue):
    total = []
    split(lambda lo, hi: total.append(hi - lo), 6, BIG)
    queue.put((sum(total), SINGLE._get()))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")  # Python 3.12 warns of what is meant
def test_a_forked_child_splits_anew(three):
    """Also when the parent was inside a kernel at that moment."""
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    setting = SINGLE._get()
    with SINGLE:
        child = context.Process(target=_child, args=(queue,))
        child.start()
        child.join(timeout=60)
    assert child.exitcode == 0
    assert queue.get() == (6, setting)


def test_kernels_can_be_left_out():
    code = "import minidl; from minidl.autograd import OPS; print(sum(bool(op.kernels) for op in vars(OPS).values()))"
    count = lambda **more: int(subprocess.run(
        [sys.executable, "-c", code], env=os.environ | more, capture_output=True, text=True, check=True
    ).stdout)  # fmt: skip
    assert count(MINIDL_KERNELS="off") == 0
    assert count(MINIDL_KERNELS="on") > 0
