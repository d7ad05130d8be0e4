"""The Gradient Doctor names planted faults, finds students' own, and raises no false alarm."""

import html.parser
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minidl
from minidl import nn
from minidl.autograd import OPS, Op, Tensor
from minidl.testing import GradcheckError, gradcheck, gradgradcheck
from minidl.testing.doctor import KINDS, examine, subjects
from minidl.testing.doctor.command import main, reports

NAMES = subjects.names()
HEAVY = {name for name in NAMES if name.startswith("Transformer")} | {
    "grid_sample", "MultiheadAttention", "LSTM", "RNN", "CTCLoss", "ctc_loss", "AdaptiveAvgPool2d", "AdaptiveAvgPool3d",
}  # fmt: skip
# One of each sort: element by element, broadcast, products, reductions, normalised, indexed, several outputs, layers.
SOME = ("relu", "gelu", "add", "matmul", "linear", "sum", "max", "softmax", "layer_norm", "embedding", "sort", "conv",
        "Linear", "BatchNorm1d", "CrossEntropyLoss")  # fmt: skip
WITHOUT = {
    "Module", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "DataParallel", "RNNBase", "RNNCellBase",
    "ALiBi",
}  # fmt: skip


def leaf(*shape, seed=0, low=0.5, high=2.0):
    return Tensor(np.random.default_rng(seed).uniform(low, high, shape), requires_grad=True)


def examined(func, inputs, **options):
    return gradcheck(func, inputs, explain=True, raise_exception=False, **options)


def told(report):
    return [(f.name, f.verdict, f.difference, [d.kind for d in f.diagnoses]) for f in report.findings]


# --------------------------------------------------------------------------------- what minidl has is healthy


QUICK = {*SOME, *(set(subjects.LAYERS) - HEAVY)}  # the walk over the registry has the ops, on other numbers


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.all) for n in NAMES])
def test_every_gradient_is_right(name):
    for report in reports(name):
        assert report.healthy, told(report)


@pytest.mark.all
@pytest.mark.parametrize("name", NAMES)
def test_every_second_gradient_is_right(name):
    for report in reports(name, order=2):
        assert report.healthy, told(report)


@given(st.sampled_from([n for n in NAMES if n not in HEAVY]), st.integers(0, 10**6), st.integers(0, 40))
def test_no_false_alarm(name, seed, sample):  # over 50 cases in each run, over 500 under --all
    """Other values, other upstream gradients, for any op or layer: nothing is found where nothing is."""
    for case in subjects.cases(name, seed=seed, only=sample):
        if sum(x.size for x in case.values) <= 40:  # enough for any mistake, and quick
            report = examine(case)
            assert report.healthy, told(report)


def test_every_layer_has_its_arguments():
    layers = {n for n in dir(nn) if isinstance(getattr(nn, n), type) and issubclass(getattr(nn, n), nn.Module)}
    lazy = {name for name in layers if name.startswith("Lazy")}  # they become the layers that are there
    assert layers - WITHOUT - lazy <= set(subjects.LAYERS), "doctor/layers.py says how to make each"


# ------------------------------------------------------------------------------------- the table: op × kind


def planted(name, kind, order=1):
    return reports(name, order, fault=kind, optional=True)


def check_row(name, order=1):
    """Every fault that the op can have is named, in the input it was planted in; which these were."""
    there = set()
    for kind in KINDS:
        for report in planted(name, kind, order):
            assert report.kind == kind, (kind, told(report))
            assert not report.healthy
            assert sum(bool(f.diagnoses) for f in report.findings) == 1 or kind == "kink", told(report)
            there.add(kind)
    return there


@pytest.mark.parametrize("name", SOME)
def test_planted_faults_are_named(name):
    there = check_row(name)
    assert there >= {"sign", "transpose", "mean-for-sum", "overwrite", "float32"}
    assert ("broadcast" in there) == (name in {"add", "linear", "layer_norm", "conv", "Linear", "BatchNorm1d"}), there
    assert ("kink" in there) == (name in {"relu", "max", "sort"}), there


@pytest.mark.all
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # a planted fault may make infinities, and sum them
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_planted_faults_are_named_everywhere(name, order):
    there = check_row(name, order)
    if order == 1 and not there and name != "floor_divide":  # where there is no gradient, there can be no fault in it
        assert all(not f.numeric.any() for report in reports(name) for f in report.findings)
    if order == 1 and there:
        assert there >= {"sign", "overwrite", "float32"}


