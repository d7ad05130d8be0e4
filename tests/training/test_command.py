"""`minidl train`: what it writes, what it refuses, and that nothing that ends it loses anything."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import minidl
from minidl import cli
from minidl.training import datasets, session, trainer
from minidl.vision.datasets import MNIST

pytest.importorskip("sklearn", reason="the digits come with scikit-learn")

SMALL = ["--model", "mlp", "--epochs", "2", "--every", "5", "--limit", "300"]
FILES = ("model.safetensors", "checkpoint.safetensors")
ENV = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}


@pytest.fixture(autouse=True)
def random_streams_stay():
    before = minidl.get_rng_state(), np.random.get_state(), random.getstate()
    yield
    minidl.set_rng_state(before[0])
    np.random.set_state(before[1])
    random.setstate(before[2])


def train(folder, *options):
    return cli.main(["train", "--out", str(folder), *options])


def start(*options):
    command = [sys.executable, "-m", "minidl", "train", *map(str, options)]
    return subprocess.Popen(command, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process):
    """What it printed, once it has ended; nothing of it is left open."""
    out, err = process.communicate()
    assert process.returncode == 0, err
    return out


def log(folder):
    """The lines of the log, without the time they took."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert all(line.pop("seconds") >= 0 for line in lines)
    return lines


def same_end(a, b):
    return all((a / name).read_bytes() == (b / name).read_bytes() for name in FILES) and log(a) == log(b)


# ---------------------------------------------------------------------------------------------- a run


def test_a_run_leaves_weights_a_checkpoint_and_a_log(tmp_path, capsys):
    assert train(tmp_path, *SMALL) == 0
    said = capsys.readouterr().out
    assert "Done: 2 epochs" in said
    assert f"minidl train --resume {tmp_path} --epochs 4" in said
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.safetensors", "log.jsonl", "model.safetensors"]
    lines = log(tmp_path)
    assert [(line["event"], line["step"]) for line in lines] == [("step", 5), ("epoch", 5), ("step", 10), ("epoch", 10)]
    assert 0.3 < lines[-1]["test_accuracy"] <= 1
    weights = minidl.load(tmp_path / "model.safetensors")
    assert {name: t.shape for name, t in weights.items()}["1.weight"] == (128, 64)


@pytest.mark.parametrize("model", ["linear", "mlp", "lenet", "cnn"])
@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
def test_every_network_takes_every_size(model, shape):
    net = session.NETWORKS[model](shape, 7)
    assert net(minidl.zeros(2, *shape)).shape == (2, 7)


def test_lenet_is_the_net_of_the_tutorials():
    shapes = lambda shape: [tuple(p.shape) for p in session.NETWORKS["lenet"](shape, 10).parameters() if p.ndim == 2]
    assert shapes((3, 32, 32)) == shapes((1, 28, 28)) == [(120, 400), (84, 120), (10, 84)]


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw"])
def test_every_optimizer_and_schedule(tmp_path, optimizer):
    for schedule in ("cosine", "constant"):
        folder = tmp_path / schedule
        assert train(folder, *SMALL, "--optimizer", optimizer, "--schedule", schedule) == 0
    rates = [line["lr"] for line in log(tmp_path / "cosine") if line["event"] == "step"]
    assert rates[0] > rates[1] > 0
    assert len({line["lr"] for line in log(tmp_path / "constant") if line["event"] == "step"}) == 1


