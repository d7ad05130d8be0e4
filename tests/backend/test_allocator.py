"""The memory setting: on under glibc, off when asked, silent elsewhere."""

import os
import platform
import subprocess
import sys

import pytest

from minidl.backend import allocator

SAY = "from minidl.backend import allocator; print(allocator.status)"


def status(**env):
    return subprocess.check_output([sys.executable, "-c", SAY], text=True, env={**os.environ, **env}).strip()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the setting is glibc's")
def test_it_is_on_unless_one_variable_says_no():
    assert status(MINIDL_MALLOC="") == "on"
    assert status(MINIDL_MALLOC="off").startswith("off")


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.delenv("MINIDL_MALLOC", raising=False)
    monkeypatch.setattr(allocator, "_glibc", lambda: False)
    assert allocator.keep_freed_memory() == "not applied (needs glibc)"