# ------------------------------------------------------------------------------ what students bring along


def faulty(gx, gw):
    """y = x @ w as a student's op, with the vjps given."""
    formula = lambda xp, x, w: (xp.matmul(x, w), (lambda g: gx(xp, g, x, w), lambda g: gw(xp, g, x, w)))
    formula.__name__ = f"mine_{id(gx)}_{id(gw)}"
    op = Op(formula, samples=[None])
    delattr(OPS, op.name)
    return op


T = lambda xp, a: xp.transpose(a, axes=(1, 0))
right_x = lambda xp, g, x, w: xp.matmul(g, T(xp, w))
right_w = lambda xp, g, x, w: xp.matmul(T(xp, x), g)


@pytest.mark.parametrize(
    "gw, kind, words",
    [
        (lambda xp, g, x, w: T(xp, right_w(xp, g, x, w)), "transpose", "dw = xᵀ @ g: you have its transpose"),
        (lambda xp, g, x, w: -right_w(xp, g, x, w), "sign", "minus"),
        (lambda xp, g, x, w: right_w(xp, g, x, w) / 5, "mean-for-sum", "drop the 1/5"),
        (lambda xp, g, x, w: right_w(xp, g, x, w) * 1.7, "scale", "constant factor"),
        (lambda xp, g, x, w: right_w(xp, g, x, w) * 0, "zero", "detached"),
        (lambda xp, g, x, w: right_w(xp, xp.ones_like(g), x, w), "upstream", "forgets g"),
        (lambda xp, g, x, w: -T(xp, right_w(xp, g, x, w)), "transpose", "transpose"),
        (lambda xp, g, x, w: right_w(xp, g, x, w) + w, "unknown", "chain rule"),
        (lambda xp, g, x, w: xp.put(right_w(xp, g, x, w), 0.0, key=(1, 2)), "some entries", "one wrong entry"),
        (lambda xp, g, x, w: xp.sum(right_w(xp, g, x, w), axis=(0,)), "axis", "leave it"),
        (lambda xp, g, x, w: right_w(xp, g, x, w) / (w - w), "not finite", "debug"),
    ],
)
@pytest.mark.parametrize("square", [False, True])
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:invalid value")
def test_an_op_of_their_own(gw, kind, words, square):
    x, w = (leaf(5, 5), leaf(5, 5, seed=1)) if square else (leaf(5, 3), leaf(3, 4, seed=1))
    if square and kind == "axis":
        pytest.skip("a row broadcasts over a square, and the engine cannot tell")
    report = examined(faulty(right_x, gw), (x, w))
    assert not report
    assert [f.passes for f in report.findings] == [True, False]
    assert report.kind == kind, told(report)
    assert words in report.diagnosis.fix
    with pytest.raises(GradcheckError, match=f"{kind}: ") as error:
        gradcheck(faulty(right_x, gw), (x, w), explain=True)
    assert error.value.report.kind == kind


def test_a_wrong_shape_inside_a_graph_is_told():
    wrong = faulty(lambda xp, g, x, w: T(xp, right_x(xp, g, x, w)), right_w)
    report = examined(lambda x, w: wrong(x * 2, w).exp(), (leaf(5, 3), leaf(3, 4)))
    assert report.kind == "shape"
    assert "what mul gave, (5, 3), got a gradient of shape (3, 5) (it looks transposed)" in report.diagnosis.says


def test_a_right_gradient_returns_a_report_that_is_true():
    report = gradcheck(faulty(right_x, right_w), (leaf(5, 3), leaf(3, 4)), explain=True)
    assert report
    assert report.healthy
    assert [f.verdict for f in report.findings] == ["exact", "exact"]
    assert min(e for _, e in report.curve) < 1e-8
    assert gradgradcheck(faulty(right_x, right_w), (leaf(5, 3), leaf(3, 4)), explain=True).healthy


def test_gradients_in_each_others_place():
    both = faulty(lambda xp, g, x, w: right_w(xp, g, x, w), lambda xp, g, x, w: right_x(xp, g, x, w))
    report = examined(both, (leaf(3, 3), leaf(3, 3, seed=1)))
    assert report.kind == "exchanged", told(report)


def test_a_value_that_was_frozen_shows_in_second_order_alone():
    frozen = lambda xp, g, x, w: xp.matmul(g, T(xp, w.detach() if isinstance(w, Tensor) else w))
    x, w = leaf(3, 2), leaf(2, 2, seed=1)
    assert gradcheck(faulty(frozen, right_w), (x, w), explain=True).healthy
    report = gradgradcheck(faulty(frozen, right_w), (x, w), explain=True, raise_exception=False)
    assert not report


