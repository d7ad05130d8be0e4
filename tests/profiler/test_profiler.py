"""What a profile says is so: counts exact, times that add up, and an engine that is left as it was."""

import gc
import json
import threading
import time

import numpy as np
import pytest

import minidl
from minidl import autograd, nn, optim
from minidl.autograd import OPS, Op
from minidl.explain.listen import is_plain
from minidl.nn import functional as F
from minidl.profiler import ProfilerActivity, profile, record_function, recorder
from minidl.utils.checkpoint import checkpoint


def engine_is_plain():
    return is_plain() and recorder.is_plain() and recorder.current() is None


@pytest.fixture(autouse=True)
def left_as_it_was():
    yield
    assert engine_is_plain()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
        self.classify = nn.Linear(4 * 6 * 6, 5)

    def forward(self, x):
        return self.classify(self.features(x).flatten(1))


def step(net, n=2):
    loss = F.cross_entropy(net(minidl.randn(n, 3, 6, 6)), minidl.zeros(n, dtype=minidl.int64))
    loss.backward()
    return loss


def row(p, name, phase="forward"):
    (found,) = (r for r in p.key_averages() if (r.name, r.phase) == (name, phase))
    return found


def module(p, name):
    (found,) = (r for r in p.report.modules if r.name == name)
    return found


def adds_up(p):
    """Whatever was measured, every nanosecond of the main thread, and of the others' spans, has one row."""
    all_of_it = p.report.wall + p.report.others
    tops = [m.both for m in p.report.modules if len(m.path) == 1]
    assert sum(r.self_ns for r in p.key_averages()) == all_of_it
    assert sum(tops) + sum(sum(t.values()) for _, t in p.report.elsewhere()) == all_of_it
    assert sum(sum(m.self_ns.values()) for m in p.report.modules) == sum(tops)
    assert sum(taken for _, _, taken in p.report.stretches()) == p.report.wall
    assert all(r.self_ns >= 0 for r in p.key_averages())


# -------------------------------------------------------------------------------------------- counts


@pytest.mark.parametrize("n, i, o", [(7, 5, 3), (64, 128, 256)])  # the formula's; large enough for a kernel
def test_multiply_adds_of_a_linear_layer(n, i, o):
    layer, x = nn.Linear(i, o), minidl.randn(n, i, requires_grad=True)
    with profile() as p:
        layer(x).sum().backward()
    assert row(p, "linear").multiply_adds == n * i * o
    assert row(p, "linear", "backward").multiply_adds == 2 * n * i * o
    assert module(p, "Linear").multiply_adds == {"forward": n * i * o, "backward": 2 * n * i * o}
    assert row(p, "linear").flops == 2 * n * i * o


def test_multiply_adds_of_a_convolution_are_those_of_the_summary():
    net, n = Net(), 2
    with profile() as p:
        step(net, n)
    conv = n * 4 * 6 * 6 * 3 * 3 * 3
    assert row(p, "conv").multiply_adds == conv
    assert row(p, "conv", "backward").multiply_adds == conv  # nobody asked for the gradient of the pictures
    total = minidl.summary(net, (n, 3, 6, 6), verbose=0).total_mult_adds
    assert module(p, "Net").multiply_adds["forward"] == total == conv + n * 144 * 5


def test_multiply_adds_of_samples_in_a_batch():
    w, x = minidl.randn(5, 3), minidl.randn(7, 5)
    with profile() as p:
        minidl.func.vmap(lambda v: v @ w)(x)
    assert row(p, "matmul").multiply_adds == 7 * 5 * 3


def test_what_depends_on_numbers_is_not_guessed():
    formula = lambda xp, x: (x * 2 if xp.any(x) else x, (lambda g: g * 2,))
    formula.__name__ = "peeks"
    peeks = Op(formula, samples=[None])
    try:
        with profile() as p:
            peeks(minidl.ones(3))
    finally:
        del vars(OPS)["peeks"]
    assert not row(p, "peeks").known
    assert "+?" in p.table()


