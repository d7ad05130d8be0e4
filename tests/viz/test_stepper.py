"""The stepper's page: its numbers are the engine's, its faults are real ones, and it stays small and offline."""

import json
import re

import numpy as np
import pytest

import minidl
from minidl import nn, viz
from minidl.autograd import grad
from minidl.viz.stepper import FAULTS
from minidl.viz.stepper.passes import differences, faults, first_wrong, parts, right
from minidl.viz.stepper.values import LEVELS, encode, number
from minidl.viz.tape import tape_of

from .graphs import ALL, broadcast, lenet, lstm, mlp, scalar


def step(graph, **options):
    loss, names = graph()
    return viz.step(loss, names=names, **options)


def told(page, kind="backward"):
    return [" ".join([s["title"], *s.get("say", []), *s.get("tell", [])]) for s in page.steps if s["k"] == kind]


# ------------------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("name", ALL)
def test_the_gradients_are_those_of_the_engine(name):
    loss, names = ALL[name]()
    tape = tape_of(loss, names)
    good = right(tape)
    leaves = [e for e in tape.entries if e.kind == "leaf"]
    for e, g in zip(leaves, grad(loss, [e.tensor for e in leaves], retain_graph=True)):
        np.testing.assert_array_equal(good.gradients[e], g.numpy())
    assert [e for e in good.order if e.kind == "op"] == [e for e in reversed(tape.ops) if e in good.gradients]
    for c in good.contributions:
        if c.target.several:  # a gradient for one of its values
            ((k, g),) = c.added
            assert g.shape == c.target.value[k].shape == c.user.shape
            continue
        assert c.added.shape == c.target.shape
        np.testing.assert_array_equal(c.after, c.added if c.before is None else c.before + c.added)


@pytest.mark.parametrize("name", ALL)
def test_finite_differences_bear_every_node_out(name):
    tape = tape_of(*ALL[name]())
    checked = differences(tape)
    assert {e for e in checked if e.kind == "leaf"} == {e for e in tape.entries if e.kind == "leaf"}
    assert max(c.off for c in checked.values()) < 1e-4 and not any(c.kink for c in checked.values())


def test_finite_differences_find_a_wrong_gradient(monkeypatch):
    tape = tape_of(*broadcast())
    product = next(e.op for e in tape.ops if e.name == "matmul")

    def doubled(xp, a, b):
        y, (ga, gb) = right_formula(xp, a, b)
        return y, (ga, lambda g: 2 * gb(g))

    right_formula = product.formula
    monkeypatch.setattr(product, "formula", doubled)
    found = {e.variable or e.name: c.off for e, c in differences(tape).items()}
    assert found["w"] > 0.1
    assert max(off for name, off in found.items() if name != "w") < 1e-6


def test_a_kink_is_told_apart_from_a_wrong_gradient():
    x = minidl.tensor([0.0, 1.0, -1.0], requires_grad=True)
    page = viz.step(x.relu().sum(), names={"x": x})
    verdict, text = page.data["nodes"][0]["check"]
    assert verdict == 2 and "a kink" in text and page.proved


def test_float32_rounding_is_told_apart_from_a_wrong_formula():
    x = minidl.tensor(8.0, requires_grad=True)
    page = viz.step(x.tanh(), names={"x": x})
    verdict, text = page.data["nodes"][0]["check"]
    assert verdict == 1 and "float32 rounding" in text


# -------------------------------------------------------------------------------------------- the faults

FIRST_WRONG = {
    "scalar": {"depth-first": "d", "overwrite": "d", "no-unbroadcast": None, "wrong-transpose": None},
    "broadcast": {"depth-first": "h", "overwrite": "h", "no-unbroadcast": "mean", "wrong-transpose": "w"},
    "lstm": {"depth-first": "split", "overwrite": "split", "no-unbroadcast": None, "wrong-transpose": "ih.weight"},
}


@pytest.mark.parametrize("name", FIRST_WRONG)
def test_each_fault_shows_the_node_that_it_spoils_first(name):
    found = step(ALL[name]).first_wrong
    assert tuple(found) == FAULTS
    assert {key: found[key] for key in FIRST_WRONG[name]} == FIRST_WRONG[name]
    assert found["stale-array"] is not None