HAND = [
    (lambda g, x, w: (g @ w.T, x.T @ g), None),
    (lambda g, x, w: (g @ w.T, g.T @ x), "transpose"),
    (lambda g, x, w: (g @ w.T, np.outer(x[-1], g[-1])), "overwrite"),
    (lambda g, x, w: (g @ w.T, x.T @ g / len(g)), "mean-for-sum"),
    (lambda g, x, w: (g @ w.T, (x.astype("f4").T @ g.astype("f4"))), "float32"),
    (lambda g, x, w: (-g @ w.T, x.T @ g), "sign"),
    (lambda g, x, w: (None, x.T @ g), "zero"),
]


@pytest.mark.parametrize("backward, kind", HAND)
def test_numpy_with_a_gradient_by_hand(backward, kind):
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(5, 3)), rng.normal(size=(3, 2))
    forward = lambda x, w: x @ w
    report = examined(forward, (x, w), grad=backward)
    assert report.kind == kind, told(report)
    assert gradcheck(forward, (x, w), grad=backward, raise_exception=False) is (kind in (None, "float32"))


@pytest.mark.parametrize(
    "backward, kind",
    [
        (lambda g, x, b: (g, g.sum(0)), None),
        (lambda g, x, b: (g, g), "broadcast"),
        (lambda g, x, b: (g, g.sum(1)), "axis"),
        (lambda g, x, b: (g, g[-1]), "overwrite"),
        (lambda g, x, b: (g, g[0]), "overwrite"),
        (lambda g, x, b: (g, g.mean(0)), "mean-for-sum"),
    ],
)
@pytest.mark.parametrize("rows", [4, 3])
def test_a_bias_by_hand(backward, kind, rows):
    rng = np.random.default_rng(0)
    report = examined(np.add, (rng.normal(size=(rows, 3)), rng.normal(size=3)), grad=backward)
    assert report.kind == kind, told(report)
    assert kind is None or "{" not in report.diagnosis.says, "a sentence with a blank left in it"


def test_an_embedding_by_hand_that_overwrites_repeated_rows():
    index = np.array([0, 2, 0, 1])

    def backward(g, w):
        gw = np.zeros_like(w)
        gw[index] = g
        return gw

    report = examined(lambda w: w[index], np.random.default_rng(0).normal(size=(4, 2)), grad=backward)
    assert report.kind == "overwrite"
    assert "np.add.at" in report.diagnosis.fix


def test_a_function_of_one_number_needs_no_upstream_gradient():
    x = np.linspace(-2, 2, 7)
    assert gradcheck(lambda x: (x**3).sum(), x, grad=lambda x: 3 * x**2, explain=True).healthy
    assert gradcheck(lambda x: (x**3).sum(), x, grad=3 * x**2) is True
    assert examined(lambda x: (x**3).mean(), x, grad=lambda x: 3 * x**2).kind == "mean-for-sum"
    assert gradcheck(lambda x: x**3, 1.5, grad=lambda x: 3 * x**2) is True
    softmax = lambda x: np.exp(x) / np.exp(x).sum()
    assert gradcheck(softmax, x, grad=lambda g, x: softmax(x) * (g - (g * softmax(x)).sum())) is True


def test_tensors_with_a_gradient_by_hand():
    x = leaf(3)
    assert gradcheck(lambda x: x.exp(), x, grad=lambda g, x: g * x.exp()) is True
    assert gradcheck(lambda x: x.exp(), x, grad=lambda g, x: g * x, raise_exception=False) is False


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda x: gradcheck(lambda x: x * 2, x, grad=lambda x: 2 * x), r"shape \(3,\).*write grad\(g, \*inputs\)"),
        (lambda x: gradcheck(lambda x: x.sum(), x, grad=lambda: 2), "it takes 0 arguments"),
        (lambda x: gradcheck(lambda x: x.sum(), x, grad=lambda x: (x, x)), "2 gradients came back for 1 inputs"),
        (lambda x: gradcheck(lambda x: x.sum(), np.arange(3), grad=lambda x: x), "floating-point"),
        (lambda x: gradcheck(lambda x: x * np.random.normal(), x, grad=lambda g, x: g), "other values each time"),
        (lambda x: gradgradcheck(OPS.exp, Tensor(x, True), grad_outputs=x, explain=True), "drawn at random"),
        (lambda x: gradcheck(OPS.exp, Tensor(x), explain=True), "requires_grad=True, and none is"),
    ],
)
def test_questions_that_cannot_be_answered(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones(3))


