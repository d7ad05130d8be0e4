"""A kill at any moment leaves the old file or the new one; a failed save leaves no trace; two may save at once."""

import errno
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import minidl
from minidl.autograd import Tensor
from tests.saving.values import same, tensor

FORMATS = ["safetensors", "npz"]

# A process that saves numbers 0, 1, 2, ... without end is killed at a random moment; then the file is looked at.
# One interpreter does it all by forking: starting Python a hundred times would take minutes.
KILLS = """
import os, random, signal, sys, time
import numpy as np
import minidl
from minidl.autograd import Tensor

path, format, kills = sys.argv[1], sys.argv[2], int(sys.argv[3])
chance = random.Random(0)

def checkpoint(k):
    return {"k": k, "w": [Tensor(np.full(n, k)) for n in (3, 20_000)]}

minidl.save(checkpoint(-1), path, format)
last, newer = -1, 0
for kill in range(kills):
    child = os.fork()
    if not child:
        while True:
            last += 1
            minidl.save(checkpoint(last), path, format)
    time.sleep(chance.random() * 0.03)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    found = minidl.load(path)
    assert found["k"] >= last and [t.array.size for t in found["w"]] == [3, 20_000]
    assert all((t.array == found["k"]).all() for t in found["w"])
    newer += found["k"] > last
    last = found["k"]
print(newer)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test kills forked processes")
@pytest.mark.parametrize("format", FORMATS)
def test_a_kill_leaves_the_old_file_or_the_new_one(tmp_path, format, request):
    kills = 500 if request.config.getoption("--all") else 60
    command = [sys.executable, "-W", "ignore", "-c", KILLS, str(tmp_path / "a"), format, str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > kills / 4, "the process was killed before it saved anything"
    left = [name for name in os.listdir(tmp_path) if name != "a"]
    assert all(name.startswith(".a.") and name.endswith(".part") for name in left)


@pytest.mark.parametrize("format", FORMATS)
def test_a_full_disk_leaves_the_old_file_and_no_trace(tmp_path, format, monkeypatch):
    path = tmp_path / "a"
    minidl.save({"k": 1}, path, format)
    resource = pytest.importorskip("resource", reason="only Unix limits the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError) as error:
            minidl.save({"k": 2, "w": Tensor(np.zeros(100_000))}, path, format)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, old)
    assert error.value.errno == errno.EFBIG
    assert minidl.load(path) == {"k": 1}
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("call", ["os.fsync", "os.replace"])
def test_an_error_at_the_last_moment(tmp_path, format, call, monkeypatch):
    path = tmp_path / "a"
    minidl.save({"k": 1}, path, format)

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(call, fail)
        with pytest.raises(OSError, match="No space left"):
            minidl.save({"k": 2}, path, format)
    assert minidl.load(path) == {"k": 1}
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("format", FORMATS)
def test_an_interrupt_leaves_no_trace(tmp_path, format, monkeypatch):
    path = tmp_path / "a"
    minidl.save({"k": 1}, path, format)
    monkeypatch.setattr(np, "ascontiguousarray", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        minidl.save({"k": 2, "w": tensor([1.0])}, path, format)
    assert minidl.load(path) == {"k": 1}
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("format", FORMATS)
def test_several_save_at_once_while_others_load(tmp_path, format):
    path = tmp_path / "a"
    checkpoint = lambda k: {"k": k, "w": Tensor(np.full(1000, k))}
    minidl.save(checkpoint(0), path, format)
    problems = []

    def save(k):
        for _ in range(20):
            minidl.save(checkpoint(k), path, format)

    def load():
        for _ in range(40):
            found = minidl.load(path)
            if not same(found, checkpoint(found["k"])):
                problems.append(found)

    def run(work, *arguments):
        try:
            work(*arguments)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=run, args=(save, k)) for k in (1, 2, 3)]
    threads += [threading.Thread(target=run, args=(load,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if os.name == "nt":  # where a file that someone reads cannot be replaced
        problems = [p for p in problems if not isinstance(p, PermissionError)]
    assert not problems
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask to respect")
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_the_mode_of_the_file(tmp_path, mask):
    before = os.umask(mask)
    try:
        minidl.save({}, tmp_path / "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_path_that_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError, match="none"):
        minidl.save({}, tmp_path / "none" / "a.npz")
    with pytest.raises(OSError):
        minidl.save({}, tmp_path)
    assert not os.listdir(tmp_path)
