"""A thousand banks with five changes each, from shipped workers: banks a second.

Bank, database and workers share the machine. So beside the rate stands what each of
them computes for one bank: a machine that does nothing else reaches cores / their sum.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import urllib3

from benchmarks.figure import Figure
from benchmarks.place import Place
from benchmarks.workers import cpu_seconds, pgbouncer, pooled, workers

ITEMS = 1_000
ROWS = 50  # that a bank has before
PROCESSES, THREADS = 2, 4
ROUNDS = 3
LATENCY = 0.005  # seconds until the bank answers
TARGET = 100  # banks a second
TARGET_POOLED = 0.8  # of the rate without PgBouncer
WARM_UP = 100  # banks; a worker loads plaid-python with its first call
PATIENCE = 600  # seconds
ASK = "UPDATE plaid_items SET req_seq = req_seq + 1, next_at = now()"
SOME = f" WHERE id IN (SELECT id FROM plaid_items LIMIT {WARM_UP})"
LEFT = "SELECT count(*) FROM plaid_items WHERE req_seq > done_seq"
DONE = """
    SELECT extract(epoch FROM max(finished_at) - min(started_at))::float,
           count(*) FILTER (WHERE status = 'succeeded'),
           sum(added), sum(modified), sum(removed)
    FROM sync_runs WHERE started_at > %s
"""


@dataclass(frozen=True)
class Round:
    """From the first run's begin to the last one's end; seconds of computing."""

    seconds: float
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return ITEMS / self.seconds


class Banks:
    """The banks as they are at Plaid, and rows in each that the next round touches."""

    def __init__(self, url: str, item_ids: list[str]) -> None:
        self.pool = urllib3.connection_from_url(url, timeout=60)
        self.rows = {item_id: self.add(item_id) for item_id in item_ids}

    def change(self) -> None:
        """In each bank three rows come, one changes and one goes."""
        for item_id, (changed, removed, _) in self.rows.items():
            self.rows[item_id] = self.add(item_id)
            self.tell(f"{item_id}/transactions/{changed}", amount=12.34)
            self.tell(f"{item_id}/transactions/{removed}/remove")

    def add(self, item_id: str, *, quiet: bool = True) -> list[str]:
        """Three purchases of today; their ids."""
        day = dt.datetime.now(dt.UTC).date().isoformat()
        new = [
            {"amount": n + 9.5, "date_posted": day, "date_transacted": day,
             "description": f"Corner Shop {n}"} for n in range(3)
        ]  # fmt: skip
        path = f"{item_id}/transactions"
        ids: list[str] = self.tell(path, quiet=quiet, transactions=new)["ids"]
        return ids

    def tell(self, path: str, *, quiet: bool = True, **body: Any) -> Any:
        url = f"/_control/items/{path}"
        answer = self.pool.request("POST", url, json={"quiet": quiet, **body})
        if answer.status != 200:
            raise RuntimeError(answer.data[:500])
        return answer.json()


def measure(place: Place) -> Iterator[Figure]:
    place.clear()
    username = f"user_load_{ROWS}"
    item_ids = place.run("link_many", ITEMS, username)["item_ids"]
    banks = Banks(place.bank.url, item_ids)
    place.bank.control("settings", latency=LATENCY)
    with ExitStack() as opened:
        log = Path(opened.enter_context(TemporaryDirectory())) / "worker.log"
        ways = {"many_items": Way(place.environment, log)}
        if program := pgbouncer():
            url, process = opened.enter_context(pooled(place, program))
            through = place.environment | {"DATABASE_URL": url}
            ways["many_items_pgbouncer"] = Way(through, log, {"pgbouncer": [process]})
        else:
            print("NO PgBouncer ON THIS MACHINE: no figure for it", file=sys.stderr)
        with workers(place.environment, PROCESSES, THREADS, log):
            work(place, ASK)  # the first sync
        rounds: dict[str, list[Round]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                rounds[name].append(measured(place, banks, way))
    place.bank.control("settings", latency=0)
    target, about = TARGET, "target, at least"
    for name, found in rounds.items():
        rate = median(one.rate for one in found)
        yield Figure(name, rate, "banks/s", target, about)
        yield from computed(name, found)
        target, about = rate * TARGET_POOLED, "target, at least: 80 % without it"


@dataclass(frozen=True)
class Way:
    """How workers reach the database, and what stands between."""

    environment: dict[str, str]
    log: Path
    between: dict[str, list[psutil.Process]] = field(default_factory=dict)


def measured(place: Place, banks: Banks, way: Way) -> Round:
    with workers(way.environment, PROCESSES, THREADS, way.log) as started:
        work(place, ASK + SOME)
        banks.change()
        who = way.between | {
            "worker": started,
            "bank": [psutil.Process(place.bank.process.pid)],
            "postgresql": [psutil.Process(place.cluster.process.pid)],
        }
        before = {name: cpu_seconds(them) for name, them in who.items()}
        seconds, *counts = work(place, ASK)
        cpu = {name: cpu_seconds(them) - before[name] for name, them in who.items()}
    if counts != [ITEMS, 3 * ITEMS, ITEMS, ITEMS]:
        raise RuntimeError(f"of {ITEMS} banks (runs, new, changed, removed): {counts}")
    return Round(seconds, cpu)


def work(place: Place, ask: str) -> list[Any]:
    """Ask, and wait until all is done."""
    ends = time.monotonic() + PATIENCE
    with closing(place.superuser()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        since = cursor.fetchone()
        cursor.execute(ask)
        left = 1
        while left:
            time.sleep(0.1)
            cursor.execute(LEFT)
            left = cursor.fetchone()[0]
            if time.monotonic() > ends:
                raise RuntimeError(f"{left} banks were not synced")
        cursor.execute(DONE, since)
        return list(cursor.fetchone())


def computed(name: str, rounds: list[Round]) -> Iterator[Figure]:
    """Milliseconds for each bank, by process, and what idle cores would make of it."""
    sums = []
    for who in rounds[0].cpu:
        each = median(one.cpu[who] for one in rounds) * 1000 / ITEMS
        yield Figure(f"{name}_cpu_{who}", each, "ms/bank")
        sums.append(each)
    cores = os.cpu_count() or 1
    yield Figure(f"{name}_if_idle", cores * 1000 / sum(sums), "banks/s")