@pytest.mark.parametrize("name", ALL)
def test_a_fault_is_right_before_its_first_wrong_node_and_the_fork_is_where_it_says(name):
    tape = tape_of(*ALL[name]())
    good = right(tape)
    for fault in faults(tape, good):
        first = first_wrong(good, fault.spoilt)
        if first is None:
            continue
        for e in fault.spoilt.order[: fault.spoilt.order.index(first)]:
            found, sound = (parts(g) if e.several else {0: g} for g in (fault.spoilt.gradients[e], good.gradients[e]))
            for k in sound:
                np.testing.assert_allclose(found[k], sound[k], rtol=1e-3, atol=1e-6)
        if fault.key in ("depth-first", "overwrite"):
            assert len(first.uses) > 1
        if fault.key == "no-unbroadcast" and fault.spoilt.stopped is None:
            assert np.shape(fault.spoilt.gradients[first]) != np.shape(good.gradients[first])


def test_each_of_several_results_has_a_gradient_of_its_own():
    """q, k = split(…) once ended the page: their gradients are no array that could be drawn."""
    x = minidl.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    with viz.record():
        q, k = x.split([1, 2], dim=1)
        loss = (q * k).sum()
    page = viz.step(loss, names={"x": x, "q": q, "loss": loss})
    assert [n["name"] for n in page.data["nodes"]] == ["x", "split", "q", "split[1]", "mul", "loss"]
    titles = [s["title"] for s in page.steps]
    assert "Forward: q = split[0]" in titles and "Forward: split[1]" in titles
    (to_split,) = [s for s in page.steps if s["title"] == "Backward: q passes a gradient to split"]
    assert page.data["values"][to_split["added"]]["n"] == [["5"], ["11"]]
    assert "before" not in to_split and any("split has several results" in said for said in to_split["say"])
    assert page.proved


def test_a_fault_that_stops_the_program_says_where():
    b = minidl.randn(3, 1, requires_grad=True)
    a = minidl.randn(2, 3, requires_grad=True)
    loss = ((a @ (b * minidl.ones(3, 4))) ** 2).sum() + ((b * 1) @ minidl.ones(1, 5)).sum()
    page = viz.step(loss, names={"a": a, "b": b})
    assert page.first_wrong["no-unbroadcast"] is not None


def test_without_forks_or_broadcasts_the_page_says_that_the_fault_is_harmless():
    x = minidl.tensor(3.0, requires_grad=True)
    page = viz.step((x * 2).exp(), names={"x": x})
    for fault in page.data["faults"]:
        if fault["key"] != "stale-array":
            assert "changes nothing" in fault["verdict"]


def test_planting_a_fault_changes_nothing_of_the_run():
    loss, names = mlp()
    before = [p.detach().numpy().copy() for p in names["model"].parameters()]
    viz.step(loss, names=names, fault="stale-array")
    for p, old in zip(names["model"].parameters(), before):
        np.testing.assert_array_equal(p.detach().numpy(), old)
        assert p.grad is None
    loss.backward()
    assert all(p.grad is not None for p in names["model"].parameters())


def test_hooks_are_not_run():
    model, seen = nn.Linear(3, 2), []
    model.register_full_backward_hook(lambda m, gi, go: seen.append(m))
    x = minidl.randn(4, 3, requires_grad=True)
    h = model(x)
    h.retain_grad()
    h.register_hook(seen.append)
    loss = (h * h).mean()
    page = viz.step(loss, model=model)
    assert not seen and h.grad is None and page.proved
    loss.backward()
    assert len(seen) == 2 and h.grad is not None


# ------------------------------------------------------------------------------ the three questions, in words


def test_why_gradients_are_added_at_a_fork():
    said = told(step(scalar))
    answer = next(s for s in said if "Add, do not overwrite" in s)
    assert "along 3 paths" in answer or "along 2 paths" in answer
    assert "its gradient is the sum over the paths" in answer
    assert re.search(r"−?[\d.]+ \+ −?[\d.]+ = −?[\d.]+", answer)