def test_the_seed_decides(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(tmp_path / name, *SMALL, "--seed", str(seed))
    assert same_end(tmp_path / "a", tmp_path / "b")
    assert not same_end(tmp_path / "a", tmp_path / "c")


def test_workers_change_nothing(tmp_path):
    train(tmp_path / "a", *SMALL)
    train(tmp_path / "b", *SMALL, "--workers", "2")
    assert same_end(tmp_path / "a", tmp_path / "b")


def test_the_learning_rate_falls_to_zero_along_half_a_cosine(tmp_path):
    train(tmp_path, *SMALL, "--every", "1", "--lr", "0.004")
    rates = [line["lr"] for line in log(tmp_path) if line["event"] == "step"]
    np.testing.assert_allclose(rates, 0.004 * 0.5 * (1 + np.cos(np.pi * np.arange(10) / 10)), rtol=1e-12)


def test_files_in_mnist_format(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part, n in (("train", 96), ("t10k", 32)):
        labels = rng.integers(0, 10, n).astype(np.uint8)
        images = np.zeros((n, 28, 28), np.uint8)
        images[np.arange(n), labels] = 255
        for name, array in ((f"{part}-images-idx3-ubyte", images), (f"{part}-labels-idx1-ubyte", labels)):
            head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
            (folder / name).write_bytes(head + array.tobytes())
    assert len(MNIST(tmp_path / "data")) == 96
    options = ["--data-set", "mnist", "--epochs", "1"]
    assert train(tmp_path / "a", *options, "--data", str(tmp_path / "data")) == 0
    monkeypatch.setenv("MINIDL_DATA", str(tmp_path / "data"))
    assert train(tmp_path / "b", *options) == 0
    assert same_end(tmp_path / "a", tmp_path / "b")
    data = datasets.load("mnist")
    x = data.normaliser("cpu")(data.train.tensors[0])
    assert abs(x.mean().item()) < 1e-4 and abs(x.std().item() - 1) < 1e-2


# ---------------------------------------------------------------------------------------------- killed and resumed


@pytest.mark.timeout(900)  # with --all sixty kills
def test_killed_at_random_moments_it_ends_with_the_same_bits(tmp_path, request):
    """What counts: kills after which the run came to the same end, of all kills."""
    wanted = 60 if request.config.getoption("--all") else 5
    options = ["--model", "cnn", "--epochs", "2", "--every", "3", "--limit", "640"]
    began = time.monotonic()
    finish(start("--out", tmp_path / "whole", *options))
    seconds = time.monotonic() - began
    chance, kills, runs = random.Random(0), 0, 0
    while kills < wanted:
        folder, here, runs = tmp_path / f"run{runs}", 0, runs + 1
        while True:
            begun = (folder / "checkpoint.safetensors").exists()
            process = start(*(["--resume", folder] if begun else ["--out", folder, *options]))
            try:
                said = process.communicate(timeout=chance.uniform(0, seconds) if here < 6 else None)
                assert process.returncode == 0, said
                break
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                here += 1
        kills += here
        assert same_end(tmp_path / "whole", folder), f"run {runs}, killed {here} times, ended otherwise"
    print(f"{kills} kills survived of {kills}, in {runs} runs")


def test_every_place_in_a_run_can_be_resumed_from(tmp_path, monkeypatch):
    """Saved after each step; stopped, without a word, after each of them in turn."""

    class Gone(BaseException):
        pass

    train(tmp_path / "whole", *SMALL)
    saved = session.Session.checkpoint
    for stop in range(1, 13):
        left = [stop]

        def once(self, weights=False, left=left):
            saved(self, weights)
            left[0] -= 1
            if not left[0]:
                raise Gone

        monkeypatch.setattr(session.Session, "checkpoint", once)
        folder = tmp_path / str(stop)
        try:
            train(folder, *SMALL)
        except Gone:
            pass
        monkeypatch.setattr(session.Session, "checkpoint", saved)
        with open(folder / "log.jsonl", "a") as file:
            file.write('{"event": "step", "step": 99, "seconds": 1.0}\n{"cut sho')  # what no checkpoint knows of
        assert cli.main(["train", "--resume", str(folder)]) == 0
        assert same_end(tmp_path / "whole", folder)


def test_more_epochs_than_at_first(tmp_path):
    constant = [*SMALL, "--schedule", "constant"]
    train(tmp_path / "short", *constant)
    assert cli.main(["train", "--resume", str(tmp_path / "short"), "--epochs", "4"]) == 0
    train(tmp_path / "long", *constant, "--epochs", "4")
    assert same_end(tmp_path / "long", tmp_path / "short")


def test_a_finished_run_resumed_says_so_and_stays(tmp_path, capsys):
    train(tmp_path, *SMALL)
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    capsys.readouterr()
    assert cli.main(["train", "--resume", str(tmp_path)]) == 0
    assert "Done: 2 epochs" in capsys.readouterr().out
    assert before == {name: (tmp_path / name).read_bytes() for name in FILES}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_finishes_the_step_saves_and_says_how_to_go_on(tmp_path, number, status):
    options = ["--model", "cnn", "--epochs", "6", "--every", "1000", "--limit", "640"]
    finish(start("--out", tmp_path / "whole", *options))
    folder = tmp_path / "run"
    process = start("--out", folder, *options)
    wait_for(folder / "checkpoint.safetensors")
    time.sleep(0.2)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == status, err
    assert out.splitlines()[-1] == f"resume with: minidl train --resume {folder}"
    assert "once more ends at once" in err
    assert "Traceback" not in err
    finish(start("--resume", folder))
    assert same_end(tmp_path / "whole", folder)


def test_stopped_during_the_test_of_an_epoch_it_does_not_train_that_epoch_again(tmp_path, monkeypatch):
    assert train(tmp_path / "whole", *SMALL) == 0
    stopped = []

    def evaluate(*args, **kwargs):
        if not stopped:
            stopped.append(True)
            signal.raise_signal(signal.SIGINT)
        return evaluated(*args, **kwargs)

    evaluated = trainer.evaluate
    monkeypatch.setattr(trainer, "evaluate", evaluate)
    assert train(tmp_path / "run", *SMALL) == 130
    assert cli.main(["train", "--resume", str(tmp_path / "run")]) == 0
    assert same_end(tmp_path / "whole", tmp_path / "run")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
def test_a_second_ctrl_c_ends_at_once_without_damage(tmp_path):
    process = start("--out", tmp_path, "--model", "lenet", "--batch", "1000", "--epochs", "1000", "--every", "1")
    wait_for(tmp_path / "checkpoint.safetensors")
    time.sleep(0.3)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, err = process.communicate()
    # The second may find Python itself on its way out, which then ends by the signal: 130 in a shell, too.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err or process.returncode == -signal.SIGINT
    assert minidl.load(tmp_path / "checkpoint.safetensors")["progress"]["epoch"] >= 0


def wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not come"
        time.sleep(0.01)


# ---------------------------------------------------------------------------------------------- what ends in a sentence


def one_sentence(capsys, *words):
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 1, err
    assert err.startswith("minidl train: ")
    for word in words:
        assert word in err
    return out


def test_a_loss_that_is_no_number_stops_before_its_step(tmp_path, capsys):
    options = ["--model", "linear", "--optimizer", "sgd", "--lr", "1e37", "--limit", "300", "--every", "1"]
    assert train(tmp_path, *options) == 1
    saved = minidl.load(tmp_path / "checkpoint.safetensors")
    step = saved["progress"]["step"]
    said = f"in step {step + 1} (epoch 1)"
    one_sentence(capsys, said, f"step {step}", str(tmp_path / "checkpoint.safetensors"), "smaller --lr than 1e+37")
    assert all(t.isfinite().all().item() for t in saved["model"].values())
    assert cli.main(["train", "--resume", str(tmp_path)]) == 1
    one_sentence(capsys, said)


def test_weights_that_are_no_numbers_never_take_the_place_of_a_good_checkpoint(tmp_path, capsys, monkeypatch):
    from minidl.optim import Adam

    step = Adam.step

    def spoil(self, closure=None):
        step(self, closure)
        w = self.param_groups[0]["params"][0]
        if self.state[w]["step"].item() == 9:
            w.array[0, 0] = np.inf

    monkeypatch.setattr(Adam, "step", spoil)
    assert train(tmp_path, *SMALL, "--every", "3") == 1
    one_sentence(capsys, "after step 9 (epoch 2) the values of 1.weight are not finite", "of step 6 (epoch 2)")
    saved = minidl.load(tmp_path / "checkpoint.safetensors")
    assert saved["progress"]["step"] == 6
    assert all(t.isfinite().all().item() for t in saved["model"].values())


def test_a_nan_leaves_running_statistics_and_random_streams_as_they_were():
    from minidl import nn, optim
    from minidl.training import Diverged, Run, train_epoch

    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    run = Run(model, optim.SGD(model.parameters(), lr=0.1))
    good = (minidl.randn(8, 3), minidl.randint(0, 2, (8,)))
    bad = (good[0] * float("nan"), good[1])
    list(train_epoch(run, [good], nn.CrossEntropyLoss()))
    before = {name: t.clone() for name, t in model.state_dict().items()}
    place = minidl.get_rng_state()
    with pytest.raises(Diverged, match="the loss is nan"):
        list(train_epoch(run, [bad], nn.CrossEntropyLoss()))
    assert (minidl.get_rng_state() == place).all()
    assert all((before[name] == t).all() for name, t in model.state_dict().items())
    assert run.step == 1


def full_disk(monkeypatch, after):
    """The disk is full from the given number of saves on."""
    from minidl.training.checkpoint import Run

    saved, left = Run.save, [after]

    def save(self, path):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        saved(self, path)

    monkeypatch.setattr(Run, "save", save)
    return lambda: monkeypatch.setattr(Run, "save", saved)


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path, capsys, monkeypatch):
    train(tmp_path / "whole", *SMALL)
    make_room = full_disk(monkeypatch, 2)
    folder = tmp_path / "run"
    capsys.readouterr()
    assert train(folder, *SMALL) == 1
    resume = f"minidl train --resume {folder}"
    one_sentence(capsys, "No space left on device", "the checkpoint of step 5 (epoch 1) is whole", "make room", resume)
    make_room()
    assert cli.main(["train", "--resume", str(folder)]) == 0
    assert same_end(tmp_path / "whole", folder)


def test_a_disk_that_is_full_from_the_start(tmp_path, capsys, monkeypatch):
    full_disk(monkeypatch, 0)
    assert train(tmp_path, *SMALL) == 1
    one_sentence(capsys, "No space left on device", "nothing is saved yet")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can limit the size of files and go on")
def test_a_real_write_that_fails(tmp_path):
    """Files may have 60,000 bytes: the first checkpoint has less, and one with Adam's moments more."""
    import resource

    code = "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); \
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); from minidl import cli; \
        sys.exit(cli.main(['train', *sys.argv[1:]]))"
    assert resource.getrlimit(resource.RLIMIT_FSIZE)
    command = [sys.executable, "-c", code, "--out", str(tmp_path), *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, env=ENV)
    assert done.returncode == 1, done.stderr
    assert "cannot be written to (File too large)" in done.stderr
    assert "Traceback" not in done.stderr
    assert "the checkpoint of step 0 (epoch 0) is whole" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["checkpoint.safetensors", "log.jsonl"]
    assert cli.main(["train", "--resume", str(tmp_path)]) == 0


def test_a_folder_that_is_deleted_meanwhile_is_made_again(tmp_path, monkeypatch):
    train(tmp_path / "whole", *SMALL)
    wrote, folder = session.Session.write, tmp_path / "run"

    def gone(self, event, **values):
        if event == "step" and values["step"] == 10:
            for name in os.listdir(folder):
                (folder / name).unlink()
            folder.rmdir()
        return wrote(self, event, **values)

    monkeypatch.setattr(session.Session, "write", gone)
    assert train(folder, *SMALL) == 0
    assert all((tmp_path / "whole" / name).read_bytes() == (folder / name).read_bytes() for name in FILES[:1])


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert train(tmp_path / "file" / "run", *SMALL) == 1
    one_sentence(capsys, "--out", "this folder cannot be made")


def test_a_run_is_not_overwritten_unless_told_to(tmp_path, capsys):
    train(tmp_path, *SMALL)
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    capsys.readouterr()
    assert train(tmp_path, *SMALL, "--seed", "1") == 2
    one_sentence(capsys, "has a run already", "--resume", "--out", "--overwrite")
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert train(tmp_path, *SMALL, "--seed", "1", "--overwrite") == 0
    assert len(log(tmp_path)) == 4


@pytest.mark.parametrize(
    "options, said",
    [
        (["--lr", "0.5"], "--lr 0.5 contradicts the run in"),
        (["--model", "cnn"], "--model cnn contradicts the run in"),
        (["--optimizer", "sgd"], "--optimizer sgd contradicts"),
        (["--data-set", "mnist"], "--data-set mnist contradicts"),
        (["--epochs", "1"], "--epochs 1 contradicts"),
        (["--out", "elsewhere"], "two folders"),
    ],
)
def test_what_contradicts_the_checkpoint_is_refused_by_name(tmp_path, capsys, options, said):
    train(tmp_path, *SMALL)
    capsys.readouterr()
    assert cli.main(["train", "--resume", str(tmp_path), *options]) == 2
    one_sentence(capsys, said)


def test_the_same_options_again_are_fine(tmp_path):
    train(tmp_path, *SMALL)
    assert train(tmp_path, *SMALL, "--resume") == 0
    assert cli.main(["train", "--resume", str(tmp_path / "checkpoint.safetensors")]) == 0


def test_a_folder_without_a_checkpoint(tmp_path, capsys):
    for folder, said in ((tmp_path, "there is no checkpoint in it"), (tmp_path / "no", "there is no such folder")):
        assert cli.main(["train", "--resume", str(folder)]) == 1
        one_sentence(capsys, str(folder), said)


def test_a_file_that_is_no_checkpoint(tmp_path, capsys):
    minidl.save({"w": minidl.zeros(3)}, tmp_path / "checkpoint.safetensors")
    assert cli.main(["train", "--resume", str(tmp_path)]) == 2
    one_sentence(capsys, "no checkpoint of a training run")
    (tmp_path / "checkpoint.safetensors").write_bytes(b"\0" * 1000)
    assert cli.main(["train", "--resume", str(tmp_path)]) == 2
    one_sentence(capsys, "checkpoint.safetensors")


def test_other_data_under_the_same_name(tmp_path, capsys, monkeypatch):
    train(tmp_path, *SMALL)
    monkeypatch.setattr(datasets.Images, "fingerprint", lambda self: 1)
    capsys.readouterr()
    assert cli.main(["train", "--resume", str(tmp_path)]) == 2
    one_sentence(capsys, "the data set digits is not what", "--data")


def test_a_checkpoint_of_another_model():
    from minidl import nn, optim
    from minidl.training import Run

    made = lambda *sizes: (net := nn.Linear(*sizes), optim.SGD(net.parameters(), lr=0.1))
    state = Run(*made(3, 4)).state_dict()
    with pytest.raises(ValueError, match="another model or another optimizer: .*weight"):
        Run(*made(3, 5)).load_state_dict(state)


@pytest.mark.parametrize(
    "options, said",
    [
        (["--data-set", "mnist", "--data", "no such folder"], "no such folder"),
        (["--data-set", "cifar10", "--data", "."], "CIFAR10 is not there: add --download"),
        (["--momentum", "0.9"], "--momentum is an option of sgd"),
        (["--device", "toaster"], "--device toaster: "),
    ],
)
def test_what_is_not_there_is_said(tmp_path, capsys, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MINIDL_DATA", raising=False)  # where it may well be there
    assert train(tmp_path / "run", *SMALL, *options) in (1, 2)
    one_sentence(capsys, said)


@pytest.mark.parametrize(
    "options",
    [["--epochs", "0"], ["--batch", "-1"], ["--lr", "nan"], ["--lr", "0"], ["--limit", "x"], ["--model", "x"]],
)
def test_numbers_that_cannot_be(tmp_path, capsys, options):
    with pytest.raises(SystemExit) as ended:
        train(tmp_path, *options)
    assert ended.value.code == 2
    assert options[0] in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------- the bar


class Terminal:
    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text

    def flush(self):
        pass

    def isatty(self):
        return True


def test_a_terminal_gets_one_line_that_is_rewritten(monkeypatch):
    from minidl.training.progress import Progress

    now = [0.0]
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    bar = Progress(100, clock=lambda: now[0])
    for step in range(1, 51):
        now[0] += 0.5
        bar.show("epoch 1/2", step, 50, step, 64, loss=0.25, accuracy=0.9)
    bar.say("epoch 1/2 is over")
    assert terminal.text.count("\n") == 1
    assert "\repoch 1/2 [####################] loss 0.2500  accuracy 0.9000  128 samples/s  0:25 left" in terminal.text


def test_elsewhere_a_line_now_and_then(monkeypatch, capsys):
    from minidl.training.progress import Progress

    now = [0.0]
    bar = Progress(100, clock=lambda: now[0])
    for step in range(1, 101):
        now[0] += 1
        bar.show("epoch 1/1", step, 100, step, 64, loss=0.25, accuracy=0.9)
    assert capsys.readouterr().out.splitlines()[0].startswith("epoch 1/1 30/100  loss 0.2500")
