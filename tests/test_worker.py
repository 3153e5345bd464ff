"""`flask worker` as its own process, over the real bank and the real database."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.bank import ROOT
from tests.sync.linked import (
    ask,
    ask_db,
    change_db,
    link,
    live,
    reload,
    runs,
    until,
)
from webapp import embedded
from webapp.extensions import db
from webapp.linking import removal
from webapp.linking.removal import disconnect
from webapp.sync.limits import LIMITS, bucket
from webapp.worker import tools_of

pytestmark = pytest.mark.commits


class RunningWorker:
    """A worker process, and what it said so far."""

    def __init__(self, settings: dict[str, str], log: Path, threads: int) -> None:
        self.log = log
        arguments = ["--app", "wsgi", "worker", "--threads", str(threads)]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "flask", *arguments],
                cwd=ROOT, stdout=output, stderr=output, env=os.environ | settings,
            )  # fmt: skip

    def said(self, words: str) -> bool:
        return words in self.log.read_text()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)


@pytest.fixture
def begin(app, settings, tmp_path) -> Iterator[Callable[..., RunningWorker]]:
    """Starts workers; they end with the test."""
    started: list[RunningWorker] = []

    def start(threads: int = 2, **more: str) -> RunningWorker:
        log = tmp_path / f"worker-{len(started)}.log"
        worker = RunningWorker(settings | more, log, threads)
        started.append(worker)
        until(lambda: worker.said("Worker started"))
        return worker

    yield start
    for worker in started:
        worker.process.kill()
        worker.process.wait(5)


def is_done(app, item) -> bool:
    found = reload(app, item)
    return found.done_seq == found.req_seq and found.lease_token is None


def test_a_worker_does_what_is_due_and_what_is_asked_for(app, bank, alice, begin):
    """A bank that breaks every run, due before all others, does not stop them."""
    poison = link(app, bank, alice)
    broken = (
        "UPDATE plaid_items SET access_token = :t, next_at = now() - interval '1 h'"
    )
    change_db(app, broken + " WHERE id = :id", t=b"\x01\x02t1 damaged", id=poison.id)
    items = [link(app, bank, alice, "user_load_20", "any") for _ in range(3)]
    worker = begin(threads=2)
    until(lambda: all(is_done(app, item) for item in items))
    assert [len(live(app, item)) for item in items] == [20, 20, 20]
    assert not is_done(app, poison)
    assert worker.said("failed: OUR_KEY")
    ask(app, items[0])
    until(lambda: is_done(app, items[0]))
    assert [len(runs(app, item)) for item in items] == [2, 1, 1]
    with app.app_context():
        for item in items:
            disconnect(tools_of(app), item.user_id, item.id, keep_history=False)
        db.session.commit()
    until(lambda: len(ask_db(app, "SELECT 1 FROM plaid_items")) == 1)
    until(lambda: not ask_db(app, "SELECT 1 FROM jobs"))
    assert bank.count_calls("/item/remove") == 3
    assert worker.stop() == 0


def test_a_worker_leaves_in_mid_fetch_and_keeps_no_lease(app, bank, alice, begin):
    item = link(app, bank, alice)
    bank.fault("/transactions/sync", latency=15)
    worker = begin(threads=2)
    until(lambda: runs(app, item))
    assert worker.stop() == 0, "it waited for the bank"
    assert worker.said("Worker left")
    found = reload(app, item)
    assert (found.lease_token, found.lease_until, found.attempts) == (None, None, 0)
    assert ask_db(app, "SELECT next_at <= now() FROM plaid_items")[0][0]
    assert [run.status for run in runs(app, item)] == ["superseded"]


def test_an_idle_worker_leaves_on_ctrl_c(app, bank, begin):
    worker = begin(threads=4)
    worker.process.send_signal(signal.SIGINT)
    assert worker.process.wait(10) == 0


def tasks(pid: int) -> set[int]:
    return {int(name) for name in os.listdir(f"/proc/{pid}/task")}


@pytest.mark.skipif(sys.platform != "linux", reason="threads have numbers on Linux")
def test_a_worker_hears_a_signal_that_met_another_thread(app, bank, begin):
    """A thread that starts another one may catch what was meant for the first."""
    process = begin(threads=2).process
    others = until(lambda: tasks(process.pid) - {process.pid})
    assert ctypes.CDLL(None).tgkill(process.pid, max(others), signal.SIGTERM) == 0
    assert process.wait(10) == 0


def test_a_worker_survives_a_restart_of_the_database(app, bank, alice, cluster, begin):
    item = link(app, bank, alice)
    worker = begin(threads=1)
    until(lambda: is_done(app, item))
    cluster.stop()
    try:
        until(lambda: worker.said("Database not available"))
        assert not worker.said("Traceback"), "an outage would fill the log"
    finally:
        embedded.start(cluster.home, fast=True)
    ask(app, item)
    until(lambda: is_done(app, item))
    assert len(runs(app, item)) == 2
    assert worker.process.poll() is None
    assert worker.stop() == 0


def test_two_workers_together_keep_plaids_limits(app, bank, alice, begin):
    """Pages without end want calls without end; an item may have twelve at once."""
    items = [link(app, bank, alice) for _ in range(2)]
    bank.fault("/transactions/sync", endless=True, times=None)
    workers = [begin(threads=4, PLAID_RATE_LIMITS="sandbox") for _ in range(2)]
    until(lambda: len(calls_of(bank, items[0])) > 12)
    time.sleep(1)
    assert [worker.stop() for worker in workers] == [0, 0]
    limit = bucket(LIMITS["sandbox"]["transactions_sync"].per_item)
    for item in items:
        calls = calls_of(bank, item)
        assert {call["status"] for call in calls} == {200}
        seconds = calls[-1]["at"] - calls[0]["at"] + 1
        assert len(calls) <= limit.most + seconds / limit.each + 1
        found = reload(app, item)
        assert (found.lease_token, found.done_seq) == (None, 0)


def calls_of(bank, item) -> list[dict]:
    path = f"/_control/calls?endpoint=/transactions/sync&item_id={item.item_id}"
    return bank.get(path)["calls"]


def test_items_and_jobs_take_turns(app, bank, alice, begin):
    """Neither waits until the other has nothing more to do."""
    gone = link(app, bank, alice)
    items = [link(app, bank, alice) for _ in range(12)]
    with app.app_context():
        removal.disconnect(tools_of(app), alice.id, gone.id, keep_history=True)
        db.session.commit()
    bank.fault("/transactions/sync", latency=0.3, times=None)
    begin(threads=1)
    until(lambda: not ask_db(app, "SELECT 1 FROM jobs"))
    assert not all(is_done(app, item) for item in items)
