"""Whole programs with workers: no main guard, Ctrl-C, a kill, an exit in mid-pass; nothing is left of them."""

import glob
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left in /proc and /dev/shm"),
    pytest.mark.timeout(90),
]

MADE = """
import os, sys, time
import numpy as np
import minidl
from minidl.data import DataLoader, Dataset

class Made(Dataset):
    def __init__(self, pause=0.0):
        self.pause = pause
    def __len__(self):
        return 1000
    def __getitem__(self, k):
        time.sleep(self.pause)
        return np.full(20_000, k)

def ready():
    print("ready", flush=True)
"""


class Script:
    """A program in a process group of its own."""

    def __init__(self, folder, text, before=MADE):
        path = folder / "script.py"
        path.write_text(before + text)
        home = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.shm = set(glob.glob("/dev/shm/*"))
        self.process = subprocess.Popen(
            [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=home,
            start_new_session=True,
        )  # fmt: skip

    def wait_until_ready(self):
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def members(self):
        """The processes of the group that still run, by /proc; the first one excluded."""
        found = []
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                fields = Path(stat).read_text().rpartition(")")[2].split()
            except OSError:
                continue  # gone meanwhile
            pid = int(stat.split("/")[2])
            if int(fields[2]) == self.process.pid and fields[0] != "Z" and pid != self.process.pid:
                found.append(pid)
        return found

    def end(self, seconds=20):
        """What it printed; every process of the group must be gone soon after it, and nothing left in /dev/shm."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            out, err = self.process.communicate()
            raise AssertionError(f"it does not end; it printed\n{out}\n{err}") from None
        deadline = time.monotonic() + 5
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.05)
        left = self.members()
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left
        assert set(glob.glob("/dev/shm/*")) <= self.shm
        return out, err


def test_no_main_guard(tmp_path):
    script = Script(tmp_path, "print(sum(int(b[0, 0]) for b in DataLoader(Made(), 10, num_workers=2)))")
    out, err = script.end()
    assert (out, err, script.process.returncode) == ("49500\n", "", 0)


LOOPS = {
    "in the loop's body": "for b in DataLoader(Made(), 10, num_workers=3): ready() if b[0, 0] == 0 else time.sleep(30)",
    "waiting for a batch": "for b in DataLoader(Made(0.2), 2, num_workers=3):\n    if b[0, 0] == 0: ready()",
    "in slow batches": "it = iter(DataLoader(Made(60), 2, num_workers=3)); time.sleep(0.5); ready(); next(it)",
    "persistent": "d = DataLoader(Made(), 10, num_workers=3, persistent_workers=True)\n"
    "for b in d: pass\nready()\nfor b in d: time.sleep(30)",
    "while they start and end": "ready()\nwhile True:\n    it = iter(DataLoader(Made(), 10, num_workers=4))",
    "while they end": "ready()\nwhile True:\n    for b in DataLoader(Made(0.3), 10, num_workers=2): break",
}


@pytest.mark.parametrize("where", LOOPS)
def test_ctrl_c(tmp_path, where):
    script = Script(tmp_path, LOOPS[where])
    script.wait_until_ready()
    time.sleep(0.3)
    os.killpg(script.process.pid, signal.SIGINT)  # a terminal's Ctrl-C goes to the whole group
    _, err = script.end()
    assert script.process.returncode in (-signal.SIGINT, 130)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1
    assert "Process" not in err


@pytest.mark.parametrize("where", ["in the loop's body", "waiting for a batch", "in slow batches"])
@pytest.mark.parametrize("with_what", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_after_a_parent_that_was_killed(tmp_path, where, with_what):
    script = Script(tmp_path, LOOPS[where])
    script.wait_until_ready()
    time.sleep(0.3)
    assert len(script.members()) == 3
    script.process.send_signal(with_what)
    _, err = script.end()
    assert err == ""


def test_one_loaders_workers_do_not_keep_anothers_alive(tmp_path):
    text = """
a = DataLoader(Made(), 10, num_workers=2, persistent_workers=True)
for _ in a: break
for _ in DataLoader(Made(), 10, num_workers=2): break
b = DataLoader(Made(), 10, num_workers=2, persistent_workers=True)
for _ in b: break
del a
a = DataLoader(Made(), 10, num_workers=2, persistent_workers=True)
for _ in a: break
ready()
time.sleep(60)
"""
    script = Script(tmp_path, text)
    script.wait_until_ready()
    assert len(script.members()) == 4
    script.process.kill()
    assert script.end() == ("", "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("it = iter(DataLoader(Made(), 10, num_workers=2)); next(it)", 0),
        ("d = DataLoader(Made(), 10, num_workers=2, persistent_workers=True); next(iter(d))", 0),
        ("d = DataLoader(Made(60), 1, num_workers=2); it = iter(d)", 0),
        ("it = iter(DataLoader(Made(), 10, num_workers=2)); next(it); sys.exit(3)", 3),
        ("it = iter(DataLoader(Made(), 10, num_workers=2)); it.itself = it", 0),
        ("keep = list(DataLoader(Made(), 10, num_workers=2))", 0),
    ],
)
def test_the_end_of_the_program_in_mid_pass(tmp_path, text, code):
    script = Script(tmp_path, text)
    out, err = script.end()
    assert (out, err, script.process.returncode) == ("", "", code)


def test_an_error_in_mid_pass(tmp_path):
    script = Script(tmp_path, "for b in DataLoader(Made(), 10, num_workers=2): 1 / 0")
    _, err = script.end()
    assert err.rstrip().endswith("ZeroDivisionError: division by zero")
    assert err.count("Traceback") == 1


def test_spawn_without_a_main_guard_is_explained(tmp_path):
    script = Script(tmp_path, "for b in DataLoader(Made(), 10, num_workers=2, multiprocessing_context='spawn'): pass")
    _, err = script.end(60)
    assert 'put what it does under `if __name__ == "__main__":`' in err.splitlines()[-1]
    assert script.process.returncode == 1


def test_spawn_with_a_main_guard(tmp_path):
    text = """
if __name__ == "__main__":
    print(sum(int(b[0, 0]) for b in DataLoader(Made(), 10, num_workers=2, multiprocessing_context="spawn")))
"""
    script = Script(tmp_path, text)
    assert script.end(60) == ("49500\n", "")


def test_ctrl_c_with_spawn(tmp_path):
    text = """
if __name__ == "__main__":
    for b in DataLoader(Made(), 10, num_workers=2, multiprocessing_context="spawn"):
        if b[0, 0] == 0: ready()
        time.sleep(30)
"""
    script = Script(tmp_path, text)
    script.wait_until_ready()
    os.killpg(script.process.pid, signal.SIGINT)
    _, err = script.end()
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert err.count("Traceback") == 1
