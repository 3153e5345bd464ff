"""How near a first sync comes to what HTTP and PostgreSQL need at the very least.

The limit is draining the same pages without looking at them, plus a bare COPY, as
superuser, of the same rows into the same table with its indexes and foreign keys.

Ours, the draining and the COPY follow one another in every round, so that whatever else
the machine does meets all three alike; the figure is the median of the rounds' ratios.
"""

import io
import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

from benchmarks.figure import Figure
from benchmarks.first_sync import link, sync
from benchmarks.place import Place

ROUNDS = {10_000: 9, 100_000: 5}
TARGET = 1.5  # times the limit


def measure(place: Place) -> Iterator[Figure]:
    for count, rounds in ROUNDS.items():
        banks = link(place, count), place.run("link", "user_load_600")["item_id"]
        sync(place, count, *banks)  # nothing is cold in the first round
        found = [one_round(place, count, *banks) for _ in range(rounds)]
        ours, drained, copied = zip(*found, strict=True)
        limit = median(drain + copy for _, drain, copy in found)
        ratios = sorted(mine / (drain + copy) for mine, drain, copy in found)
        yield Figure(f"drain_{count}", median(drained), "s")
        yield Figure(f"copy_{count}", median(copied), "s")
        about = "drain + COPY"
        yield Figure(f"engine_{count}", median(ours), "s", limit, about)
        about = f"target; {rounds} rounds from {ratios[0]:.2f} to {ratios[-1]:.2f}"
        yield Figure(f"engine_cost_{count}", median(ratios), "x limit", TARGET, about)


def one_round(
    place: Place, count: int, bank: str, earlier: str
) -> tuple[float, float, float]:
    """Seconds of ours, of the draining and of the COPY.

    Ours by a process that has synced another bank, as the COPY's connection has read.
    """
    ours = sync(place, count, bank, earlier)["seconds"]
    return ours, place.run("drain", bank)["seconds"], copy_again(place)


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
