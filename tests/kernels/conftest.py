import time

import pytest

from minidl.kernels import activation, attention, blocks, conv, embedding, normalize, pool, threads


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def shared_work(request, monkeypatch):
    """However small the work, kernels take it, cut it into blocks and share them out over this many threads."""
    monkeypatch.setattr(threads, "WORTH_SPLITTING", 0)
    monkeypatch.setattr(threads, "_last_split", time.monotonic() + 1e6)
    monkeypatch.setattr(activation, "BLOCK", 7)
    monkeypatch.setattr(attention, "TILE", 12)
    monkeypatch.setattr(attention, "KEPT", 20)
    monkeypatch.setattr(blocks, "BLOCK", 7)
    monkeypatch.setattr(embedding, "FEW", 4)
    monkeypatch.setattr(conv, "SCRATCH", 200)
    monkeypatch.setattr(conv, "IN_PLACE", 100)
    monkeypatch.setattr(conv, "VECTOR", 2)
    monkeypatch.setattr(conv, "MANY_CHANNELS", 3)
    monkeypatch.setattr(normalize, "ROWS", 30)
    monkeypatch.setattr(pool, "TILE", 40)
    monkeypatch.setattr(normalize, "CHANNELS", 30)
    monkeypatch.setattr(normalize, "LONG", 1)
    monkeypatch.setattr(threads.SINGLE, "threads", lambda: request.param)
