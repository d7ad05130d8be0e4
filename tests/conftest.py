"""What every test can use: the options --all and --device, the fixtures `device` and `rng`, hypothesis set up."""

import importlib.util
import os
import time
import warnings
import zlib

import hypothesis
import numpy as np
import pytest

# The stand-in for a GPU is slow, so a run without --all takes it only to one part of the tests, a new part each day.
PARTS = 7
HAS_STRICT = all(importlib.util.find_spec(name) for name in ("minidl.testing", "minidl.testing.strict_cupy"))

hypothesis.settings.register_profile(
    "same",
    derandomize=True,  # a run that fails, fails again
    deadline=None,  # a busy machine is not a bug
    max_examples=50,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # likewise
)
hypothesis.settings.register_profile(
    "all", hypothesis.settings.get_profile("same"), derandomize=False, max_examples=500, print_blob=True
)


def pytest_addoption(parser):
    group = parser.getgroup("minidl")
    group.addoption("--all", action="store_true", help="also the slow tests, and every test on the strict device too")
    group.addoption("--device", action="append", metavar="NAME", help="only the tests that take a device, on this one")


def pytest_configure(config):
    hypothesis.settings.load_profile("all" if config.getoption("--all") else "same")
    # Set before xdist starts its workers, which inherit it: all must collect the same tests.
    os.environ.setdefault("MINIDL_TEST_PART", str(int(time.time() // 86400) % PARTS))


def pytest_report_header(config):
    if config.getoption("--device"):
        return f"devices: {', '.join(config.getoption('--device'))}"
    if not HAS_STRICT:
        return "devices: cpu (there is no strict device yet)"
    part = f" for one test in {PARTS}: MINIDL_TEST_PART={os.environ['MINIDL_TEST_PART']}"
    return "devices: cpu, strict" + ("" if config.getoption("--all") else part)


def devices(config, nodeid):
    """The devices on which one test runs."""
    if chosen := config.getoption("--device"):
        return chosen
    turn = zlib.crc32(nodeid.encode()) % PARTS == int(os.environ["MINIDL_TEST_PART"])
    return ["cpu", "strict"] if HAS_STRICT and (turn or config.getoption("--all")) else ["cpu"]


def pytest_generate_tests(metafunc):
    if "device" in metafunc.fixturenames:
        metafunc.parametrize("device", devices(metafunc.config, metafunc.definition.nodeid), indirect=True)


def pytest_collection_modifyitems(config, items):
    chosen = config.getoption("--device")
    if chosen:
        takes = [item for item in items if "device" in item.fixturenames or item.get_closest_marker("gpu")]
        config.hook.pytest_deselected(items=[item for item in items if item not in set(takes)])
        items[:] = takes
    slow = pytest.mark.skip(reason="slow: runs with --all")
    gpu = pytest.mark.skip(reason="needs a GPU: runs with --device cuda")
    for item in items:
        if item.get_closest_marker("all") and not config.getoption("--all"):
            item.add_marker(slow)
        if item.get_closest_marker("gpu") and "cuda" not in (chosen or []):
            item.add_marker(gpu)


if HAS_STRICT:
    from minidl.testing.strict import add_strict_device

    add_strict_device()


@pytest.fixture
def device(request):
    """The name of a device; a test that takes it runs on every device of the run."""
    if request.param == "strict":
        from minidl.testing.strict import add_strict_device

        add_strict_device()
    return request.param


@pytest.fixture
def rng(request):
    """Random numbers of the test's own, the same on each run."""
    return np.random.default_rng(zlib.crc32(request.node.nodeid.encode()))


@pytest.fixture(autouse=True)
def warnings_as_users_see_them():
    """pytest starts each test without minidl's filter (minidl/backend/__init__.py): 1/0 is inf without a word."""
    warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"minidl\.")
