"""How near a first sync comes to what HTTP and PostgreSQL need at the very least.

The limit is draining the same pages without looking at them, plus a bare COPY, as
superuser, of the same rows into the same table with its indexes and foreign keys.
"""

import io
import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

from benchmarks.figure import Figure
from benchmarks.first_sync import link, sync
from benchmarks.place import Place

RUNS = {10_000: 5, 100_000: 3}
TARGET = 1.5  # times the limit


def measure(place: Place) -> Iterator[Figure]:
    for count, times in RUNS.items():
        link(place, count)
        ours, drained, copied = [], [], []
        for _ in range(times):
            ours.append(sync(place, count)["seconds"])
            drained.append(place.run("drain")["seconds"])
            copied.append(copy_again(place))
        limit = median(drained) + median(copied)
        yield Figure(f"drain_{count}", median(drained), "s")
        yield Figure(f"copy_{count}", median(copied), "s")
        about = f"{limit:.2f} s, drain + COPY"
        yield Figure(f"engine_{count}", median(ours), "s", limit, about)
        ratio = median(ours) / limit
        yield Figure(f"engine_cost_{count}", ratio, "x limit", TARGET, "target")


def copy_again(place: Place) -> float:
    """Seconds of COPY and commit for the very rows that are in the table."""
    with closing(place.superuser()) as connection, connection.cursor() as cursor:
        rows = io.BytesIO()
        cursor.copy_expert("COPY transactions TO STDOUT", rows)
        place.execute("TRUNCATE transactions CASCADE", "CHECKPOINT")
        rows.seek(0)
        began = time.perf_counter()
        cursor.copy_expert("COPY transactions FROM STDIN", rows, size=1 << 18)
        return time.perf_counter() - began
