"""T14: leaving and reloading under load, and going on for long (R15, R16)."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import Place, Process, until
from tests.chaos.traffic import (
    WELCOME,
    Changes,
    Loop,
    Person,
    Visitors,
    asking,
    settle,
    wait_for_webhooks,
)
from tests.factories import PASSWORD
from tests.sync.linked import link
from webapp.models import PlaidItem, User

PAGES = ["/", "/accounts/", "/readyz"]
LEASES = "SELECT count(*) FROM plaid_items WHERE lease_token IS NOT NULL"
# Refused is not dropped: whoever is before the server sends it elsewhere.
NOT_TAKEN = ("ConnectionRefusedError",)


def linked(place: Place, owner: User, count: int, rows: int = 60) -> list[PlaidItem]:
    place.bank.control("settings", **WELCOME)
    return [
        link(place.app, place.bank, owner, f"user_load_{rows}", "any")
        for _ in range(count)
    ]


def dropped(visitors: Visitors) -> list[str]:
    return [
        visit.why or str(visit.status)
        for visit in visitors.visits
        if visit.status != 200 and visit.why not in NOT_TAKEN
    ]


def test_a_web_server_that_leaves_drops_no_request(place: Place, owner: User):
    """Not those it began, and not the slow one that waits for the bank."""
    place.bank.control("settings", webhooks=False)
    web = place.web()
    carol = Person(place)
    carol.post("/login", "/login", email=owner.email, password=PASSWORD)
    place.bank.fault("/link/token/create", latency=2)
    visitors = Visitors(place, owner, PAGES)
    visitors.come(threads=4, pause=0.01)
    with ThreadPoolExecutor(1) as slow:
        linking = slow.submit(carol.post, "/accounts/link", "/accounts/link")
        until(lambda: carol.page.startswith("<!doctype") and visitors.statuses[200] > 9)
        time.sleep(0.7)  # the form is under way
        left = time.monotonic()
        assert web.leave() == 0
        left = time.monotonic() - left
        assert linking.result().startswith("/accounts/link/")
    visitors.go()
    assert dropped(visitors) == []
    assert web.count("Exception in worker") == 0, web.said()
    note("T14: web server left after", left, "s", 10, "R15")
    note("T14: requests dropped at its leave", 0, "requests")


def test_a_reload_of_the_web_server_fails_no_request(place: Place, owner: User):
    place.bank.control("settings", webhooks=False)
    processes = pick(1, 2, 2)
    web = place.web(processes)
    visitors = Visitors(place, owner, PAGES)
    visitors.come(threads=4, pause=0.01)
    booted = web.count("Booting worker")
    for _ in range(pick(1, 3, 20)):
        until(lambda: visitors.statuses[200] > 20)
        web.send(signal.SIGHUP)
        booted += processes
        until(lambda: web.count("Booting worker") >= booted)  # noqa: B023
        until(lambda: web.count("Worker exiting") >= booted - processes)  # noqa: B023
    visitors.go()
    assert dropped(visitors) == []
    assert set(visitors.statuses) == {200}
    assert web.count("Exception in worker") == 0, web.said()
    note("T14: longest answer during reloads", visitors.longest, "s")
    note("T14: requests during reloads", len(visitors.visits), "requests")
    note("T14: requests failed by reloads", 0, "requests")


def test_a_worker_that_leaves_keeps_no_lease(place: Place, owner: User):
    """Whatever it is at: in mid-fetch, in mid-write, between two items."""
    place.bank.control("settings", webhooks=False)
    items = linked(place, owner, 8, rows=1100)
    place.bank.fault("/transactions/sync", latency=0.2, times=None)
    asks = asking(place, items, 0.05)
    longest = 0.0
    for _ in range(pick(2, 5, 60)):
        worker = place.worker(4)
        until(lambda: place.query(LEASES)[0][0] > 1)
        began = time.monotonic()
        assert worker.leave() == 0
        longest = max(longest, time.monotonic() - began)
        assert worker.count("Worker left") == 1
        assert place.query(LEASES)[0][0] == 0
    asks.stop()
    place.bank.control("faults/clear")
    place.worker(4)
    settle(place, items)
    assert check_all(place.engine, place.bank) == []
    note("T14: a worker left after", longest, "s", 10, "R15")
    note("T14: leases it left behind", 0, "leases")


# Going on for long


@pytest.mark.skipif(pick(True, False, False), reason="a minute or more: make chaos")
def test_it_goes_on_without_growing(place: Place, owner: User):
    """Mixed load; memory, sessions and what is logged."""
    seconds = pick(5, 20, 600)
    web = place.web(processes=2)
    items = linked(place, owner, pick(4, 40, 200), rows=200)
    workers = [place.worker(4), place.worker(4)]
    synced = "SELECT count(*) FROM plaid_items WHERE last_synced_at IS NOT NULL"
    until(lambda: place.query(synced)[0][0] == len(items), 300)
    visitors = Visitors(place, owner, PAGES)
    visitors.come(threads=2, pause=0.1)
    changes = Changes(place.bank, items, quiet=False)
    changing = Loop(changes.one, 0.1)
    memory, sessions = [], []
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        memory.append([resident(process) for process in (web, *workers)])
        sessions.append(place.query(SESSIONS)[0][0])
        time.sleep(seconds / 60)
    changing.stop()
    visitors.go()
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    assert visitors.statuses.keys() <= {200, 503}, visitors.statuses
    note("T14: pages refused", visitors.statuses[503], "pages", about="R16")
    for process in place.processes:
        assert process.count("Traceback") == 0, process.said()
        assert process.leave() == 0
    assert place.query(LEASES)[0][0] == 0
    for number, name in enumerate(["web", "worker", "worker"]):
        at_first, at_last = (
            sum(row[number] for row in part) / len(part)
            for part in (memory[15:25], memory[-10:])
        )
        note(f"T14: memory of {name} grew by", at_last / at_first - 1, "", 0.05, "R16")
    most = 2 * 15 + 2 * 15
    note("T14: most sessions at the database", max(sessions), "sessions", most, "R16")
    note("T14: pages served", visitors.statuses[200], "pages")
    note("T14: changes synced", changes.made, "changes")
    slow = sorted(visit.took for visit in visitors.visits)
    note("T14: a page, p99", slow[int(len(slow) * 0.99)], "s")


SESSIONS = """SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'smartbudget' AND pid <> pg_backend_pid()"""


def resident(process: Process) -> float:
    """MiB of it and its children."""
    parent = psutil.Process(process.popen.pid)
    family = [parent, *parent.children(recursive=True)]
    return sum(one.memory_info().rss for one in family) / 2**20
