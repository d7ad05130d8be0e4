"""The stepper in a real browser: forward and back, predicting, planted faults, folding; and that it can be read."""

import pytest

from minidl import viz
from minidl.viz.stepper import FAULTS, page

from .browser import browser
from .graphs import ALL


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of each graph: the object, and its address."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def get(name):
        if name not in made:
            loss, names = ALL[name]()
            path = folder / f"{name}.html"
            made[name] = viz.step(loss, path, names=names), path.as_uri()
        return made[name]

    return get


class Window:
    """What a reader does and sees."""

    def __init__(self, driver, stepper, address, at=""):
        self.driver, self.stepper = driver, stepper
        driver.get("about:blank")
        driver.get(address + at)

    def press(self, *keys):
        from selenium.webdriver.common.action_chains import ActionChains

        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()

    def find(self, css):
        return self.driver.find_element("css selector", css)

    def click(self, css):
        self.run("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", self.find(css))

    def run(self, code, *args):
        return self.driver.execute_script(code, *args)

    @property
    def panel(self):
        return self.find("#panel").text

    @property
    def count(self):
        return self.find("#count").text

    @property
    def hash(self):
        return self.run("return location.hash")

    def node(self, name):
        return [n["name"] for n in self.stepper.data["nodes"]].index(name)

    def step_where(self, sentence):
        """The number of the first step that says this."""
        texts = [" ".join([s["title"], *s.get("say", [])]) for s in self.stepper.steps]
        return next(k for k, text in enumerate(texts, 1) if sentence in text)

    def choose_fault(self, key):
        select = self.find("#fault")
        self.run("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('change'))", select, key)


