"""A first sync of 200,000 transactions beside one of 10,000, turn by turn.

A transaction must not cost more because there are many, and memory must not grow with
them. Every sync runs in a process of its own.
"""

from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.figure import Figure
from benchmarks.place import Place

FEW, MANY = 10_000, 200_000
ROUNDS = 3
TIMES_DEARER = 1.3
MORE_MIB = 60


def measure(place: Place) -> Iterator[Figure]:
    place.clear()
    items = {count: link(place, count) for count in (FEW, MANY)}
    runs: dict[int, list[Any]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for count, item_id in items.items():
            place.forget_syncs()
            runs[count].append(place.run("sync", item_id))
            if runs[count][-1]["added"] != count:
                raise RuntimeError(f"{runs[count][-1]['added']} of {count} rows came")
    each = {
        count: [run["seconds"] / count * 1e6 for run in found]
        for count, found in runs.items()
    }
    for count, samples in each.items():
        yield Figure(f"transaction_of_{count}", median(samples), "us")
    dearer = sorted(many / few for few, many in zip(each[FEW], each[MANY], strict=True))
    about = f"target; {ROUNDS} rounds from {dearer[0]:.2f} to {dearer[-1]:.2f}"
    yield Figure("transaction_dearer", median(dearer), "x", TIMES_DEARER, about)
    peaks = {c: max(run["peak_mib"] for run in found) for c, found in runs.items()}
    for count, peak in peaks.items():
        yield Figure(f"memory_of_{count}", peak, "MiB")
    yield Figure("memory_more", peaks[MANY] - peaks[FEW], "MiB", MORE_MIB, "target")


def link(place: Place, count: int) -> str:
    item_id: str = place.run("link", f"user_load_{count}")["item_id"]
    return item_id