def test_an_infinite_output_is_not_called_exact():
    report = examined(lambda x: np.append(x**2, np.inf), np.ones(3), grad=lambda g, x: -2 * g[:-1] * x)
    assert report.kind == "not finite"
    assert "3 of 3 entries of the finite differences" in report.diagnosis.says


def test_a_kink_is_told_from_a_mistake():
    x = Tensor(np.array([-1.0, 0.0, 2.0]), True)
    report = examined(OPS.relu, x)
    assert report.kind == "kink"
    assert "x[1] = 0" in report.diagnosis.says
    assert "as it may" in report.diagnosis.says
    halved = gradcheck(OPS.abs, x, explain=True)  # backward takes the mean of both slopes; it is said all the same
    assert (bool(halved), halved.healthy, halved.kind) == (True, False, "kink")
    by_hand = examined(lambda x: np.abs(x), np.zeros(1), grad=lambda g, x: 7 * g)
    assert "should lie between" in by_hand.diagnosis.fix


def test_single_precision_is_told_from_a_mistake():
    x = Tensor(np.linspace(0.5, 2, 5).astype("float32"), True)
    report = gradcheck(OPS.exp, x, explain=True)
    assert report
    assert report.kind in (None, "float32")
    inside = gradcheck(lambda x: x.float().exp().double(), leaf(5), explain=True, rtol=1e-2, atol=1e-2)
    assert inside.kind in (None, "float32")
    wrong = examined(lambda x: np.exp(x.astype("f4")), np.linspace(0.5, 2, 5), grad=lambda g, x: -g * np.exp(x))
    assert wrong.kind == "sign"


def test_a_whole_network_and_its_loss():
    minidl.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, t = leaf(6, 4, low=-1), minidl.tensor([0, 1, 2, 0, 1, 2])
    before = net[1].running_mean.numpy().copy()
    report = gradcheck(net, x, explain=True)
    assert [f.name for f in report.findings][:3] == ["input", "0.weight", "0.bias"]
    assert report.healthy, told(report)
    np.testing.assert_array_equal(net[1].running_mean.numpy(), before)
    loss = lambda *_: nn.CrossEntropyLoss()(net(x), t)
    assert gradcheck(loss, tuple(net.parameters()), explain=True).healthy
    frozen = lambda x: nn.functional.mse_loss(net[0](x).detach() * 1.0 + x.sum() * 0, minidl.zeros(6, 5).double())
    assert examined(frozen, x).kind == "zero"


def test_large_inputs_are_sampled():
    x = leaf(80, 60)
    assert gradcheck(lambda x: (x * x).sum(axis=0), x, explain=True).healthy
    wrong = examined(lambda x: (x * x), np.ones((80, 60)) * 1.5, grad=lambda g, x: -2 * g * x)
    assert wrong.kind == "sign"


# ---------------------------------------------------------------------------------------- how it is shown


