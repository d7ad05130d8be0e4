"""lint and watch: each finding has a case in which it speaks, and one close to it in which it is silent."""

import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

import minidl
from minidl import nn, optim
from minidl.nn import functional as F
from minidl.training import Finding, Findings, TrainingWarning, checks, watch


@pytest.fixture(autouse=True)
def seeded():
    minidl.manual_seed(0)


def mlp(*last, activation=nn.ReLU, inputs=6, classes=3):
    return nn.Sequential(nn.Linear(inputs, 8), activation(), nn.Linear(8, classes), *last)


def batch(n=16, inputs=6, classes=3):
    return minidl.randn(n, inputs), minidl.arange(n) % classes


def names(model, data, loss_fn=None, optimizer=None):
    return minidl.lint(model, data, loss_fn, optimizer, verbose=False).names


class Net(nn.Module):
    """A network whose last lines are given as a function."""

    def __init__(self, end=lambda t: t):
        super().__init__()
        self.body, self.end = mlp(), end

    def forward(self, x):
        return self.end(self.body(x))


def test_a_sound_model_has_no_findings(capsys):
    found = minidl.lint(mlp(), batch(), nn.CrossEntropyLoss())
    assert found == [] and str(found) == "Nothing found."
    assert capsys.readouterr().out == "Nothing found.\n"


def test_findings_are_printed_with_what_where_and_fix(capsys):
    found = minidl.lint(mlp(nn.Softmax(1)), batch(), nn.CrossEntropyLoss())
    said = capsys.readouterr().out
    assert said == f"{found}\n"
    assert found[0].where == "Sequential.3 (Softmax)"
    assert all(part in said for part in (found[0].what, found[0].where, found[0].fix))
    assert repr(found) == "<1 finding: softmax>"
    assert isinstance(found, Findings) and isinstance(found[0], Finding)


# ---------------------------------------------------------------------------------------------- softmax


@pytest.mark.parametrize(
    "model, loss_fn",
    [
        (mlp(nn.Softmax(dim=1)), nn.CrossEntropyLoss()),
        (mlp(nn.LogSoftmax(dim=1)), nn.CrossEntropyLoss()),
        (mlp(nn.Softmax(dim=1)), F.cross_entropy),
        (mlp(nn.Softmax(dim=1)), None),
        (Net(lambda t: F.softmax(t, dim=1)), nn.CrossEntropyLoss()),
        (Net(lambda t: t.softmax(1).reshape(-1, 3)), nn.CrossEntropyLoss()),
        (mlp(nn.Softmax(dim=1)), nn.NLLLoss()),
        (mlp(), nn.NLLLoss()),
        (mlp(nn.Sigmoid()), nn.CrossEntropyLoss()),
        (mlp(nn.ReLU()), nn.CrossEntropyLoss()),
    ],
)
def test_softmax_before_cross_entropy_speaks(model, loss_fn):
    assert names(model, batch(), loss_fn) == ["softmax"]


@pytest.mark.parametrize(
    "model, loss_fn",
    [
        (mlp(nn.LogSoftmax(dim=1)), nn.NLLLoss()),
        (mlp(nn.LogSoftmax(dim=1)), None),
        (Net(lambda t: (t.softmax(1) + 1e-9).log()), nn.NLLLoss()),
        (Net(lambda t: t * t.softmax(1)), nn.CrossEntropyLoss()),  # attention: softmax, but not last
    ],
)
def test_softmax_where_it_belongs_is_silent(model, loss_fn):
    assert names(model, batch(), loss_fn) == []


def test_sigmoid_before_a_loss_with_logits():
    x, y = batch()
    data = x, (y == 0).float().reshape(-1, 1)
    assert names(mlp(nn.Sigmoid(), classes=1), data, nn.BCEWithLogitsLoss()) == ["softmax"]
    assert names(mlp(nn.Sigmoid(), classes=1), data, nn.BCELoss()) == []
    assert names(mlp(classes=1), data, nn.BCEWithLogitsLoss()) == []


