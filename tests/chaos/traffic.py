"""What goes on while a storm blows: the bank lives on, people click, asks come."""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from tests import factories
from tests.bank import Bank
from tests.chaos.procs import Place, until
from tests.sync.linked import ask
from webapp.models import PlaidItem, User

# The bank's settings for a storm: no limits, and webhooks that come again soon
WELCOME = {"rate_limits": False, "webhook_speed": 300, "webhook_patience": True}


class Loop(threading.Thread):
    """Calls `turn` again and again; `stop` raises what that raised."""

    def __init__(self, turn: Callable[[], None], pause: float) -> None:
        super().__init__(daemon=True)
        self.turn, self.pause = turn, pause
        self.ending = threading.Event()
        self.turns = 0
        self.raised: Exception | None = None
        self.start()

    def run(self) -> None:
        try:
            while not self.ending.wait(self.pause * random.uniform(0.3, 1.7)):
                self.turn()
                self.turns += 1
        except Exception as error:
            self.raised = error

    def stop(self) -> None:
        self.ending.set()
        self.join(30)
        assert not self.is_alive(), "a loop did not end"
        if self.raised is not None:
            raise self.raised


class Changes:
    """The bank goes on changing: new rows, posted ones, other amounts, removals."""

    def __init__(self, bank: Bank, items: list[PlaidItem], quiet: bool) -> None:
        self.bank, self.items, self.quiet = bank, items, quiet
        self.pending: dict[str, list[str]] = {one.item_id: [] for one in items}
        self.posted: dict[str, list[str]] = {one.item_id: [] for one in items}
        self.today = bank.state()["now"][:10]
        self.made = 0

    def one(self, item: PlaidItem | None = None) -> None:
        item = item or random.choice(self.items)
        kinds = [self.add, self.add, self.post, self.change, self.remove, self.repeat]
        random.choice(kinds)(item.item_id)

    def add(self, item_id: str) -> None:
        is_pending = random.random() < 0.5
        row = {
            "date_transacted": self.today,
            "date_posted": "2035-01-01" if is_pending else self.today,
            "amount": random.randint(-9999, 9999) / 100,
            "description": f"Shop {random.randint(1, 10**6)}",
        }
        count = random.choice([1, 1, 2, 7])
        ids = self._control(f"{item_id}/transactions", transactions=[row] * count)
        (self.pending if is_pending else self.posted)[item_id] += ids["ids"]

    def post(self, item_id: str) -> None:
        if id := _take(self.pending[item_id]):
            amount = random.randint(1, 9999) / 100
            path = f"{item_id}/transactions/{id}/post"
            self.posted[item_id].append(self._control(path, amount=amount)["id"])

    def change(self, item_id: str) -> None:
        if self.posted[item_id]:
            id = random.choice(self.posted[item_id])
            amount = random.randint(-9999, 9999) / 100
            self._control(f"{item_id}/transactions/{id}", amount=amount)

    def remove(self, item_id: str) -> None:
        if id := _take(random.choice([self.pending, self.posted])[item_id]):
            self._control(f"{item_id}/transactions/{id}/remove")

    def repeat(self, item_id: str) -> None:
        self._control(f"{item_id}/repeat", count=random.randint(1, 5))

    def _control(self, path: str, **body: Any) -> Any:
        self.made += 1
        return self.bank.control(f"items/{path}", quiet=self.quiet, **body)


def _take(ids: list[str]) -> str | None:
    return ids.pop(random.randrange(len(ids))) if ids else None


@dataclass(frozen=True)
class Visit:
    """One request: when it began, how long it took, and the status; 0 is no answer."""

    at: float
    took: float
    status: int
    why: str = ""