class Page(html.parser.HTMLParser):
    """Balanced tags, and nothing from elsewhere."""

    VOID = {"meta", "line", "rect", "circle", "path", "br"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.outside = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.outside += [v for k, v in attributes if k in ("src", "href", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)


@pytest.mark.parametrize("colour, unicode", [(False, True), (True, True), (False, False)])
@pytest.mark.parametrize(
    "name, kind",
    [
        ("matmul", None), ("softmax", "axis"), ("conv", "sign"), ("lstm", "overwrite"), ("relu", "kink"),
        ("TransformerEncoderLayer", "transpose"), ("add", "broadcast"), ("cholesky", "float32"),
    ],
)
def test_a_report_fits_a_terminal(name, kind, colour, unicode):
    text = reports(name, fault=kind)[0].text(colour, unicode)
    bare = re.sub(r"\033\[\d+m", "", text)
    assert colour == ("\033" in text)
    assert len(bare.splitlines()) <= 24
    assert max(map(len, bare.splitlines())) <= 80
    assert unicode or bare.isascii()
    assert kind is None or f"{kind}: " in bare
    assert "?" not in bare


def run(*arguments, **environment):
    env = {**os.environ, "PYTHONUTF8": "0", **environment}
    return subprocess.run([sys.executable, "-m", "minidl", "gradcheck", *arguments], capture_output=True, env=env)


def test_the_command_in_a_console_without_unicode():
    done = run("gelu", "--break", "sign", PYTHONIOENCODING="ascii", TERM="dumb", NO_COLOR="1")
    assert done.returncode == 1
    text = done.stdout.decode("ascii")
    assert "X sign: " in text
    assert "\033" not in text
    assert len(text.splitlines()) <= 24


def test_exit_statuses(capsys):
    assert main(["softmax"]) == 0
    assert main(["softmax", "--order", "2"]) == 0
    assert main(["nn.Linear", "--break", "transpose", "--seed", "3"]) == 1
    assert "transpose" in capsys.readouterr().out
    for arguments, message in [
        (["sofmax"], "no op and no layer is called 'sofmax'; did you mean softmax"),
        (["exp", "--break", "kink"], "exp is smooth"),
        (["exp", "--seed", "-1"], "0 or more"),
    ]:
        with pytest.raises(ValueError, match=message):
            main(arguments)
    with pytest.raises(SystemExit) as done:
        main(["exp", "--break", "nonsense"])
    assert done.value.code == 2


def test_all_of_it_in_a_table(capsys, monkeypatch):
    monkeypatch.setattr(subjects, "names", lambda: ["relu", "softmax", "Linear"])
    assert main([]) == 0
    assert "3 ops and layers" in capsys.readouterr().out
    assert main(["all", "--break", "kink"]) == 1
    assert "kink planted in 1 ops and layers: named in 1. (It cannot be in 2.)" in capsys.readouterr().out


def test_json_is_for_machines(capsys):
    assert main(["matmul", "--break", "transpose", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (case,) = found["cases"]
    assert (found["planted"], case["diagnosis"], case["passes"]) == ("transpose", "transpose", False)
    assert case["inputs"][0]["verdict"] == "shape"
    assert main(["gelu", "--json"]) == 0
    case = json.loads(capsys.readouterr().out)["cases"][0]
    assert case["healthy"]
    assert min(e for _, e in case["curve"]["points"]) < 1e-8


def test_html_is_one_page_without_a_network(tmp_path, capsys):
    asked = {"wrong": ["softmax", "--break", "axis"], "right": ["gelu"], "shape": ["Linear", "--break", "broadcast"]}
    for name, arguments in asked.items():
        path = tmp_path / f"{name}.html"
        main([*arguments, "--html", str(path)])
        text = path.read_text(encoding="utf-8")
        page = Page(text)
        assert not page.outside
        assert "prefers-color-scheme: dark" in text
        assert not re.search(r"https?:|<script|@import", text)
        assert ("svg" in page.tags) == (name != "shape")
        assert "def softmax(xp, x" in text or name != "wrong"
        assert len(text) < 60_000
    assert Page(gradcheck(OPS.exp, leaf(3), explain=True)._repr_html_()).tags.count("svg") == 1


def test_the_v_curve_is_a_v_for_a_right_gradient_and_flat_for_a_wrong_one():
    good, bad = reports("gelu")[0].curve, reports("gelu", fault="mean-for-sum")[0].curve
    errors = [e for _, e in sorted(good)]
    low = errors.index(min(errors))
    assert errors[low] < 1e-8
    assert errors[0] > 100 * errors[low] < errors[-1]
    assert min(e for _, e in bad) > 0.1
    noise = [e for _, e in reports("gelu", fault="float32")[0].curve]
    assert 1e-10 < min(noise) < 1e-5


def test_the_same_seed_says_the_same():
    first, again, other = (reports("linear", fault="sign", seed=s)[0].json() for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_pictures_take_and_return_axes():
    figures = pytest.importorskip("matplotlib.figure", reason="matplotlib draws them")
    from minidl.viz import gradient_error, v_curve

    wrong, right = reports("softmax", fault="axis")[0], reports("gelu")[0]
    ax = v_curve(wrong, right)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert ax.get_xlabel()
    assert len(ax.lines) == 2
    mine = figures.Figure().subplots()
    assert gradient_error(wrong, ax=mine) is mine
    assert mine.images[0].get_array().shape == (3, 4)
    assert gradient_error(reports("add", fault="broadcast")[0]).texts
    for message, call in [("no input 'w'", lambda: gradient_error(wrong, "w")), ("explain=True", lambda: v_curve(3))]:
        with pytest.raises((ValueError, TypeError), match=message):
            call()