def test_calls_and_bytes():
    x = minidl.randn(10, 20, requires_grad=True)
    with profile() as p:
        y = x.exp()
        y.reshape(-1).sum()
        with minidl.no_grad():
            x.exp()
    exp = row(p, "exp")
    assert (exp.count, exp.made, exp.kept) == (2, 2 * 800, 800)  # exp keeps its value, where it is recorded
    assert row(p, "reshape").made == 0  # a view
    assert row(p, "sum").made == 4
    assert p.peak_bytes == 1600
    assert exp.input_shapes == []
    (exp,) = (r for r in p.key_averages(group_by_input_shape=True) if r.name == "exp")
    assert exp.input_shapes == [[10, 20]]


def test_memory_is_counted_until_it_is_freed():
    with profile() as p:
        x = minidl.zeros(1000) + 1
        x = x + 1
        del x
        gc.collect()
        found = recorder.current().live
    assert (found, p.peak_bytes) == (0, 8000)


def test_kernel_or_formula():
    x = minidl.randn(512, 512)
    with profile() as p:
        x.tanh()
        x[:2].tanh()
    assert row(p, "tanh").by in ("kernel 1/2", "formula")  # the latter under MINIDL_KERNELS=off
    assert row(p, "getitem").by == "formula"


def test_forward_backward_and_create_graph_are_apart():
    x = minidl.tensor([2.0], requires_grad=True)
    with profile() as p:
        y = (x**3).sum()
        (g,) = autograd.grad(y, x, create_graph=True)
        g.backward()
    assert x.grad.item() == 12
    phases = {r.phase for r in p.key_averages() if r.kind == "op"}
    assert phases == {"forward", "backward", "create_graph"}
    assert row(p, "pow").count == 1
    adds_up(p)


def test_what_create_graph_runs_belongs_to_the_modules_whose_operations_it_runs_again():
    net, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh()), minidl.randn(2, 3, requires_grad=True)
    with profile() as p:
        (g,) = autograd.grad(net(x).sum(), x, create_graph=True)
        (g * g).sum().backward()
    adds_up(p)
    assert "tanh" in {r.name for r in p.key_averages() if r.phase == "create_graph"}
    again = [span for span in p.events() if span.phase == "create_graph" and span.kind == "op"]
    assert {".".join(p.report.path_of(span)) for span in again} == {"", "Sequential.0", "Sequential.1"}  # "": the sum
    second = [span for span in p.events() if span.phase == "backward" and span.name == "matmul"]
    assert {".".join(p.report.path_of(span)) for span in second} == {"Sequential.0"}


# -------------------------------------------------------------------------------------------- times


def test_times_add_up_and_modules_nest():
    net = Net()
    optimizer = optim.Adam(net.parameters())
    data = minidl.utils.data.DataLoader(minidl.utils.data.TensorDataset(minidl.randn(4, 3, 6, 6)), batch_size=2)
    with profile() as p:
        for (x,) in data:
            F.cross_entropy(net(x), minidl.zeros(2, dtype=minidl.int64)).backward()
            optimizer.step()
            time.sleep(0.002)
    adds_up(p)
    names = [r.name for r in p.report.modules]
    assert names == ["Net", "Net.features", "Net.features.0", "Net.features.1", "Net.classify"]
    assert all(r.count == 2 and r.total_ns["forward"] and r.total_ns["backward"] for r in p.report.modules)
    for which in ("forward", "backward"):
        inner = sum(module(p, f"Net.features.{k}").total_ns[which] for k in "01")
        assert inner + module(p, "Net.features").self_ns[which] == module(p, "Net.features").total_ns[which]
    others = {name: sum(t.values()) for name, t in p.report.elsewhere()}
    assert others["(outside modules and ops)"] > 4e6
    assert others["Adam.step"] > 0
    assert row(p, "Adam.step", "").count == 2
    assert row(p, "DataLoader", "").count == 3  # the last says that there are no more


def test_a_module_used_twice_and_two_alike():
    layer, a, b = nn.Linear(3, 3), nn.ReLU(), nn.ReLU()
    net = nn.Sequential(layer, layer)
    with profile() as p:
        b(a(net(minidl.randn(2, 3)))).sum().backward()
    assert module(p, "Sequential.0").count == 2
    assert [m.name for m in p.report.modules] == ["Sequential", "Sequential.0", "ReLU", "ReLU (2)"]


