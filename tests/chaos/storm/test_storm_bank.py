"""T4: everything that an answer of Plaid's can be (R9 to R12)."""

import statistics
import time
from typing import Any

import pytest
from flask import Flask

from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import Place, until
from tests.chaos.traffic import WELCOME, settle
from tests.sync.linked import ask, change_db, link, reload, runs
from webapp.models import PlaidItem, User
from webapp.plaid.client import PlaidClient
from webapp.plaid.errors import PlaidError

SYNC = "/transactions/sync"
ROWS = 30
DEADLINES = (2, 3, 5)  # of a call: connect, read, total
LONGER = 8  # seconds

# what goes wrong twice: the run's error_code
BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "429": ("TRANSACTIONS_SYNC_LIMIT", {"error_code": "TRANSACTIONS_SYNC_LIMIT"}),
    "500": ("INTERNAL_SERVER_ERROR", {"error_code": "INTERNAL_SERVER_ERROR"}),
    "502 of HTML": (
        "UNREADABLE",
        {"status": 502, "body": "<h1>Bad gateway</h1>", "content_type": "text/html"},
    ),
    "200 of HTML": (
        "UNREADABLE",
        {"status": 200, "body": "<h1>Welcome</h1>", "content_type": "text/html"},
    ),
    "silence": ("NETWORK", {"latency": LONGER}),
    "drip": ("NETWORK", {"drip": 0.4}),
    "cut off": ("NETWORK", {"truncate": 700}),
    "empty": ("UNREADABLE", {"empty": True}),
    "far too large": ("UNREADABLE", {"pad": 21 << 20}),
    "reset": ("NETWORK", {"reset": True}),
    "no cursor": ("UNREADABLE", {"drop": ["next_cursor"]}),
    "no end": ("UNREADABLE", {"endless": True, "times": 200}),
}
# what can be stored, or set aside, and is put right when it comes again
ODD: dict[str, dict[str, Any]] = {
    "words of tomorrow": {"rows": {"payment_channel": "mind", "karma": {"x": [1]}}},
    "no amount": {"rows": {"amount": None}},
    "another currency": {"rows": {"iso_currency_code": "EUR"}},
    "twice in a page": {"twice": True},
}


def linked(place: Place, owner: User, count: int) -> list[PlaidItem]:
    place.bank.control("settings", **WELCOME | {"webhooks": False})
    name = f"user_load_{ROWS}"
    return [link(place.app, place.bank, owner, name, "any") for _ in range(count)]


def longest_call(place: Place) -> float:
    """Seconds that the longest run of all lasted, fetch and write."""
    seconds = "SELECT max(extract(epoch FROM finished_at - started_at)) FROM sync_runs"
    return float(place.query(seconds)[0][0])


def test_every_kind_of_answer_ends_well(place: Place, owner: User):
    kinds = [*BROKEN, *ODD]
    items = dict(zip(kinds, linked(place, owner, len(kinds)), strict=True))
    for kind, (_, fault) in BROKEN.items():
        times = {"times": 2} | fault
        place.bank.fault(SYNC, item_id=items[kind].item_id, **times)
    for kind, fault in ODD.items():
        place.bank.fault(SYNC, item_id=items[kind].item_id, **fault)
    worker = place.worker(8, deadlines=DEADLINES)
    until(lambda: all(has_failed(place, items[kind]) for kind in BROKEN), 90)
    for kind, (code, _) in BROKEN.items():
        assert runs(place.app, items[kind])[0].error_code == code, kind
    limited = reload(place.app, items["429"])
    assert limited.not_before is not None
    place.bank.control("faults/clear")
    come_back(place)
    every = list(items.values())
    until(lambda: all(is_synced(place, item) for item in every), 90)
    held = "SELECT count(*) FROM quarantined_transactions WHERE plaid_item_id = %s"
    assert place.query(held, str(items["no amount"].id))[0][0] == ROWS
    for kind in ODD:
        place.bank.control(f"items/{items[kind].item_id}/repeat", count=ROWS)
    settle(place, every)
    assert check_all(place.engine, place.bank) == []
    assert worker.count("A run crashed") == 0, worker.said()
    note("T4: kinds of answers", len(kinds), "kinds")
    most = DEADLINES[2] + 5  # three calls one after the other, and their rows
    note("T4: longest run, of calls that may last 5 s", longest_call(place), "s", most)


def has_failed(place: Place, item: PlaidItem) -> bool:
    return any(run.status == "failed" for run in runs(place.app, item))


