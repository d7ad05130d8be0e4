"""Whole programs in PyTorch's idiom run with only their imports changed."""

import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.programs.beside import beside

HERE = Path(__file__).parent


def few_photographs(folder, rng):
    """A folder in CIFAR-10's layout with 8 images a batch: noise, whose colour tells the class."""
    root = folder / "cifar-10-batches-py"
    root.mkdir(parents=True)
    for name in (*(f"data_batch_{k}" for k in range(1, 6)), "test_batch"):
        labels = rng.integers(0, 10, 8)
        images = rng.integers(0, 25, (8, 3072)) + 23 * labels[:, None]
        batch = {b"data": images.astype(np.uint8), b"labels": labels.tolist()}
        (root / name).write_bytes(pickle.dumps(batch, protocol=2))
    meta = {b"label_names": [b"class %d" % k for k in range(10)]}
    (root / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))


@pytest.mark.skipif(os.name == "nt", reason="without fork, worker processes need a main guard, which the program lacks")
def test_the_cifar_program_runs_without_a_main_guard(tmp_path, rng):
    few_photographs(tmp_path / "data", rng)
    command = [sys.executable, HERE / "cifar10.py", "2", "5"]
    env = {**os.environ, "PYTHONPATH": str(HERE.parents[1])}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, env=env)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    losses = re.findall(r"\[(\d), +(\d+)\] loss: ([\d.]+)", done.stdout)
    assert [(epoch, step) for epoch, step, _ in losses] == [("1", "5"), ("1", "10"), ("2", "5"), ("2", "10")]
    assert all(2.0 < float(loss) < 2.6 for _, _, loss in losses)
    assert "Finished Training" in done.stdout
    assert "on the 8 test images" in done.stdout


@pytest.mark.parametrize(
    "program, tolerance",
    [
        ("gpt", 1e-9), ("resnet", 1e-9), ("vae", 1e-9), ("lstm_lm", 1e-9), ("seq2seq", 1e-9), ("dcgan", 1e-9),
        ("wgan_gp", 1e-4), ("reinforce", 1e-4),  # these compute in float32
    ],
)  # fmt: skip
def test_ten_steps_give_the_losses_that_they_give_with_torch(program, tolerance):
    ours, theirs = beside(program, 10)
    assert len(ours) >= 10
    np.testing.assert_allclose(ours, theirs, rtol=tolerance, atol=tolerance)
