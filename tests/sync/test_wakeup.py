"""Idle workers hear of an ask at once, where a connection is direct."""

import threading
from contextlib import closing
from types import SimpleNamespace

import pytest
from sqlalchemy import make_url

from benchmarks.place import DATABASE
from benchmarks.workers import pgbouncer, pooled
from tests import factories
from tests.sync.linked import (
    ask,
    ask_db,
    change_db,
    every_log_line,
    link,
    reload,
    until,
)
from webapp.sync.wakeup import Listener, connect, is_pooled
from webapp.worker import Worker

pytestmark = pytest.mark.commits

WHO = "application_name = 'smartbudget listener' AND datname = current_database()"


@pytest.fixture
def woken(app):
    """How often a listener woke somebody."""
    calls, stop = [], threading.Event()
    listener = Listener(app.config["DATABASE_URL"], lambda: calls.append(1), stop)
    listener.start()
    until(lambda: calls)
    yield calls
    stop.set()
    listener.join(5)
    assert not listener.is_alive()


def test_an_ask_is_heard_when_it_is_committed(app, owner, woken):
    item = factories.make_item(app, owner)
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    before = len(woken)
    ask(app, item)
    until(lambda: len(woken) > before)


def test_a_hundred_asks_of_one_item_are_one_piece_of_news(app, owner, woken):
    """Each NOTIFY takes a lock at commit, and a hundred webhooks come at once."""
    items = [factories.make_item(app, owner) for _ in range(2)]
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    before = len(woken)
    for _ in range(100):
        ask(app, items[0])
    ask(app, items[1])  # heard after all the others
    until(lambda: len(woken) >= before + 2)
    assert len(woken) == before + 2


def test_an_ask_that_must_wait_wakes_nobody(app, owner, woken):
    item, other = (factories.make_item(app, owner) for _ in range(2))
    change_db(
        app, "UPDATE plaid_items SET next_at = now() + interval '1 h', not_before ="
        " CASE WHEN id = :i THEN now() + interval '1 h' END", i=item.id
    )  # fmt: skip
    before = len(woken)
    ask(app, item)
    ask(app, other)
    until(lambda: len(woken) > before)
    assert len(woken) == before + 1


def test_a_connection_that_is_cut_is_made_again(app, owner, woken):
    cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {WHO}"
    assert ask_db(app, cut)
    until(lambda: len(woken) > 1)  # once for each time that it begins to listen
    item = factories.make_item(app, owner)
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    before = len(woken)
    ask(app, item)
    until(lambda: len(woken) > before)


def test_an_idle_worker_that_polls_seldom_works_at_once(app, bank, owner):
    item = link(app, bank, owner)
    worker = Worker(app, threads=2, poll=300)
    worker.start()
    try:
        until(lambda: is_done(app, item))
        until(lambda: ask_db(app, f"SELECT 1 FROM pg_stat_activity WHERE {WHO}"))
        ask(app, item)
        until(lambda: is_done(app, item))
    finally:
        worker.leave()
        for thread in worker.threads:
            thread.join(10)
    assert not any(thread.is_alive() for thread in worker.threads)


def is_done(app, item) -> bool:
    found = reload(app, item)
    return found.done_seq == found.req_seq and found.lease_token is None


def test_behind_a_pooler_nobody_listens(app, cluster):
    """It would hear nothing, and leave its LISTEN on somebody else's connection."""
    program = pgbouncer()
    if program is None:
        pytest.skip("no PgBouncer here")
    cluster.create_database(DATABASE)
    with pooled(SimpleNamespace(cluster=cluster), program) as (url, _):
        with closing(connect(make_url(url))) as connection:
            assert is_pooled(connection)
        stop = threading.Event()
        listener = Listener(url, stop.set, stop)
        with every_log_line() as lines:
            listener.start()
            until(lambda: any("A pooler is in between" in line for line in lines))
        assert not stop.is_set()
        stop.set()
        listener.join(5)
    with closing(connect(make_url(app.config["DATABASE_URL"]))) as connection:
        assert not is_pooled(connection)