def test_backward_alone():
    """The forward pass was before the block: its operations are known, its modules are not."""
    w = minidl.randn(5, 3, requires_grad=True)
    loss = (minidl.randn(7, 5) @ w).sum()
    with profile() as p:
        loss.backward()
    assert row(p, "matmul", "backward").multiply_adds == 7 * 5 * 3
    assert row(p, "matmul", "backward").count == 1
    adds_up(p)
    (w * 2).sum().backward()


class Double(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        return g * 2


def test_functions_and_checkpoints():
    x = minidl.randn(3, requires_grad=True)
    layer = nn.Linear(3, 3)
    with profile() as p:
        Double.apply(x).sum().backward()
        checkpoint(layer, x).sum().backward()
    assert row(p, "Double", "backward").count == 1
    assert row(p, "mul", "backward").count == 1  # inside it
    assert row(p, "linear", "forward").count == 1
    assert row(p, "checkpoint", "backward").count == 1
    adds_up(p)


def test_gradients_are_the_same():
    def gradients(recording):
        minidl.manual_seed(0)
        net = Net()
        if recording:
            with profile():
                step(net)
        else:
            step(net)
        return [q.grad.numpy() for q in net.parameters()]

    for a, b in zip(gradients(True), gradients(False)):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------------------------- on, off and errors


def test_nothing_is_recorded_or_exchanged_when_off():
    assert engine_is_plain()
    x = minidl.randn(3)
    with profile() as p:
        assert not engine_is_plain()
        x.exp()
    assert engine_is_plain()
    x.exp()
    with record_function("off"):
        x.exp()
    assert row(p, "exp").count == 1


def test_errors_leave_the_engine_as_it_was_and_open_spans_closed():
    net, optimizer = Net(), optim.SGD([minidl.nn.Parameter(minidl.ones(1))])

    def closure():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), profile() as p:
        with pytest.raises(ValueError, match="Net.features.0"):
            net(minidl.randn(2, 4, 6, 6))
        with pytest.raises(ZeroDivisionError):
            optimizer.step(closure)
        minidl.randn(3).exp()
        raise ZeroDivisionError
    assert engine_is_plain()
    adds_up(p)
    assert row(p, "exp").count == 1
    exp = next(span for span in p.events() if span.name == "exp")
    assert exp.outer is None


def test_an_overwritten_value_is_still_noticed():
    x = minidl.randn(3, requires_grad=True)
    with profile():
        y = x.exp()
        y.detach().add_(1)
        with pytest.raises(RuntimeError, match="overwritten"):
            y.sum().backward()


def test_with_the_tracer_of_nan():
    x = minidl.tensor([1.0], requires_grad=True)
    with profile() as p, minidl.debug():
        x.exp().backward()
        with pytest.raises(RuntimeError, match="log gave nan"):
            (x - 2).log()
    assert row(p, "exp", "backward").count == 1
    with minidl.debug(), profile() as p:
        x.exp().backward()
    assert row(p, "exp", "backward").count == 1


def test_blocks_overlap():
    x = minidl.randn(3)
    with profile() as outer:
        x.exp()
        with profile() as inner:
            x.sin()
        x.cos()
    names = [[r.name for r in p.key_averages() if r.kind == "op"] for p in (outer, inner)]
    assert names == [["exp", "sin", "cos"], ["sin"]]
    adds_up(outer)
    adds_up(inner)


def test_other_threads_have_rows_and_lanes(tmp_path):
    net = nn.Linear(3, 3)
    with profile() as p:
        thread = threading.Thread(target=lambda: net(minidl.randn(2, 3)).sum().backward(), name="other")
        thread.start()
        thread.join()
        minidl.randn(3).exp()
    assert row(p, "linear").count == 1
    assert [t.name for t in p.report.threads][1:] == ["other"]
    adds_up(p)
    assert "1 other thread " in p.table()


