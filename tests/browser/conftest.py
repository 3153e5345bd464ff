"""A browser against the real thing: gunicorn, worker and bank as own processes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import create_engine, text

from tests.bank import ROOT, Bank, free_port, wait_for
from webapp import embedded

SHOTS = ROOT / "build" / "screenshots"


@dataclass(frozen=True)
class Site:
    """The running app and the environment its processes have."""

    url: str
    environment: dict[str, str]

    def flask(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *arguments],
            cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def forget_limits(self) -> None:
        engine = create_engine(self.environment["DATABASE_URL"])
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM rate_limits"))
        engine.dispose()


@pytest.fixture(scope="session")
def site(
    cluster: embedded.Cluster,
    running_bank: Bank,
    settings: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    port = free_port()
    cluster.create_database("browser")
    environment = {
        **os.environ,
        **settings,
        "DATABASE_URL": cluster.url(embedded.APP, "browser"),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, "browser"),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PLAID_REDIRECT_URI": f"http://127.0.0.1:{port}/accounts/link/return",
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    found = Site(environment["PUBLIC_URL"], environment)
    found.flask("init-db")
    logs = tmp_path_factory.mktemp("site")
    web = _spawn(["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"], found, logs)
    worker = _spawn(["flask", "--app", "wsgi", "worker"], found, logs)
    wait_for(f"{found.url}/healthz", web)
    yield found
    for process in (worker, web):
        process.terminate()
    for process in (worker, web):
        process.wait(15)


def _spawn(command: list[str], site: Site, logs: Path) -> subprocess.Popen[bytes]:
    with (logs / f"{command[0]}.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT, env=site.environment, stdout=log, stderr=log,
        )  # fmt: skip


class Visitor:
    """A person's browser window, which notes every complaint of the console."""

    def __init__(self, page: Page, site: Site) -> None:
        self.page = page
        self.site = site
        self.complaints: list[str] = []
        page.set_default_timeout(15_000)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _listen(self, message) -> None:  # type: ignore[no-untyped-def]
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def open(self, path: str) -> Page:
        self.page.goto(self.site.url + path)
        return self.page

    def register(self, email: str, password: str) -> None:
        self.site.forget_limits()  # all visitors come from one address
        page = self.open("/register")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password", exact=True).fill(password)
        page.get_by_role("button", name="Make an account").click()
        page.wait_for_url(self.site.url + "/")

    def link(
        self, bank: str, username: str = "user_good", then: str = "**/accounts/"
    ) -> None:
        """From the link page through Plaid Link's panes to the list of accounts."""
        page = self.open("/accounts/link")
        page.get_by_role("button", name="Choose your bank").click()
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="Continue").click()
        frame.get_by_role("button", name=bank).click()
        frame.get_by_role("textbox", name="Username").fill(username)
        frame.get_by_role("textbox", name="Password").fill("pass_good")
        frame.get_by_role("button", name="Submit").click()
        frame.get_by_role("button", name="Continue").click()
        frame.get_by_role("button", name="Finish").click()
        page.wait_for_url(then)

    def shoot(self, name: str) -> None:
        """A picture to look at, under build/screenshots."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SHOTS / f"{name}.png", full_page=True)


@pytest.fixture
def visitor(browser: Browser, site: Site) -> Iterator[Visitor]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield Visitor(context.new_page(), site)
    context.close()