@pytest.fixture
def window(chromium, pages):
    yield lambda name, at="": Window(chromium, *pages(name), at)
    assert [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"] == []


RIGHT, LEFT, HOME, END, ENTER = "\ue014", "\ue012", "\ue011", "\ue010", "\ue007"


# ------------------------------------------------------------------------------------- forward and back


def test_keys_step_forward_and_back_and_the_address_follows(window):
    w = window("scalar")
    total = len(w.stepper.steps)
    assert w.count == f"1 / {total}" and "The tape: 4 operations" in w.panel
    w.press(RIGHT, RIGHT)
    assert w.count == f"3 / {total}" and w.hash == "#3"
    assert "Forward: d = add" in w.panel and "d = a * b + c" in w.panel and "y = a + b" in w.panel
    w.press(LEFT)
    assert w.count == f"2 / {total}" and "Forward: mul₁" in w.panel
    w.press(END)
    assert w.count == f"{total} / {total}" and "every leaf has its gradient" in w.panel
    w.press(RIGHT)
    assert w.count == f"{total} / {total}"
    w.press(HOME, LEFT)
    assert w.count == f"1 / {total}"
    seen = set()
    for _ in range(total):
        seen.add(w.find("#title").text)
        w.press(RIGHT)
    assert len(seen) > total * 0.8


def test_an_address_opens_its_step(window):
    w = window("scalar", at="#9")
    assert w.count.startswith("9 / ") and w.find("#title").text == w.stepper.steps[8]["title"]
    assert window("scalar", at="#overwrite.1").find("#title").text == "Planted: overwrite instead of add"


def test_the_mouse_does_what_the_keys_do(window):
    w = window("scalar")
    w.find("#next").click()
    w.find("#next").click()
    w.find("#back").click()
    assert w.count.startswith("2 / ")
    w.run("const at = document.getElementById('at'); at.value = 7; at.dispatchEvent(new Event('input'))")
    assert w.count.startswith("8 / ")
    w.click(f"[data-key='{w.node('d')}']")
    assert "Forward: d = add" in w.panel
    w.click(f"[data-key='{w.node('d')}']")
    assert "d" in w.find("#title").text and "Backward" in w.find("#title").text


def test_values_and_gradients_appear_as_they_are_computed(window):
    w = window("scalar")
    text = lambda name: w.find(f"[data-key='{w.node(name)}']").text
    assert "?" in text("d") and "∇" not in text("d")
    w.press(RIGHT, RIGHT)
    assert "1" in text("d") and "?" not in text("d") and "?" in text("loss")
    w.press(END)
    assert "∇ 4" in text("d") and "∇ −11" in text("a")
    assert len(w.driver.find_elements("css selector", ".node .check:not(.bad)")) == len(w.stepper.data["nodes"])


# ------------------------------------------------------------------------------ the three questions


def test_why_gradients_are_added_at_a_fork(window):
    w = window("scalar")
    at = w.step_where("Add, do not overwrite: d ")
    w = window("scalar", at=f"#{at}")
    assert "d is used 2 times" in w.panel and "its gradient is the sum over the paths" in w.panel
    assert "This is arrival 2 of 2" in w.panel and "2 + 2 = 4" in w.panel
    assert "had arrived" in w.panel


def test_where_the_sum_of_a_broadcast_happens(window):
    w = window("broadcast")
    w = window("broadcast", at=f"#{w.step_where('Un-broadcast: forward, b ')}")
    assert "b (2,) was repeated along axis 0 to fit (3, 2)" in w.panel
    assert "summed over axis 0, (3, 2) → (2,)" in w.panel
    cards = [card.text for card in w.driver.find_elements("css selector", "#flow .card")]
    assert "(3, 2)" in cards[1] and "(2,)" in cards[2] and "summed over axis 0" in cards[2]


def test_why_this_order(window):
    w = window("scalar")
    w = window("scalar", at=f"#{w.step_where('Why now: everything that used the result of d ')}")
    assert "has passed its gradient on, so nothing is missing" in w.panel
    assert "Reverse order of execution makes sure of that: users always ran later" in w.panel


# -------------------------------------------------------------------------------------- predict mode


def test_predict_hides_the_value_until_the_learner_commits(window):
    w = window("scalar")
    at = w.step_where("Add, do not overwrite: d ")
    w = window("scalar", at=f"#{at}")
    w.press("p")
    assert "2 + 2 = 4" not in w.panel and "What is the contribution to d?" in w.find("#question").text
    assert "∇ 4" not in w.find(f"[data-key='{w.node('d')}']").text
    w.press(RIGHT)  # the way on leads through an answer
    assert w.hash == f"#{at}" and w.run("return document.activeElement.id") == "guess"
    w.find("#guess").send_keys("2" + ENTER)
    assert "✓ Yes: 2. (1 of 1 right)" in w.panel and "2 + 2 = 4" in w.panel
    w.run("document.activeElement.blur()")
    w.press(RIGHT)
    w.find("#guess").send_keys("77" + ENTER)
    assert "✗ You said 77; it is" in w.panel and "(1 of 2 right)" in w.panel
    w.run("document.activeElement.blur()")
    w.press(RIGHT)
    w.find("#show").click()
    assert "It is " in w.find("#verdict").text
    w.press("p")
    assert not w.find("#ask").is_displayed()


def test_of_a_large_tensor_the_shape_is_asked(window):
    w = window("lenet", at="#2")
    w.press("p")
    assert "Which shape has" in w.find("#question").text
    w.find("#guess").send_keys("4 6 28 28" + ENTER)
    assert "✓ Yes: (4, 6, 28, 28)" in w.panel


def test_a_small_negative_number_is_a_number(window):
    """It has two minus signs, and the second one once made it nan: never right, and drawn in the colour of nan."""
    w = window("tiny", at="#3")
    assert w.find("#title").text == "Forward: loss = sum"
    w.press("p")
    w.find("#guess").send_keys("-1e-5" + ENTER)
    assert "✓ Yes: −1e−5." in w.panel
    pixels = "[...heat(v).getContext('2d').getImageData(0, 0, 2, 1).data]"
    shades = w.run(f"return D.values.filter(v => v.s === '(2,)').map(v => {pixels})")
    assert len(shades) > 1 and all([0xE0, 0, 0x7F] not in (s[:3], s[4:7]) for s in shades)


# ------------------------------------------------------------------------------------- planted faults


@pytest.mark.parametrize("graph", ["broadcast", "lstm"])
def test_each_planted_fault_shows_its_first_wrong_node(window, graph):
    w = window(graph)
    for key in FAULTS:
        first = w.stepper.first_wrong[key]
        w.choose_fault(key)
        if first is None:
            assert "changes nothing" in w.panel
            assert not w.driver.find_elements("css selector", ".first-bad")
            continue
        assert f"The first wrong node is {first}." in w.panel and w.hash == f"#{key}.1"
        marked = w.driver.find_elements("css selector", ".first-bad")
        assert [m.get_attribute("data-key") for m in marked] == [str(w.node(first))]
        w.click("#say button")
        assert w.find("#title").text.startswith(f"{first}: ") and "The first wrong node." in w.panel
        if not w.count.startswith("2 / "):  # all before it are right
            w.press(LEFT)
            assert "is still right" in w.find("#title").text
    w.choose_fault("")
    assert "The tape" in w.panel


def test_the_learner_may_guess_the_first_wrong_node(window):
    w = window("broadcast")
    w.choose_fault("overwrite")
    w.press("p")
    assert "The first wrong node" not in w.panel and not w.driver.find_elements("css selector", ".first-bad")
    w.click(f"[data-key='{w.node('w')}']")
    assert "✗ Not that one. The first wrong node is h." in w.panel
    w.press("p", "p")
    w.find("#guess").send_keys("h" + ENTER)
    assert "✓ Yes." in w.panel


# -------------------------------------------------------------------------------- folding and the drawing

PLACED = """
const out = {};
for (const [k, r] of Object.entries(placed.boxes)) if (shown(k, state.closed) === k) out[k] = [r.x, r.y, r.w, r.h];
for (const [k, r] of Object.entries(placed.folded)) out[k] = [r.x, r.y, r.w, r.h];
return out
"""


def test_modules_fold_and_unfold_as_python_laid_them_out(window):
    for name in ("mlp", "lenet", "attention"):
        w = window(name)
        groups = [g for g in w.stepper.layout.groups if g is not None]
        for closed in [[], groups[:1], groups[-1:], groups[1:], groups]:
            w.run("state.closed = new Set(arguments[0]); draw()", closed)
            expected = w.stepper.layout.place(closed)
            found = w.run(PLACED)
            rects = {str(k): r for k, r in {**expected.boxes, **expected.folded}.items()}
            assert found.keys() == rects.keys()
            for key, r in rects.items():
                assert found[key] == pytest.approx([r.x, r.y, r.width, r.height], abs=0.5), (name, closed, key)


def test_a_click_folds_a_module_and_the_steps_go_on(window):
    w = window("mlp")
    nodes = lambda: len(w.driver.find_elements("css selector", "#graph .node"))
    everything = nodes()
    w.click("[aria-label='fold Sequential']")
    assert nodes() < everything and "Sequential" in w.find(".folded").text
    assert w.find(".folded").get_attribute("aria-expanded") == "false"
    w.press(RIGHT)
    assert "now" in w.find(".folded").get_attribute("class")  # the step happens inside
    w.click(".folded")
    assert nodes() == everything
    w.press("m")
    assert nodes() < everything
    w.press("m")
    assert nodes() == everything


@pytest.mark.parametrize("name", ALL)
def test_what_is_drawn_can_be_read(window, name):
    """Nothing below 16 px, every label inside its box, and no box upon another, as the browser measures them."""
    w = window(name)
    w.press(END)
    small = w.run("""
        const found = new Set();
        for (const e of document.querySelectorAll("body *")) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
            const small = parseFloat(getComputedStyle(e).fontSize) < 16;
            if (own && small && e.getClientRects().length) found.add(e.outerHTML.slice(0, 80));
        }
        return [...found]""")
    assert small == []
    spilt = w.run("""
        const found = [];
        for (const g of document.querySelectorAll(".node, .folded")) {
            const box = g.querySelector("rect.box").getBBox();
            for (const t of g.querySelectorAll(":scope > text")) {
                const b = t.getBBox();
                const across = b.x >= box.x && b.x + b.width <= box.x + box.width + 0.5;
                const down = b.y >= box.y && b.y + b.height <= box.y + box.height;
                if (!across || !down) found.push(t.textContent);
            }
            const [sub, grad] = [g.querySelector(".sub"), g.querySelector(".grad")];
            if (grad && sub.getBBox().x + sub.getBBox().width > grad.getBBox().x) found.push(grad.textContent);
        }
        return found""")
    assert spilt == []
    rects = w.run("""return [...document.querySelectorAll('.node rect.box')]
        .map(e => e.getBoundingClientRect()).map(r => [r.left, r.top, r.right, r.bottom])""")
    for k, a in enumerate(rects):
        for b in rects[k + 1 :]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_screen_readers_are_told(window):
    w = window("scalar", at="#9")
    unnamed = w.run("""
        const named = e => e.getAttribute("aria-label") || e.textContent.trim() || e.labels && e.labels.length;
        const all = document.querySelectorAll("button, select, input, [role=button], [role=group], canvas");
        return [...all].filter(e => e.getClientRects().length && !named(e)).map(e => e.outerHTML)""")
    assert unnamed == []
    assert w.find("#live").get_attribute("aria-live") == "polite"
    label = w.find(f"[data-key='{w.node('d')}']").get_attribute("aria-label")
    assert label == "operation, d, shape (), value 1"
    w.run("arguments[0].focus()", w.find(f"[data-key='{w.node('b')}']"))
    w.press(ENTER)
    assert w.run("return document.activeElement.dataset.key") == str(w.node("b"))  # the focus stays where it was


def test_light_and_dark_have_enough_contrast(window):
    """4.5 to 1 at least, as WCAG asks of text, for every colour that text has."""
    w = window("broadcast", at="#12")
    for _ in range(2):
        names = ["paper", "ink", "soft", "card", "group", "forward", "backward", "good", "wrong", "mark"]
        style = "getComputedStyle(document.documentElement)"
        colours = {n: w.run(f"return {style}.getPropertyValue('--{n}').trim()") for n in names}
        for text in ("ink", "soft", "forward", "backward", "good", "wrong"):
            for ground in ("paper", "card", "group"):
                assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground, colours)
        assert contrast(colours["ink"], colours["mark"]) >= 4.5
        w.press("t")