class Visitors:
    """Threads that ask for pages, each request on a connection of its own."""

    def __init__(self, place: Place, user: User, paths: list[str]) -> None:
        self.place, self.paths = place, paths
        client = factories.signed_in(place.app, user)
        name = place.app.config["SESSION_COOKIE_NAME"]
        cookie = client.get_cookie(name, domain="127.0.0.1") or client.get_cookie(name)
        assert cookie is not None
        self.headers = {"Cookie": f"{name}={cookie.value}"}
        self.visits: list[Visit] = []
        self.loops: list[Loop] = []

    def come(self, threads: int = 2, pause: float = 0.05) -> None:
        self.loops += [Loop(self.visit, pause) for _ in range(threads)]

    def visit(self) -> None:
        self.visits.append(get(self.place, random.choice(self.paths), self.headers))

    def go(self) -> None:
        for loop in self.loops:
            loop.stop()
        self.loops.clear()

    @property
    def statuses(self) -> Counter[int]:
        return Counter(visit.status for visit in self.visits)

    @property
    def longest(self) -> float:
        return max(visit.took for visit in self.visits)


class Person:
    """A browser without JavaScript, over real HTTP."""

    def __init__(self, place: Place) -> None:
        self.place, self.cookies = place, SimpleCookie()
        self.page = ""  # the last one got

    def get(self, path: str) -> int:
        return self._send("GET", path, None)[0]

    def post(self, form: str, path: str, **fields: str) -> str:
        """Fill in the form on the page `form`; where it leads."""
        self.get(form)
        token = factories.csrf_token(self.page)
        body = urlencode({"csrf_token": token, **fields}).encode()
        status, location = self._send("POST", path, body)
        assert status == 303, (status, self.page)
        return location

    def _send(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.place.web_port, timeout=30
        )
        cookies = "; ".join(f"{k}={v.value}" for k, v in self.cookies.items())
        headers = {"Cookie": cookies}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        self.page = answer.read().decode()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookies.load(cookie)
        return answer.status, answer.headers.get("Location", "")


def get(place: Place, path: str, headers: dict[str, str]) -> Visit:
    return send(place.web_port, "GET", path, headers=headers)


def send(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = 30,
) -> Visit:
    """One request on a new connection; no answer within the time is status 0."""
    at, began = time.time(), time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=seconds)
    status, why = 0, ""
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        answer.read()
        status = answer.status
    except (OSError, http.client.HTTPException) as error:
        why = type(error).__name__
    finally:
        connection.close()
    return Visit(at, time.perf_counter() - began, status, why)


def asking(place: Place, items: list[PlaidItem], pause: float) -> Loop:
    """Asks for a random item's sync, as a webhook does."""
    return Loop(lambda: ask(place.app, random.choice(items)), pause)


def is_quiet(place: Place, ids: list[Any]) -> bool:
    """Every ask of these items is served, and nobody holds one."""
    found = place.query(
        "SELECT count(*) FROM plaid_items WHERE id = ANY (%s::uuid[])"
        " AND (done_seq < req_seq OR lease_token IS NOT NULL)",
        [str(id) for id in ids],
    )
    return found[0][0] == 0


def settle(place: Place, items: list[PlaidItem], seconds: float = 60) -> float:
    """Ask for everything once more; the seconds until all of it is served."""
    began = time.monotonic()
    for item in items:
        ask(place.app, item, by_person=True)  # whatever back-off is left
    until(lambda: is_quiet(place, [item.id for item in items]), seconds)
    return time.monotonic() - began


def seconds_until_synced(place: Place, items: list[PlaidItem], since: float) -> float:
    """From `since` (this machine's clock) until the last of them was."""
    found = place.query(
        "SELECT max(extract(epoch FROM last_synced_at)) FROM plaid_items"
        " WHERE id = ANY (%s::uuid[])",
        [str(item.id) for item in items],
    )
    return max(0.0, float(found[0][0]) - since)


def webhooks(place: Place) -> Counter[str]:
    """How many of the bank's webhooks are in which state."""
    return Counter(
        one["status"] for one in place.bank.get("/_control/webhooks")["webhooks"]
    )


def wait_for_webhooks(
    place: Place, items: list[PlaidItem], seconds: float = 60
) -> None:
    """Until all are taken and everything they asked for is done."""
    try:
        until(lambda: set(webhooks(place)) <= {"delivered"}, seconds)
    except AssertionError:
        raise AssertionError(f"not all were taken: {webhooks(place)}") from None
    until(lambda: is_quiet(place, [item.id for item in items]), seconds)