def test_start_and_stop_and_mistakes():
    p = profile(activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True)
    with pytest.raises(RuntimeError, match="nothing was recorded"):
        p.table()
    with pytest.raises(RuntimeError, match="not been started"):
        p.stop()
    p.start()
    with pytest.raises(RuntimeError, match="already"):
        p.start()
    p.step()
    minidl.ones(2).exp()
    assert "exp" in p.table()  # up to now
    p.stop()
    assert row(p, "ProfilerStep#1", "").count == 1
    with pytest.raises(ValueError, match="sorted by self, total"):
        p.table(sort_by="size")
    with pytest.raises(ValueError, match="ProfilerActivity"):
        profile(activities=["cpu"])
    with pytest.raises(NotImplementedError, match="schedules"):
        profile(schedule=lambda step: None)


def test_labels_nest_and_decorate():
    @record_function("part")
    def part():
        minidl.ones(2).exp()

    ready = []
    with profile(on_trace_ready=ready.append) as p, record_function("whole"):
        part()
        part()
    assert ready == [p]
    assert row(p, "part", "").count == 2
    assert row(p, "whole", "").total_ns >= row(p, "part", "").total_ns >= row(p, "exp").total_ns
    adds_up(p)


# ---------------------------------------------------------------------------------------- what is shown


def test_pytorchs_spelling():
    with profile(activities=[ProfilerActivity.CPU]) as p:
        step(Net())
    rows = p.key_averages()
    text = rows.table(sort_by="self_cpu_time_total", row_limit=2)
    assert "more)" in text
    assert text.count("\n") < rows.table().count("\n")
    conv = next(r for r in rows if r.key == "conv")
    assert conv.count == 1
    assert conv.cpu_time_total == conv.cpu_time == conv.self_cpu_time_total > 0
    assert rows.self_cpu_time_total * 1e3 == pytest.approx(p.report.wall)
    assert rows.total_average().count == sum(r.count for r in rows if r.kind == "op")
    shown = p.table(sort_by="name")
    assert [n for n in ("Net", "features", "Conv2d", "classify") if n not in shown] == []


def test_trace_is_json_that_nests(tmp_path):
    net = Net()
    with profile() as p:
        step(net)
    p.export_chrome_trace(tmp_path / "trace.json")
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    spans = [e for e in events if e["ph"] == "X"]
    lanes = {e["tid"]: e["args"]["name"].split(": ")[1] for e in events if e["name"] == "thread_name"}
    assert sorted(lanes.values()) == ["backward", "forward"]
    for tid, direction in lanes.items():
        lane = [e for e in spans if e["tid"] == tid]
        assert {"features", "conv"} <= {e["name"] for e in lane} or direction == "forward"
        assert "conv" in {e["name"] for e in lane}
        for e in lane:
            assert e["dur"] >= 0
            for other in lane:  # one inside the other, or apart
                begins, ends = max(e["ts"], other["ts"]), min(e["ts"] + e["dur"], other["ts"] + other["dur"])
                assert ends <= begins + 1e-6 or ends - begins >= min(e["dur"], other["dur"]) - 1e-6
    conv = next(e for e in spans if e["name"] == "conv" and lanes[e["tid"]] == "forward")
    assert conv["args"]["module"] == "Net.features.0"
    assert conv["args"]["operands"][0] == "float32 [2, 3, 6, 6]"
    assert conv["args"]["multiply-adds"] == 7776
    counts = [e["args"]["bytes"] for e in events if e["ph"] == "C"]
    assert max(counts) == p.peak_bytes > 0


def test_icicle(tmp_path):
    step(Net())  # what happens only once would leave the backward pass no room for its name
    with profile() as p:
        step(Net())
    ax = p.icicle()
    words = {t.get_text() for t in ax.texts}
    assert {"forward", "backward"} <= words
    widths = [r for r in ax.patches if r.get_y() == 0]
    assert sum(r.get_width() for r in widths) == pytest.approx(ax.get_xlim()[1])
    for name in ("a.png", "a.svg"):
        p.icicle(tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    assert p.icicle(ax) is ax


def test_an_empty_block():
    with profile() as p:
        pass
    assert "outside" in p.table()
    p.icicle()
