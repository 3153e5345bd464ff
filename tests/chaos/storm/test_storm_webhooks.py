"""T5: webhooks at a rate, with the database gone, too large: none is lost (R7, R8)."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import Place, until
from tests.chaos.traffic import (
    WELCOME,
    Changes,
    Loop,
    Visit,
    send,
    wait_for_webhooks,
    webhooks,
)
from tests.sync.linked import link, runs
from webapp.models import PlaidItem, User
from webapp.sandbox import signing
from webapp.sandbox.store import Store

SYNC = "/transactions/sync"
PATH = "/webhooks/plaid"


def linked(place: Place, owner: User, count: int) -> list[PlaidItem]:
    """Synced once, so that the bank knows where to send webhooks."""
    place.bank.control("settings", **WELCOME)
    items = [
        link(place.app, place.bank, owner, "user_load_60", "any") for _ in range(count)
    ]
    place.worker(2)
    synced = "SELECT count(*) FROM plaid_items WHERE last_synced_at IS NOT NULL"
    until(lambda: place.query(synced)[0][0] == count)
    wait_for_webhooks(place, items)
    return items


def news(place: Place, item: PlaidItem) -> tuple[bytes, dict[str, str]]:
    """Body and headers of a webhook that the bank itself could have sent."""
    said = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": item.item_id,
        "initial_update_complete": True,
        "historical_update_complete": True,
        "environment": "sandbox",
    }
    body = json.dumps(said, indent=2).encode()
    store = Store(place.folder / "bank")
    return body, {
        "Content-Type": "application/json",
        "Plaid-Verification": signing.sign(store, body, None),
    }


def at_rate(place: Place, item: PlaidItem, rate: int, seconds: float) -> list[Visit]:
    """So many a second, whether the ones before are answered or not."""
    body, headers = news(place, item)
    began = time.monotonic()
    with ThreadPoolExecutor(16) as senders:
        sent = []
        for number in itertools.count():
            at = number / rate
            if at >= seconds:
                break
            time.sleep(max(0, began + at - time.monotonic()))
            job = senders.submit(
                send, place.web_port, "POST", PATH, body, headers, seconds=30
            )
            sent.append(job)
    return [one.result() for one in sent]


def percentile(visits: list[Visit], part: float) -> float:
    return sorted(visit.took for visit in visits)[int(len(visits) * part)]


def test_a_thousand_equal_ones_during_a_sync_cause_few_more(place: Place, owner: User):
    place.web(processes=pick(1, 2, 2))
    (item,) = linked(place, owner, 1)
    before = len(runs(place.app, item))
    place.bank.fault(SYNC, latency=4)
    body, headers = news(place, item)
    assert send(place.web_port, "POST", PATH, body, headers).status == 200
    until(lambda: runs(place.app, item)[-1].status == "running")
    count = pick(200, 1000, 1000)
    with ThreadPoolExecutor(8) as senders:
        jobs = [
            senders.submit(send, place.web_port, "POST", PATH, body, headers)
            for _ in range(count)
        ]
    assert {job.result().status for job in jobs} == {200}
    wait_for_webhooks(place, [item])
    further = len(runs(place.app, item)) - before - 1
    note(f"T5: runs after {count} equal webhooks during one", further, "runs", 2, "R8")
    assert further <= 2
    kept = "SELECT count(*), count(processed_at) FROM webhook_events"
    (all_, done) = place.query(kept)[0]
    assert all_ == done
    assert all_ > count


def test_at_a_rate(place: Place, owner: User):
    """100 a second: answered in time, and each change soon in the ledger."""
    place.web(processes=pick(1, 2, 2))
    items = linked(place, owner, 4)
    visits = at_rate(place, items[0], 100, pick(1, 10, 60))
    assert {visit.status for visit in visits} == {200}
    note(
        "T5: webhook answered, p99 at 100/s", percentile(visits, 0.99), "s", 0.25, "R7"
    )
    changes = Changes(place.bank, items, quiet=False)
    place.bank.fault(SYNC, latency=0.2, times=None)
    waits = []
    for _ in range(pick(2, 10, 100)):
        began = time.time()
        changes.add(items[1].item_id)
        seen = len(place.query(ROWS))
        until(lambda: len(place.query(ROWS)) > seen)  # noqa: B023
        waits.append(time.time() - began)
        wait_for_webhooks(place, items)
    waits.sort()
    note("T5: from webhook to row, p50", waits[len(waits) // 2], "s", 2, "R7")
    note("T5: from webhook to row, longest", waits[-1], "s", 10, "R7")
    assert check_all(place.engine, place.bank) == []


ROWS = "SELECT id FROM transactions"


def test_the_database_goes_and_no_webhook_is_lost(place: Place, owner: User):
    place.web(processes=pick(1, 2, 2))
    items = linked(place, owner, 4)
    changes = Changes(place.bank, items, quiet=False)
    changing = Loop(changes.one, 0.1)
    time.sleep(0.5)
    went_at = time.time()
    place.crash_database()
    visits = at_rate(place, items[0], 50, pick(1, 5, 5))
    retrying = webhooks(place)
    place.start_database()
    back_at = time.time()
    assert {visit.status for visit in visits} == {503}
    slowest = percentile(visits, 1 - 1e-9)
    assert slowest < 10
    time.sleep(0.5)
    changing.stop()
    assert retrying["retrying after 503"] > 0
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    note("T5: refusal without a database, longest", slowest, "s", 5, "R5")
    note("T5: database was away", back_at - went_at, "s")
    note("T5: webhooks lost", 0, "webhooks", about="R7")


def test_what_is_far_too_large_takes_nothing_down(place: Place, owner: User):
    place.web()
    (item,) = linked(place, owner, 1)
    body, headers = news(place, item)
    kept = len(place.query("SELECT id FROM webhook_events"))
    with ThreadPoolExecutor(4) as senders:
        large = body + b" " * (10 << 20)
        jobs = [
            senders.submit(send, place.web_port, "POST", PATH, large, headers)
            for _ in range(4)
        ]
        # an end of the connection in mid-body is an answer, too
        assert {job.result().status for job in jobs} <= {413, 0}
    assert len(place.query("SELECT id FROM webhook_events")) == kept
    assert send(place.web_port, "POST", PATH, body, headers).status == 200