# ---------------------------------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda y: minidl.eye(3, dtype="int64")[y], "one-hot"),
        (lambda y: minidl.eye(3)[y], "one-hot floats"),
        (lambda y: y + 1, "labels from 1 to 3 for 3 classes"),
        (lambda y: y - 1, "labels from -1 to 1"),
        (lambda y: y * 5, "labels from 0 to 10"),
        (lambda y: y.float(), "floats"),
        (lambda y: y.reshape(-1, 1), "another shape"),
    ],
)
def test_labels_that_are_no_classes_speak(change, said):
    x, y = batch()
    (found,) = minidl.lint(mlp(), (x, change(y)), nn.CrossEntropyLoss(), verbose=False)
    assert found.name == "labels" and said in found.what
    assert "y" in found.fix or "classes" in found.fix or "outputs" in found.fix


def test_the_fix_of_labels_counted_from_one():
    x, y = batch()
    assert "y - 1" in minidl.lint(mlp(), (x, y + 1), verbose=False)[0].fix


def test_labels_that_are_classes_or_probabilities_are_silent():
    x, y = batch()
    assert names(mlp(), (x, minidl.where(y == 1, -100, y)), nn.CrossEntropyLoss()) == []
    assert names(mlp(), (x, minidl.where(y == 1, 7, y)), nn.CrossEntropyLoss(ignore_index=7)) == []
    assert names(mlp(), (x, F.softmax(minidl.randn(16, 3), dim=1)), nn.CrossEntropyLoss()) == []
    assert names(mlp(), (x, minidl.randn(16, 3)), nn.MSELoss()) == []
    assert names(mlp(), (x, minidl.randn(16, 3))) == []


def test_an_error_that_is_no_matter_of_labels_is_raised():
    with pytest.raises(ValueError, match="target"):
        minidl.lint(mlp(), (minidl.randn(4, 6), minidl.randn(4, 2)), nn.MSELoss())
    with pytest.raises(TypeError, match="lint: a Module and a batch"):
        minidl.lint(mlp(), [1, 2, 3])


# ---------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("change, said", [
    (lambda x: (x.sigmoid() * 255).round(), "too large"),
    (lambda x: x.sigmoid() / 255, "too small"),
    (lambda x: minidl.where(x > 2, math.nan, x), "not all finite"),
])  # fmt: skip
def test_inputs_that_are_not_normalised_speak(change, said):
    x, y = batch(64)
    (found,) = [f for f in minidl.lint(mlp(), (change(x), y), verbose=False) if f.name == "inputs"]
    assert said in found.what
    assert found.where.startswith("the input of 0.weight")


def test_inputs_that_are_normalised_somewhere_are_silent():
    x, y = batch(64)
    pixels = (x.sigmoid() * 255).round()
    assert names(mlp(), (pixels / 255, y)) == []
    assert names(nn.Sequential(nn.BatchNorm1d(6), mlp()), (pixels, y)) == []

    class Divides(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = mlp()

        def forward(self, x):
            return self.body(x / 255)

    assert names(Divides(), (pixels, y)) == []
    words = nn.Sequential(nn.Embedding(300, 6), nn.Flatten(), nn.Linear(12, 3))
    assert names(words, (minidl.randint(0, 300, (64, 2)), y)) == []


def test_pictures_as_bytes_speak():
    x = minidl.randint(0, 256, (32, 1, 8, 8)).float()
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(72, 3))
    assert names(net, (x, minidl.arange(32) % 3)) == ["inputs"]
    assert names(net, (x / 255, minidl.arange(32) % 3)) == []


# ---------------------------------------------------------------------------------------------- parameters


def test_frozen_parameters():
    net = mlp()
    net[0].requires_grad_(False)
    (found,) = minidl.lint(net, batch(), verbose=False)
    assert found.name == "frozen" and found.where == "0.weight, 0.bias"
    net.requires_grad_(False)
    assert "nothing can learn" in minidl.lint(net, batch(), verbose=False)[0].what
    net.requires_grad_(True)
    assert names(net, batch()) == []


