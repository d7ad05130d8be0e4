"""A real browser without a window, where the machine has one; nothing is ever downloaded for it."""

import shutil
from contextlib import contextmanager

import pytest

FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-prefers-reduced-motion",
]  # fmt: skip


@contextmanager
def browser(folder, width=1280, height=800):
    """A Chromium with a profile of its own in `folder`."""
    webdriver = pytest.importorskip(
        "selenium.webdriver", reason="drives the pages in a browser: pip install 'minidl[browser]'"
    )
    from selenium.webdriver.chrome.service import Service

    chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip(f"no {'chromedriver' if chromium else 'Chromium'} on this machine to look at the pages with")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={folder}", f"--window-size={width},{height}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    page = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    try:
        yield page
    finally:
        page.quit()
