"""Webhooks: how fast they are answered at 100 a second, and when the news is there."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

import urllib3

from benchmarks.dashboard import web_server
from benchmarks.figure import Figure
from benchmarks.many_items import ASK, PROCESSES, THREADS, Banks, work
from benchmarks.place import Place
from benchmarks.workers import workers
from webapp.sandbox import signing
from webapp.sandbox.store import Store

ITEMS = 20
RATE, SECONDS = 100, 10.0  # webhooks a second, for so long
SENDERS = 16
WARM_UP = 40
TARGET_ANSWER, TARGET_BUSY = 250, 2_000  # ms
NEWS = 40  # times that a bank has some
LATENCY = 0.2  # seconds until the bank answers a call
TARGET_ROW, TARGET_WORST = 2, 10  # seconds
COUNT = "SELECT count(*) FROM transactions"


def measure(place: Place) -> Iterator[Figure]:
    place.clear()
    item_ids = place.run("link_many", ITEMS, "user_load_1")["item_ids"]
    with web_server(place) as port, TemporaryDirectory() as folder:
        address = f"http://127.0.0.1:{port}/webhooks/plaid"
        told = place.environment | {"PLAID_WEBHOOK_URL": address}
        log = Path(folder) / "worker.log"
        with workers(told, PROCESSES, THREADS, log):
            work(place, ASK)  # each run tells the bank the address
        quiet = answered(place, address, item_ids)
        with workers(told, PROCESSES, THREADS, log):
            busy = answered(place, address, item_ids)
            place.bank.control("settings", webhooks=True, latency=LATENCY)
            rows = visible(place, item_ids)
            place.bank.control("settings", webhooks=False, latency=0)
    about = f"target, at {RATE}/s"
    yield Figure("webhook_answer_p99", p99(quiet), "ms", TARGET_ANSWER, about)
    about += ", workers at full load"
    yield Figure("webhook_answer_busy_p99", p99(busy), "ms", TARGET_BUSY, about)
    yield Figure("webhook_to_row", median(rows), "s", TARGET_ROW, "target, median")
    yield Figure("webhook_to_row_worst", max(rows), "s", TARGET_WORST, "target, p99")


def p99(seconds: list[float]) -> float:
    """In milliseconds."""
    return quantiles(seconds, n=100)[98] * 1000


def answered(place: Place, address: str, item_ids: list[str]) -> list[float]:
    """Seconds from when each webhook was to be sent until its answer."""
    store, took = Store(place.bank_data), []
    pool = urllib3.connection_from_url(address, maxsize=SENDERS, retries=False)
    lock = threading.Lock()

    def post(item_id: str, **more: str) -> int:
        body = news(item_id)
        headers = {"Plaid-Verification": signing.sign(store, body), **more}
        answer = pool.urlopen("POST", "/webhooks/plaid", body, headers=headers)
        return answer.status

    def send() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            due = began + number / RATE
            time.sleep(max(0, due - time.perf_counter()))
            if (status := post(item_ids[number % ITEMS])) != 200:
                raise RuntimeError(f"a webhook was answered {status}")
            took.append(time.perf_counter() - due)

    for _ in range(WARM_UP):  # each of the server's processes asks for Plaid's key once
        post(item_ids[0], Connection="close")  # the next one may reach another process
    began, numbers = time.perf_counter() + 0.1, iter(range(int(RATE * SECONDS)))
    threads = [threading.Thread(target=send) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(took) != RATE * SECONDS:
        raise RuntimeError(f"only {len(took)} webhooks were taken")
    return took


def news(item_id: str) -> bytes:
    """What Plaid sends when a bank has something new."""
    said = {
        "webhook_type": "TRANSACTIONS",
        "webhook_code": "SYNC_UPDATES_AVAILABLE",
        "item_id": item_id,
        "initial_update_complete": True,
        "historical_update_complete": True,
        "environment": "sandbox",
    }
    return json.dumps(said, indent=2).encode()


def visible(place: Place, item_ids: list[str]) -> list[float]:
    """Seconds from news at the bank, by its own webhook, until the rows are there."""
    banks, took = Banks(place.bank.url, []), []
    with closing(place.superuser()) as connection, connection.cursor() as cursor:
        for number in range(NEWS):
            cursor.execute(COUNT)
            before = cursor.fetchone()
            began = now = time.perf_counter()
            banks.add(item_ids[number % ITEMS], quiet=False)
            after = before
            while after == before:
                if now - began > 60:
                    raise RuntimeError("a row did not come")
                time.sleep(0.005)
                cursor.execute(COUNT)
                after, now = cursor.fetchone(), time.perf_counter()
            took.append(now - began)
    return took
