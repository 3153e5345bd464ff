"""A sync that finds nothing new: what it costs beside the bank's own time."""

import re
from collections.abc import Iterator
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.figure import Figure
from benchmarks.first_sync import link, sync
from benchmarks.place import DATABASE, Place
from benchmarks.programs.resync import MARK
from webapp import embedded

COUNT = 10_000  # rows that are there already
RUNS = 25
TARGET_MS = 25
TARGET_STATEMENTS = 10  # beside the ones below
STATEMENT = re.compile(rf"{embedded.APP}@{DATABASE} LOG:  statement: (.*)")
OPENING = re.compile(r"BEGIN|COMMIT|ROLLBACK|SELECT set_config")
PING = "SELECT 1"  # SQLAlchemy's, at the start of each transaction


def measure(place: Place) -> Iterator[Figure]:
    link(place, COUNT)
    sync(place, COUNT)
    found = place.run("resync", RUNS)
    ours, banks = zip(*(split(place, found, run) for run in found["runs"]), strict=True)
    yield Figure("resync_nothing_new", median(ours), "ms", TARGET_MS, "target")
    yield Figure("resync_bank", median(banks), "ms")
    statements = listed(place)
    pings = statements.count(PING)
    yield Figure(
        "resync_statements", len(statements) - pings, "", TARGET_STATEMENTS, "target"
    )
    yield Figure("resync_pings", pings, "")


def split(place: Place, found: Any, run: Any) -> tuple[float, float]:
    """Milliseconds of ours and of the bank's."""
    began, milliseconds = run["began_at"], run["seconds"] * 1000
    calls = place.bank_ms(found["item_id"], began, until=began + run["seconds"])
    return milliseconds - sum(calls), sum(calls)


def listed(place: Place) -> list[str]:
    """The statements of one such sync, as PostgreSQL saw them."""
    place.execute(f"ALTER ROLE {embedded.APP} SET log_statement = 'all'")
    skipped = place.cluster.log.stat().st_size
    place.run("resync", 2)
    place.execute(f"ALTER ROLE {embedded.APP} RESET log_statement")
    text = place.cluster.log.read_bytes()[skipped:].decode()
    seen = STATEMENT.findall(text)
    marks = [place for place, statement in enumerate(seen) if statement == MARK]
    first, last = list(pairwise(marks))[-1]
    # the last ping belongs to the mark that ends it
    last = max(i for i in range(first, last) if seen[i] == PING)
    return [one for one in seen[first + 1 : last] if not OPENING.match(one)]
