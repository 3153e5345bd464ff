"""A server of the made-up pages and one browser for all tests of the look."""

import logging
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
logging.getLogger("werkzeug").setLevel(logging.ERROR)


@pytest.fixture(scope="session")
def site():
    from look_site import make_site

    app = make_site()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    app.config["PLAID_LINK_SCRIPT_URL"] = f"{address}/plaid.js"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


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


@pytest.fixture(scope="session")
def contexts(browser):
    """One profile for each theme, with and without scripts: they keep their cache."""
    opened = {}

    def find(dark, js):
        if (dark, js) not in opened:
            opened[dark, js] = browser.new_context(
                color_scheme="dark" if dark else "light",
                java_script_enabled=js,
                reduced_motion="reduce",
            )
            opened[dark, js].set_default_timeout(10_000)
        return opened[dark, js]

    yield find
    for context in opened.values():
        context.close()


@pytest.fixture
def look(contexts, site):
    """look(dark=..., js=...) -> a Watched page."""
    pages = []

    def make(dark=False, js=True):
        pages.append(contexts(dark, js).new_page())
        pages[-1].set_viewport_size({"width": 1440, "height": 900})
        return Watched(pages[-1], site)

    yield make
    for page in pages:
        page.close()