def contrast(a, b):
    def luminance(colour):
        digits = colour.lstrip("#")
        digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
        parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_a_projector_and_a_small_screen(window):
    """Nothing is cut off at the sides, at either size."""
    w = window("lenet", at="#25")
    for width, height in ((1920, 1080), (1280, 720), (1024, 768)):
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        w.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        w.run("draw()")
        for box in ("document.documentElement", "document.querySelector('header')", "document.querySelector('footer')",
                    "document.getElementById('panel')"):  # fmt: skip
            assert w.run(f"return {box}.scrollWidth <= {box}.clientWidth"), (width, box)
        assert w.run("return document.body.scrollHeight <= innerHeight")
    w.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_it_asks_the_network_for_nothing_and_works_inside_a_notebook(window, tmp_path):
    w = window("scalar")
    assert w.run("return performance.getEntriesByType('resource').length") == 0
    notebook = tmp_path / "notebook.html"
    notebook.write_text(f"<!doctype html><meta charset=utf-8>{w.stepper._repr_html_()}", encoding="utf-8")
    w.driver.get(notebook.as_uri())
    w.driver.switch_to.frame(w.find("iframe"))
    w.find("#next").click()
    assert w.count.startswith("2 / ") and "Forward: mul₁" in w.panel
    w.driver.switch_to.default_content()


def test_what_python_measures_is_what_the_browser_draws(window):
    """The widths that the layout reserves are enough for the fonts of this machine."""
    w = window("attention")
    for text in ("loss = cross_entropy", "features.0.weight", "(4, 16, 10, 10)", "mul₁₂", "x̄", "−1.23e−9"):
        drawn = w.run("""const t = make("text", {class: "name"}, arguments[0], make("g", {class: "node"}, null, svg));
            const width = t.getComputedTextLength(); t.parentNode.remove(); return width""", text)  # fmt: skip
        assert drawn <= page.text_width(text, page.TITLE) + 0.5, text
