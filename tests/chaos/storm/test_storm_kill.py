"""T2: workers die and freeze, at any moment and at chosen ones (R1, R4, R5, R6)."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import LEASE, Place, Process, until
from tests.chaos.traffic import (
    Changes,
    Loop,
    asking,
    seconds_until_synced,
    settle,
)
from tests.sync.linked import link, runs
from webapp.models import PlaidItem, User

SYNC = "/transactions/sync"
REFUSED = "was superseded"  # what a worker says of a write that was refused
THREE_PAGES = 1100


def linked(place: Place, owner: User, *sizes: int) -> list[PlaidItem]:
    place.bank.control("settings", webhooks=False, rate_limits=False)
    return [link(place.app, place.bank, owner, f"user_load_{n}", "any") for n in sizes]


def test_workers_are_killed_again_and_again(place: Place, owner: User):
    count, size = pick((4, 40), (20, 300), (50, 2000))
    items = linked(place, owner, *[size] * (count - 1), THREE_PAGES)
    place.bank.fault(SYNC, latency=0.1, times=None)
    changes = Changes(place.bank, items, quiet=True)
    loops = [Loop(changes.one, 0.05), asking(place, items, 0.1)]
    workers = [place.worker(2), place.worker(2)]
    rounds = pick(3, 12, 200)
    for _ in range(rounds):
        time.sleep(random.uniform(0, pick(1, 2, 2)))
        victim = random.randrange(len(workers))
        workers[victim].kill()
        workers[victim] = place.worker(2)
    killed_at = time.time()
    for loop in loops:
        loop.stop()
    settle(place, items)
    assert check_all(place.engine, place.bank) == []
    left_behind = "SELECT count(*) FROM sync_runs WHERE status = 'superseded'"
    assert place.query(left_behind)[0][0] > 0, "no kill met a run"
    note("T2: kills that met a run", place.query(left_behind)[0][0], "runs")
    note("T2: changes at the bank meanwhile", changes.made, "changes")
    until_synced = seconds_until_synced(place, items, killed_at)
    note("T2: synced again after the last kill", until_synced, "s", LEASE + 5, "R5")


# Frozen, as by a laptop's lid or a hypervisor


def test_a_worker_that_was_frozen_in_mid_fetch_is_refused(place: Place, owner: User):
    items = linked(place, owner, *[60] * 3)
    place.bank.fault("/accounts/get", latency=2, times=3)
    late = place.worker(3)
    until(lambda: place.bank.count_calls(SYNC) >= 3)
    late.send(signal.SIGSTOP)
    frozen_at = time.time()
    changes = Changes(place.bank, items, quiet=True)
    for item in items:
        changes.add(item.item_id)
    place.worker(2)
    until(lambda: all(is_synced(place, item) for item in items))
    synced = seconds_until_synced(place, items, frozen_at)
    note("T2: synced again after a freeze", synced, "s", LEASE + 5, "R5")
    late.send(signal.SIGCONT)
    until(lambda: late.count(REFUSED) == len(items))
    note("T2: writes of the frozen worker refused", late.count(REFUSED), "writes")
    assert late.count("Synced ") == 0, "its work counted"
    assert check_all(place.engine, place.bank) == []
    settle(place, items)
    assert check_all(place.engine, place.bank) == []


def is_synced(place: Place, item: PlaidItem) -> bool:
    return any(run.status == "succeeded" for run in runs(place.app, item))


WAITS = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%%INSERT INTO transactions%%'"""


@contextmanager
def in_mid_write(place: Place) -> Iterator[None]:
    """A run has its turn and wrote the accounts; it may not write a row."""
    with place.engine.connect() as other:
        other.execute(text("LOCK TABLE transactions IN SHARE MODE"))
        until(lambda: place.query(WAITS)[0][0])
        yield


def is_leased(place: Place, item: PlaidItem) -> bool:
    leased = "SELECT lease_token IS NOT NULL FROM plaid_items WHERE id = %s"
    return bool(place.query(leased, str(item.id))[0][0])


def test_a_worker_frozen_in_mid_write_blocks_nobody_for_long(place: Place, owner: User):
    """Its transaction keeps the item's turn: nobody else could write."""
    place.lose_patience_after(pick(2, 10, 10))
    (item,) = linked(place, owner, 60)
    late = place.worker(1)
    with in_mid_write(place):
        late.send(signal.SIGSTOP)
        frozen_at = time.time()
    place.worker(1)
    until(lambda: is_synced(place, item), 60)
    until_synced = seconds_until_synced(place, [item], frozen_at)
    note("T2: synced again after a freeze in a transaction", until_synced, "s")
    late.send(signal.SIGCONT)
    settle(place, [item])
    assert check_all(place.engine, place.bank) == []


# Killed at chosen points

# calls of /transactions/sync that were answered
CALLS = {"claimed": 0, "first page": 1, "second page": 2, "last page": 3}
POINTS = [*CALLS, "in mid-write", "committed"]
QUICK = ["claimed", "second page", "in mid-write", "committed"]


def prepare(place: Place, item: PlaidItem, point: str) -> None:
    """Make the bank slow where the worker shall be met."""
    slow = {"item_id": item.item_id, "latency": 1.5}
    if point == "last page":
        place.bank.fault("/accounts/get", **slow)
    elif point in CALLS:
        place.bank.fault(SYNC, skip=CALLS[point], **slow)


def kill_at(place: Place, item: PlaidItem, point: str, worker: Process) -> None:
    if point == "in mid-write":
        with in_mid_write(place):
            worker.kill()
        return
    if point == "committed":
        until(lambda: is_synced(place, item))
    else:
        until(lambda: is_leased(place, item))
        until(lambda: place.bank.count_calls(SYNC, item.item_id) >= CALLS[point])
    worker.kill()


def test_a_worker_killed_at_any_point_loses_and_doubles_nothing(
    place: Place, owner: User
):
    items = []
    for point in pick(QUICK, POINTS, POINTS * 10):
        (item,) = linked(place, owner, THREE_PAGES)
        items.append(item)
        prepare(place, item, point)
        kill_at(place, item, point, place.worker(1))
        if point == "in mid-write":
            assert check_all(place.engine, place.bank, settled=False) == []
    killed_at = time.time()
    place.worker(4)
    until(lambda: all(is_synced(place, item) for item in items), 60)
    synced = seconds_until_synced(place, items, killed_at)
    note("T2: synced after kills at points", synced, "s", LEASE + 5, "R5")
    settle(place, items)
    assert check_all(place.engine, place.bank) == []


@pytest.mark.skipif(pick(True, False, False), reason="minutes: make chaos")
def test_workers_freeze_again_and_again(place: Place, owner: User):
    """For twice their lease, at any moment, while others go on."""
    items = linked(place, owner, *[200] * 12)
    place.bank.fault(SYNC, latency=0.2, times=None)
    changes = Changes(place.bank, items, quiet=True)
    loops = [Loop(changes.one, 0.05), asking(place, items, 0.05)]
    workers = [place.worker(2) for _ in range(3)]
    for _ in range(pick(1, 3, 40)):
        victim = random.choice(workers)
        victim.send(signal.SIGSTOP)
        time.sleep(2 * LEASE)
        victim.send(signal.SIGCONT)
        time.sleep(random.uniform(0, 1))
    for loop in loops:
        loop.stop()
    settle(place, items)
    assert check_all(place.engine, place.bank) == []
    refused = sum(worker.count(REFUSED) for worker in workers)
    note("T2: stale writes refused", refused, "writes")
    assert refused > 0
