"""A first sync of 100, 1,000 and 10,000 transactions, through HTTP, into PostgreSQL.

Beside it what the app's predecessor, the origin, claims for the same numbers.
"""

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.figure import Figure
from benchmarks.place import Place

RUNS = 5
ORIGIN = {100: 0.3, 1_000: 1.5, 10_000: 8.0}  # seconds
TARGET_SECONDS = 2.0  # for 10,000
TARGET_MIB = 250
BANK_MS = 15  # the most that the bank may take for a page


def measure(place: Place) -> Iterator[Figure]:
    for count, claimed in ORIGIN.items():
        item_id = link(place, count)
        runs = [sync(place, count) for _ in range(RUNS)]
        name = f"first_sync_{count}"
        seconds = median(run["seconds"] for run in runs)
        yield Figure(name, seconds, "s", claimed, "the origin's claim")
        if count == max(ORIGIN):
            yield Figure(name, seconds, "s", TARGET_SECONDS, "target")
        for part in ("fetch", "write"):
            yield Figure(f"{name}_{part}", median(run[part] for run in runs), "s")
        yield Figure(f"{name}_cpu", median(run["cpu"] for run in runs), "s")
        peak = max(run["peak_mib"] for run in runs)
        yield Figure(f"{name}_memory", peak, "MiB", TARGET_MIB, "target")
        before = median(run["before_mib"] for run in runs)
        yield Figure(f"{name}_memory_before", before, "MiB")
        since = runs[0]["began_at"]
        page = median(place.bank_ms(item_id, since, endpoint="/transactions/sync"))
        yield Figure(f"{name}_bank_page", page, "ms", BANK_MS, "the most allowed")


def link(place: Place, count: int) -> str:
    """A bank with so many transactions and nobody else in the database; Plaid's id."""
    place.clear()
    item_id: str = place.run("link", f"user_load_{count}")["item_id"]
    return item_id


def sync(place: Place, count: int, *banks: str) -> Any:
    """A first sync, however often: what came before is forgotten."""
    place.forget_syncs()
    run = place.run("sync", *banks)
    if run["added"] != count:
        raise RuntimeError(f"{run['added']} of {count} rows came")
    return run