def test_where_the_sum_of_a_broadcast_happens():
    said = told(step(broadcast))
    assert any("b (2,) was repeated along axis 0 to fit (3, 2)" in s and "(3, 2) → (2,)" in s for s in said)


def test_why_this_order():
    said = told(step(scalar))
    assert "Nothing used it, so nothing has to be waited for" in said[0]
    assert any("everything that used the result of d" in s and "Reverse order of execution" in s for s in said)


def test_steps_go_forward_in_order_of_execution_and_then_back():
    page = step(lenet)
    kinds = [s["k"] for s in page.steps]
    assert kinds == sorted(kinds, key=["start", "forward", "seed", "backward", "end"].index)
    forward = [s["e"] for s in page.steps if s["k"] == "forward"]
    backward = list(dict.fromkeys(s["e"] for s in page.steps if s["k"] == "backward"))
    assert forward == sorted(forward) and backward == sorted(forward, reverse=True)


def test_the_formula_and_the_line_are_the_real_ones():
    page = step(broadcast)
    mul = next(n for n in page.data["nodes"] if n["name"] == "mul")
    assert page.data["formulas"][mul["f"]] == [["y = a b", "ā = ȳ b", "b̄ = ȳ a"]]
    at = page.data["nodes"].index(mul)
    last = next(s for s in page.steps if s["k"] == "backward" and s["e"] == at and s["place"] == 1)
    assert last["piece"] == [0, 2]
    source = page.data["sources"][mul["src"]]
    assert source["file"] == "graphs.py" and source["text"][slice(*source["cols"])] == "h * h.mean(dim=0)"


# ------------------------------------------------------------------------------------------- the page


def test_the_page_stays_small():
    loss, names = lstm(steps=3)
    page = viz.step((loss * 2 + 1).sqrt().log(), names=names)
    assert len(page.data["nodes"]) >= 60
    assert len(page.html.encode()) <= 150_000
    assert len(step(lenet).html.encode()) <= 400_000


def test_the_page_is_one_offline_file(tmp_path):
    path = tmp_path / "step.html"
    loss, names = mlp()
    page = viz.step(loss, path, names=names)
    text = path.read_text(encoding="utf-8")
    assert text == page.html
    assert re.findall(r"https?://[^\"'\s]+", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"<link|<img|@import|src=|fetch\(|XMLHttp", text)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(data)["root"] == page.data["root"]


def test_a_text_cannot_end_the_script():
    x = minidl.tensor(1.0, requires_grad=True)
    page = viz.step(x * 2, names={"</script><b>": x}, title="<i>a & b</i>")
    assert page.html.count("</script") == 2 and "<title>Backprop Stepper · &lt;i&gt;a &amp; b" in page.html


def test_a_notebook_shows_it():
    html = step(scalar)._repr_html_()
    assert html.startswith("<iframe") and "srcdoc=" in html and html.count("<") == 2


def test_the_names_are_those_of_the_caller():
    weight = minidl.randn(3, requires_grad=True)
    page = viz.step((weight * weight).sum())
    assert page.data["nodes"][0]["name"] == "weight"
    model = nn.Linear(3, 1)
    page = viz.step(model(weight).sum(), model=model)
    assert [n["name"] for n in page.data["nodes"] if n["kind"] == "leaf"] == ["weight", "weight", "bias"]


@pytest.mark.parametrize("make", [
    lambda x: (x.reshape(1, 2, 1, 3, 2).sum(dim=(0, 4)) ** 2).sum(),
    lambda x: x.double().prod(),
    lambda x: (x.abs() * float("inf")).sum(),
    lambda x: (x[:0] * 2).sum() + x.sum(),
    lambda x: x.sort(dim=1)[0].max(dim=0)[0].sum(),
    lambda x: x.half().float().sum() * x.std(),
    lambda x: minidl.cat([x, x.T.reshape(2, 6)], dim=1).mean().reshape(1, 1),
])  # fmt: skip
def test_tensors_of_any_rank_and_kind(make):
    x = (minidl.arange(12).float() / 7 - 0.6).reshape(2, 6)
    x.requires_grad_()
    page = viz.step(make(x), names={"x": x})
    assert json.loads(json.dumps(page.data))["steps"]