def test_unused_parameters():
    net = Net()
    assert names(net, batch()) == []
    net.extra = nn.Linear(2, 2)
    (found,) = minidl.lint(net, batch(), verbose=False)
    assert found.name == "unused" and found.where == "extra.weight, extra.bias"
    cut = Net(lambda t: t.detach() + minidl.zeros(3, requires_grad=True))
    assert "unused" in names(cut, batch())


def test_parameters_that_the_optimizer_does_not_have():
    net = mlp()
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    assert names(net, batch(), None, optimizer) == []
    net[2] = nn.Linear(8, 3)  # a new head, after the optimizer was made
    (found,) = minidl.lint(net, batch(), None, optimizer, verbose=False)
    assert found.name == "unused" and found.where == "2.weight, 2.bias"


# ---------------------------------------------------------------------------------------------- gradients


def deep(activation, layers, scale=1.0, norm=False):
    blocks = []
    for _ in range(layers):
        layer = nn.Linear(16, 16)
        nn.init.normal_(layer.weight, std=scale / 4)
        blocks += [layer, nn.BatchNorm1d(16)] if norm else [layer]
        blocks.append(activation())
    return nn.Sequential(nn.Linear(6, 16), *blocks, nn.Linear(16, 3))


def test_gradients_that_vanish():
    (found,) = minidl.lint(deep(nn.Sigmoid, 12), batch(64), verbose=False)
    assert found.name == "vanished" and found.where.startswith("0.weight")
    assert names(deep(nn.ReLU, 12, 1.4), batch(64)) == []
    assert names(deep(nn.ReLU, 12, norm=True), batch(64)) == []  # biases before a batch norm have gradient 0


def test_units_that_are_all_off_pass_no_gradient():
    net = mlp()
    with minidl.no_grad():
        net[0].bias.fill_(-100)
    (found,) = minidl.lint(net, batch(), verbose=False)
    assert found.name == "vanished" and "0.weight" in found.where


def test_a_layer_that_starts_at_zero_is_meant():
    net = mlp()
    nn.init.zeros_(net[2].weight)
    assert names(net, batch()) == []


def test_gradients_that_explode():
    assert "exploded" in names(deep(nn.ReLU, 20, 6.0), batch(64))
    assert "exploded" in names(Net(lambda t: (t - t.detach()).sqrt()), batch())  # the slope of √ at 0
    assert names(deep(nn.ReLU, 3, 1.4), batch(64)) == []


# ---------------------------------------------------------------------------------------------- side effects


def test_lint_changes_nothing():
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
            self.calls = 0

        def forward(self, x):
            self.calls += 1
            return self.inner(x)

    net = Counts()
    loss = F.cross_entropy(net(batch()[0]), batch()[1])
    loss.backward()
    open_graph = F.cross_entropy(net(batch()[0]), batch()[1])
    before = {k: t.clone() for k, t in net.state_dict().items()}
    grads = {k: (p.grad, p.grad.clone()) for k, p in net.named_parameters()}
    buffers = dict(net.named_buffers())
    data, hooks = batch(), [len(m._forward_hooks) for m in net.modules()]
    place = minidl.get_rng_state()
    minidl.lint(net, data, verbose=False)
    assert net.calls == 2 and net.training
    assert all((before[k] == t).all() for k, t in net.state_dict().items())
    assert all(p.grad is grads[k][0] and (p.grad == grads[k][1]).all() for k, p in net.named_parameters())
    assert all(buffers[k] is b for k, b in net.named_buffers())
    assert (minidl.get_rng_state() == place).all()
    assert [len(m._forward_hooks) for m in net.modules()] == hooks
    open_graph.backward()  # a graph from before lint is still whole


def test_lint_restores_after_an_error():
    net = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(5, 3))
    with pytest.raises(Exception, match="Linear"):
        minidl.lint(net, batch())
    assert net[0].num_batches_tracked.item() == 0
    assert all(not m._forward_hooks for m in net.modules())


