"""The dashboard of a person with 10,000 transactions, from the shipped web server."""

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from statistics import median
from urllib.parse import urlencode

from benchmarks.figure import Figure
from benchmarks.first_sync import link, sync
from benchmarks.place import ROOT, Place
from tests.bank import free_port, wait_for

COUNT = 10_000
ROUNDS = 100
WARM_UP = 20  # each of the server's processes builds its templates once
YEAR = "/?period=last-365-days"
PASSWORD = "benchmarks all day long"
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def measure(place: Place) -> Iterator[Figure]:
    link(place, COUNT)
    sync(place, COUNT)
    email = place.run("password", PASSWORD)["email"]
    place.execute("VACUUM ANALYZE")  # as autovacuum does within a minute
    with web_server(place) as port:
        browser = Browser(port)
        browser.sign_in(email, PASSWORD)
        asked = {
            "hello": ("/healthz", {}),
            "dashboard_fragment": (YEAR, {"HX-Request": "true"}),
            "dashboard_page": (YEAR, {}),
        }
        took: dict[str, list[float]] = {name: [] for name in asked}
        for turn in range(WARM_UP + ROUNDS):
            for name, (path, headers) in asked.items():
                milliseconds = browser.milliseconds(path, headers)
                if turn >= WARM_UP:
                    took[name].append(milliseconds)
    hello = median(took["hello"])
    for name, samples in took.items():
        yield Figure(name, median(samples), "ms", hello, "a plain answer (/healthz)")


@contextmanager
def web_server(place: Place) -> Iterator[int]:
    """gunicorn as it ships."""
    port = free_port()
    command = ["gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=place.environment | {"BIND": f"127.0.0.1:{port}"}, cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


class Browser:
    """One client on one connection."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies: SimpleCookie = SimpleCookie()

    def sign_in(self, email: str, password: str) -> None:
        _, page = self.ask("GET", "/login")
        found = CSRF.search(page.decode())
        if found is None:
            raise RuntimeError("no form at /login")
        form = {"csrf_token": found[1], "email": email, "password": password}
        status, _ = self.ask("POST", "/login", urlencode(form))
        if status != 303:
            raise RuntimeError(f"/login answered {status}")

    def milliseconds(self, path: str, headers: dict[str, str]) -> float:
        began = time.perf_counter()
        status, _ = self.ask("GET", path, headers=headers)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}")
        return (time.perf_counter() - began) * 1000

    def ask(
        self,
        method: str,
        path: str,
        form: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes]:
        sent = dict(headers or {})
        if self.cookies:
            pairs = (f"{one.key}={one.value}" for one in self.cookies.values())
            sent["Cookie"] = "; ".join(pairs)
        if form is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, path, form, sent)
        answer = self.connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(line)
        return answer.status, answer.read()