def is_synced(place: Place, item: PlaidItem) -> bool:
    return any(run.status == "succeeded" for run in runs(place.app, item))


def come_back(place: Place) -> None:
    """As if every pause were over, also that of a rate limit."""
    change_db(
        place.app,
        "UPDATE plaid_items SET next_at = now(), not_before = NULL"
        " WHERE last_error_code IS NOT NULL",
    )


def test_tls_that_fails_is_no_answer(place: Place):
    client = PlaidClient(f"https://127.0.0.1:{place.bank.port}", "sandbox", "sandbox")
    with pytest.raises(PlaidError) as refused:
        client.item_get("access-sandbox-1")
    assert refused.value.code == "NETWORK"


# Some never work


def delays(app: Flask, items: list[PlaidItem], rounds: int) -> list[float]:
    """Seconds from an ask to its end, for each item of each round."""
    found = []
    for _ in range(rounds):
        began = time.monotonic()
        for item in items:
            ask(app, item, by_person=True)
        waiting = list(items)
        while waiting:
            assert time.monotonic() < began + 60, "some are not served"
            done = [item for item in waiting if not reload(app, item).is_running]
            found += [time.monotonic() - began] * len(done)
            waiting = [item for item in waiting if item not in done]
            time.sleep(0.02)
    return found


def test_poison_delays_nobody_and_is_set_apart(place: Place, owner: User):
    healthy = linked(place, owner, pick(8, 38, 95))
    poison = linked(place, owner, pick(1, 2, 5))
    place.worker(4, backoff=0.2, longest_backoff=0.5, deadlines=DEADLINES)
    settle(place, healthy + poison)
    without = delays(place.app, healthy, pick(2, 5, 20))
    for item in poison:
        wrong = {"error_code": "INTERNAL_SERVER_ERROR", "times": None}
        place.bank.fault(SYNC, item_id=item.item_id, **wrong)
        ask(place.app, item, by_person=True)
    beside = delays(place.app, healthy, pick(2, 5, 20))

    def are_apart() -> bool:
        for item in healthy[:1]:  # Plaid works: it is these items' own affair
            ask(place.app, item, by_person=True)
        states = {reload(place.app, item).state for item in poison}
        return states == {"quarantined"}

    until(are_apart, 90)
    for item in poison:
        calls = place.bank.count_calls(SYNC, item.item_id)
        note("T4: calls for a poison item", calls - 1, "calls", 5, "R11")
        assert reload(place.app, item).last_request_id
    p95 = [statistics.quantiles(one, n=20)[18] for one in (without, beside)]
    note("T4: delay of the others beside poison, p95", p95[1], "s", p95[0] * 1.1, "R11")


# All fail


def test_an_outage_costs_few_calls_and_ends_soon(place: Place, owner: User):
    items = linked(place, owner, pick(25, 100, 1000))
    seconds = pick(4, 15, 600)
    place.bank.fault(SYNC, error_code="INTERNAL_SERVER_ERROR", times=None)
    workers = [place.worker(8, deadlines=DEADLINES) for _ in range(pick(1, 2, 2))]
    is_open = "SELECT count(*) FROM breakers WHERE opened_at IS NOT NULL"
    until(lambda: place.query(is_open)[0][0] == 1)
    until_open = place.bank.count_calls(SYNC)
    began = time.monotonic()
    time.sleep(seconds)
    while_open = place.bank.count_calls(SYNC) - until_open
    lasted = time.monotonic() - began
    per_item = max(place.bank.count_calls(SYNC, item.item_id) for item in items)
    place.bank.control("faults/clear")
    back_at = time.monotonic()
    until(lambda: all_synced(place, len(items)), pick(60, 300, 300))
    recovered = time.monotonic() - back_at
    threads = 8 * len(workers)
    # those that were under way when it opened
    assert until_open <= 20 + threads
    assert per_item <= 8
    # a probe a second, in these workers
    assert while_open <= lasted + threads + 2
    assert check_all(place.engine, place.bank) == []
    note("T4: failures until the breaker opened", until_open, "calls", 20, "R10")
    note("T4: most calls for an item in an outage", per_item, "calls", 8, "R10")
    note("T4: calls a second while open", while_open / lasted, "calls", 1, "R10")
    note("T4: all synced after an outage", recovered, "s", 300, "R10")


def all_synced(place: Place, count: int) -> bool:
    synced = "SELECT count(*) FROM plaid_items WHERE last_synced_at IS NOT NULL"
    return bool(place.query(synced)[0][0] == count)
