"""A server of the made-up pages and one browser for all tests of the look."""

import logging
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
logging.getLogger("werkzeug").setLevel(logging.ERROR)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="session")
def site():
    from look_site import make_site

    server = make_server("127.0.0.1", 0, make_site(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def chromium_path() -> str | None:
    kept = ROOT / ".cache" / "chromium"
    return kept.read_text().strip() if kept.exists() else shutil.which("chromium")


@pytest.fixture(scope="session")
def chromium():
    path = chromium_path()
    if path is None:
        told = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        told("no Chromium here: the look cannot be tested")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Watched:
    """A page that keeps what its console and its CSP complain about."""

    def __init__(self, page, site):
        self.page, self.site, self.complaints = page, site, []
        page.on("console", self._keep)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _keep(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path):
        self.page.goto(self.site + path)
        self.page.wait_for_load_state("load")
        return self.page


@pytest.fixture
def look(chromium, site):
    """look(width=..., dark=..., js=...) -> Watched."""
    opened = []

    def make(width=1440, height=900, dark=False, js=True):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=js,
            reduced_motion="reduce",
        )
        context.set_default_timeout(5000)
        opened.append(context)
        return Watched(context.new_page(), site)

    yield make
    for context in opened:
        context.close()