def test_a_batch_without_labels_and_one_for_a_sum():
    x, _ = batch()
    assert names(mlp(), x) == []
    assert names(mlp(), batch(), nn.CrossEntropyLoss(reduction="none")) == []


def test_lint_before_training_sees_a_gradient_that_is_there_and_a_missing_eval():
    net = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    net(batch()[0]).sum().backward()
    assert names(net, batch()) == ["zero_grad"]
    net.zero_grad(set_to_none=False)
    assert names(net, batch()) == []
    with minidl.no_grad():
        assert names(net, batch()) == ["eval"]
        assert names(net.eval(), batch()) == []


def test_lint_is_there_without_more_imports():
    code = "import sys, minidl; minidl.lint; print('argparse' in sys.modules, 'minidl.vision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False False\n", done.stdout + done.stderr


# ---------------------------------------------------------------------------------------------- watch


def loop(model, optimizer, steps, loss_fn=None, data=None, zero=True, **watching):
    """A training loop as it is written, watched; returns the names of what was found."""
    loss_fn = loss_fn or nn.CrossEntropyLoss()
    x, y = data or batch()
    found = []
    with watch(model, optimizer, loss_fn, tell=found.append, **watching):
        for _ in range(steps):
            if zero:
                optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
    return [f.name for f in found]


def sgd(model, lr=0.1):
    return optim.SGD(model.parameters(), lr=lr)


def test_a_sound_loop_is_silent():
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 3))
    assert loop(model, sgd(model), 12) == []


def test_a_forgotten_zero_grad_speaks_once_as_a_warning():
    model = mlp()
    optimizer, (x, y) = sgd(model), batch()
    with pytest.warns(TrainingWarning, match="zero_grad") as told, watch(model, optimizer):
        for _ in range(4):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert len(told) == 1
    assert told[0].filename == __file__


@pytest.mark.parametrize("way", ["optimizer", "module", "to zero", "by hand", "after", "in the middle"])
def test_every_way_to_forget_gradients_is_silent(way):
    model = mlp()
    optimizer, (x, y), found = sgd(model), batch(), []
    with watch(model, optimizer, tell=found.append):
        for _ in range(4):
            if way == "optimizer":
                optimizer.zero_grad()
            if way == "module":
                model.zero_grad()
            if way == "to zero":
                optimizer.zero_grad(set_to_none=False)
            if way == "by hand":
                for p in model.parameters():
                    p.grad = None
            loss = F.cross_entropy(model(x), y)
            if way == "in the middle":
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if way == "after":
                optimizer.zero_grad()
    assert found == []


def test_gradients_that_add_up_on_purpose_are_silent():
    model = mlp()
    optimizer, (x, y), found = sgd(model), batch(), []
    with watch(model, optimizer, tell=found.append):
        for _ in range(3):
            optimizer.zero_grad()
            for part in range(4):
                (F.cross_entropy(model(x[part::4]), y[part::4]) / 4).backward()
            optimizer.step()
    assert found == []


@pytest.mark.parametrize("layer", [nn.Dropout(0.5), nn.BatchNorm1d(8)])
def test_a_forgotten_eval(layer):
    model = nn.Sequential(nn.Linear(6, 8), layer, nn.Linear(8, 3))
    x, found = batch()[0], []
    with watch(model, sgd(model), tell=found.append):
        model.eval()
        with minidl.no_grad():
            model(x)
        model.train()
        model(x)
        assert found == []
        with minidl.no_grad():
            model(x)
            model(x)
    assert [f.name for f in found] == ["eval"]
    assert found[0].where == "1"


def test_a_forgotten_train():
    model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3))
    assert loop(model.eval(), sgd(model), 2) == ["train"]
    assert loop(model.train(), sgd(model), 2) == []
    frozen = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))
    frozen[1].eval()  # statistics held fixed, in a model that trains
    assert loop(frozen, sgd(frozen), 2) == []


