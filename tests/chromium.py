"""Debian's Chromium, as the tests start it."""

import shutil
from contextlib import contextmanager

import pytest

# The build without windows shows the same pages with a third of the work; the other one is as good where it is missing.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]     # containers have little /dev/shm
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: run bin/debian-setup as root")


@contextmanager
def chromium():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
