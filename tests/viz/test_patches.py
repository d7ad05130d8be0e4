"""The im2col explorer: the page's numbers are the library's, and the page needs nothing but itself."""

import json
import re

import numpy as np
import pytest

import minidl
from minidl import viz
from minidl.nn import functional as F
from minidl.viz import patches


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page.html, re.S)[1])


@pytest.mark.parametrize("how", [{}, {"stride": 2, "padding": 1}, {"stride": (1, 2), "padding": (2, 0), "dilation": 2}])
def test_every_number_is_the_librarys(how):
    x, w, b = minidl.randn(2, 6, 7), minidl.randn(3, 2, 3, 2), minidl.randn(3)
    found = data_of(viz.im2col(x, w, b, **how))
    y = F.conv2d(x[None], w, b, **how)[0].numpy()
    assert found["places"] == list(y.shape[1:]) and not np.any(found["wrong"])
    np.testing.assert_allclose(np.reshape(found["y"], y.shape), y, atol=1e-3)
    unfold = F.unfold(x[None], (3, 2), how.get("dilation", 1), how.get("padding", 0), how.get("stride", 1))
    np.testing.assert_allclose(found["columns"], unfold[0].numpy(), atol=1e-4)
    wide = np.reshape(found["wide"], -1)
    np.testing.assert_array_equal(wide[np.array(found["source"])], found["columns"])


def test_the_page_stands_alone_and_cannot_be_broken_out_of():
    page = viz.im2col(minidl.ones(1, 4, 4), minidl.ones(1, 1, 2, 2))
    assert len(page.html) < 20_000
    assert not re.findall(r"(?:src|href)=", page.html)
    assert page.html.count("http") == page.html.count("http://www.w3.org/2000/svg") == 1
    assert "prefers-color-scheme:dark" in page.html and "Every output equals conv2d" in page.html
    assert page._repr_html_().startswith("<iframe srcdoc=") and page._repr_html_().count('"') == 6
    assert "</script><b>" not in patches.HtmlPage("t", "", "", "", {"x": "</script><b>"}).html


def test_a_planted_fault_is_marked():
    found = patches.explored(minidl.randn(1, 4, 4), minidl.randn(1, 1, 2, 2))
    found["y"][0, 3] += 1
    page = patches.page(found)
    assert "1 of 9 outputs differ from conv2d" in page.html
    assert np.argwhere(data_of(page)["wrong"]).tolist() == [[0, 3]]


def test_it_saves(tmp_path):
    page = viz.im2col(np.ones((1, 3, 3)), np.ones((1, 1, 2, 2)))
    assert page.save(tmp_path / "a.html").read_text(encoding="utf-8") == page.html


@pytest.mark.parametrize("x, w, match", [
    ((2, 1, 4, 4), (1, 1, 2, 2), "one picture"),
    ((1, 4, 4), (1, 2, 2), "one picture"),
    ((1, 4, 4), (1, 2, 2, 2), "channels"),
    ((1, 100, 100), (1, 1, 3, 3), "too many to be looked at"),
])  # fmt: skip
def test_what_it_refuses(x, w, match):
    with pytest.raises(ValueError, match=match):
        viz.im2col(minidl.zeros(x), minidl.zeros(w))