def test_the_loop_also_sees_what_lint_sees():
    x, y = batch()
    model = Net(lambda t: t.softmax(1))
    model.extra = nn.Linear(2, 2)
    found = loop(model, sgd(model), 2, data=(x * 100, minidl.eye(3)[y]))
    assert sorted(found) == ["inputs", "labels", "softmax", "unused"]
    model = deep(nn.Sigmoid, 12)
    assert "vanished" in loop(model, sgd(model), 1)
    model = deep(nn.ReLU, 20, 6.0)
    assert "exploded" in loop(model, sgd(model), 1)
    model = mlp()
    model[0].requires_grad_(False)
    assert loop(model, optim.SGD(model[2].parameters(), lr=0.1), 2) == ["frozen"]
    model = mlp()
    assert loop(model, optim.SGD(model[0].parameters(), lr=0.1), 2, zero=False)[:1] == ["unused"]


def test_a_loss_at_chance_after_many_steps_speaks():
    model = mlp()
    assert loop(model, sgd(model, lr=1e-9), 310) == ["chance"]


def test_a_loss_at_chance_after_few_steps_or_below_it_is_silent():
    model = mlp()
    assert loop(model, sgd(model, lr=1e-9), 250) == []
    x, _ = batch()
    assert loop(model, sgd(model), 310, data=(x, (x[:, 0] > 0).long())) == []


def test_chance_is_that_of_the_labels_frequencies():
    """Of labels nine in ten of which are 0, log 3 is no achievement."""
    x, _ = batch(100)
    y = minidl.tensor([0] * 90 + [1] * 10)
    model = Net(lambda t: t * 0 + minidl.tensor([0.9, 0.1, 1e-9]).log())
    assert loop(model, sgd(model), 310, data=(x, y))[-1:] == ["chance"]


def test_watching_changes_no_bit_and_leaves_no_trace():
    def trained(watched):
        minidl.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 3))
        optimizer, (x, y), loss_fn = sgd(model), batch(), nn.CrossEntropyLoss()
        looking = watch(model, optimizer, loss_fn, tell=print)
        if watched:
            looking.__enter__()
        for _ in range(5):
            optimizer.zero_grad()
            loss_fn(model(x), y).backward()
            optimizer.step()
        if watched:
            looking.__exit__()
        hooks = [m._forward_hooks or m._forward_pre_hooks for m in [loss_fn, *model.modules()]]
        assert not any(hooks) and "step" not in vars(optimizer) and not any(p.hooks for p in model.parameters())
        return [t.numpy().tobytes() for t in model.state_dict().values()]

    assert trained(True) == trained(False)


def test_a_step_with_a_closure():
    model = mlp()
    optimizer, (x, y), found = sgd(model), batch(), []

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with watch(model, optimizer, tell=found.append):
        losses = [optimizer.step(closure).item() for _ in range(5)]
    assert losses[-1] < losses[0] and found == []


def test_watch_refuses_a_loss_it_cannot_see():
    model = mlp()
    with pytest.raises(TypeError, match="loss_fn is a module such as nn.CrossEntropyLoss"):
        watch(model, sgd(model), F.cross_entropy)


def test_the_command_warns_once(tmp_path, capsys, monkeypatch):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    from minidl import cli
    from minidl.training import session

    ends_in_softmax = lambda shape, n: nn.Sequential(nn.Flatten(), mlp(nn.Softmax(1), inputs=64, classes=n))
    monkeypatch.setitem(session.NETWORKS, "mlp", ends_in_softmax)
    assert cli.main(["train", "--model", "mlp", "--epochs", "2", "--limit", "200", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.count("note: softmax comes before cross_entropy") == 1


def test_one_hot_of_floats():
    assert checks.one_hot(minidl.eye(3), 1)
    assert not checks.one_hot(minidl.ones(3, 3), 1)
    assert not checks.one_hot(minidl.full((3, 3), 1 / 3), 1)


def test_silence_is_tested_with_warnings_on():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = mlp()
        optimizer = sgd(model)
        x, y = batch()
        with watch(model, optimizer, nn.CrossEntropyLoss()):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert np.isfinite(F.cross_entropy(model(x), y).item())