def test_on_every_device(device):
    """The gradients are computed where the run was; only what is shown comes to the host."""
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to(device)
    x = minidl.randn(5, 3, device=device)
    loss = (model(x) * minidl.ones(2, device=device)).mean()
    page = viz.step(loss, model=model, names={"x": x})
    assert page.proved and page.first_wrong["wrong-transpose"] is not None
    with viz.record():
        loss = (model(x) ** 2).mean()
    assert "Linear" in str(viz.step(loss, model=model).data["layout"])


class Squared(minidl.autograd.Function):
    """A user's own, with its own backward."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x


def test_a_function_of_the_users_own_is_a_step_like_others():
    x = minidl.randn(3, requires_grad=True)
    y = x * 2
    loss = (Squared.apply(y) * y).sum()
    page = viz.step(loss, names={"x": x, "y": y, "loss": loss})
    own = next(n for n in page.data["nodes"] if n["name"] == "Squared")
    assert "f" not in own and own["check"][0] == 1  # it has no formula to show; its own gradient is checked,
    assert "check" not in page.data["nodes"][0]  # those of what it was computed from cannot be
    good = right(tape_of(loss, {"x": x}))
    (expected,) = grad(loss, x)
    np.testing.assert_allclose(next(g for e, g in good.gradients.items() if e.tensor is x), expected.numpy(), rtol=1e-6)


def test_a_graph_too_large_to_step_through_is_refused():
    x = minidl.ones((), requires_grad=True)
    y = x
    for _ in range(700):
        y = y * 1.0
    with pytest.raises(ValueError, match="700 operations"):
        viz.step(y)


def test_what_cannot_be_stepped_through_is_refused():
    x = minidl.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="one element"):
        viz.step(x * 2)
    with pytest.raises(TypeError, match="step: loss must be a tensor"):
        viz.step(3.0)
    with pytest.raises(ValueError, match="no fault 'forgot'; choose one of depth-first"):
        viz.step(x.sum(), fault="forgot")
    with pytest.raises(RuntimeError, match="does not require gradients"):
        viz.step(minidl.ones(()))


def test_numbers_and_heat_maps():
    assert [number(v) for v in (0.0, 1.0, -2.5, 1 / 3, 1e-9, 12345678.0, float("nan"), 7, True)] == [
        "0", "1", "−2.5", "0.3333", "1e−9", "1.23e7", "nan", "7", "True"]  # fmt: skip
    assert encode(np.array([[1.0, 2.0]])) == {"s": "(1, 2)", "n": [["1", "2"]]}
    big = np.linspace(-1, 1, 2 * 30 * 30).reshape(2, 30, 30)
    shown = encode(big)
    assert shown["s"] == "(2, 30, 30)" and shown["i"] == "[0, :, :]" and shown["e"] == "3 × 3"
    assert len(shown["h"]) == shown["r"] * shown["c"] == 100
    assert LEVELS.index(shown["h"][0]) == 0 and LEVELS.index(shown["h"][-1]) > 28
    big[0, 0, 0] = np.nan
    assert encode(big)["h"][0] == "!"
    assert encode(np.zeros((0, 3)))["n"] == []


def test_the_demo_writes_its_pages(tmp_path, capsys):
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn: pip install 'minidl[data]'")
    from minidl.demo import step as demo

    demo.main(["--out", str(tmp_path)])
    out = capsys.readouterr().out
    assert out.endswith(f"Written to {(tmp_path / 'digits.html').as_posix()}\n") and "all right." in out
    assert "no-unbroadcast   gain" in out
    assert demo.digits_page().html == (tmp_path / "digits.html").read_text(encoding="utf-8")
    demo.main(["scalar", "--break", "overwrite", "--out", str(tmp_path)])
    assert '"begin":"overwrite"' in (tmp_path / "scalar.html").read_text(encoding="utf-8")
