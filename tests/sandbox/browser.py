"""Chromium in a thread of its own: Playwright allows one instance a thread.

Other tests of the suite may hold one open in the main thread for the whole session.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from .conftest import ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Chromium:
    """`run` does its work in the thread that owns the browser."""

    def __init__(self, thread: ThreadPoolExecutor, browser: Browser) -> None:
        self._thread, self.browser = thread, browser

    def run(self, work: Callable[..., Any], *values: Any, **named: Any) -> Any:
        return self._thread.submit(work, *values, **named).result()


def _path() -> str | None:
    """What `make test` found or installed; by hand, whatever the system has."""
    kept = ROOT / ".cache" / "chromium"
    found = kept.read_text().strip() if kept.exists() else shutil.which("chromium")
    return found if found and os.path.exists(found) else None


@contextmanager
def chromium() -> Iterator[Chromium]:
    path = _path()
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("no Chromium here: the bank's Link cannot be tested")
    with ThreadPoolExecutor(1, thread_name_prefix="chromium") as thread:

        def start() -> tuple[Playwright, Browser]:
            playwright = sync_playwright().start()
            browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
            return playwright, browser

        playwright, browser = thread.submit(start).result()
        yield Chromium(thread, browser)
        thread.submit(browser.close).result()
        thread.submit(playwright.stop).result()
