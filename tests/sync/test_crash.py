"""What happens to a run when its connection, its lease or its process is lost."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from tests.sync.linked import (
    Background,
    account_ids,
    answers,
    ask,
    ask_db,
    change_db,
    claim,
    live,
    page,
    reload,
    row,
    rows,
    run,
    runs,
    sync,
    until,
)
from webapp.extensions import db
from webapp.linking.removal import disconnect
from webapp.models import ItemState
from webapp.sync.raw import cursor_of
from webapp.sync.run import Interrupted
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


@pytest.fixture
def beside(settings):
    """A second connection to the database, for what others do meanwhile."""
    engine = create_engine(settings["DATABASE_URL"])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


WAITING = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND wait_event_type = 'Lock' AND query LIKE '%UPDATE plaid_items%SET cursor%'"""


def test_a_connection_lost_in_the_middle_of_the_write_leaves_nothing(
    app, bank, item, account, beside
):
    """Rows and accounts are written, the cursor is not: all of it goes."""
    sync(app, item, page([row(account, "a")], cursor="cursor-1"), bank=bank)
    before, item_before = rows(app, item), reload(app, item)
    answers(bank, page([row(account, "b")], removed=["a"], cursor="cursor-2"))
    held = claim(app, item)
    lock = "SELECT 1 FROM plaid_items WHERE id = :id FOR NO KEY UPDATE"
    beside.execute(text(lock), {"id": item.id})
    going = Background(run, app, held)
    pid = until(lambda: ask_db(app, WAITING))[0].pid
    beside.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(OperationalError):
        going.result()
    beside.rollback()
    assert rows(app, item) == before
    after = reload(app, item)
    assert (after.cursor, after.last_synced_at) == (
        "cursor-1",
        item_before.last_synced_at,
    )
    assert [r.status for r in runs(app, item)] == ["succeeded", "running"]


def test_a_connection_lost_to_psycopg2_itself_is_a_lost_database(app, beside):
    def lose_it() -> None:
        with cursor_of(db.session()) as cursor:
            pid = cursor.connection.info.backend_pid
            end = "SELECT pg_terminate_backend(:pid, 5000)"
            assert beside.scalar(text(end), {"pid": pid})
            cursor.execute("SELECT 1")

    with app.app_context():
        with pytest.raises(OperationalError):
            lose_it()
        db.session.rollback()
        assert db.session.scalar(text("SELECT 1")) == 1


def test_after_a_crash_the_next_run_finishes_the_work(app, bank, item, account):
    held = claim(app, item)

    class Crash(BaseException):
        pass

    def crash(fetched):
        raise Crash

    answers(bank, page([row(account, "a")]))
    with pytest.raises(Crash):
        run(app, held, crash)
    assert claim(app, item) is None, "the lease still lives"
    expire(app, item)
    assert sync(app, item, page([row(account, "a")]), bank=bank) == "succeeded"
    assert [r.status for r in runs(app, item)] == ["superseded", "succeeded"]
    assert live(app, item).keys() == {"a"}


def expire(app, item) -> None:
    change_db(
        app,
        "UPDATE plaid_items SET lease_until = now() - interval '1 s' WHERE id = :id",
        id=item.id,
    )


def test_a_worker_that_wakes_late_is_refused_and_writes_nothing(
    app, bank, item, account
):
    late = claim(app, item)
    expire(app, item)
    new = claim(app, item)
    assert new is not None
    assert new.lease_token != late.lease_token
    before = reload(app, item)
    answers(bank, page([row(account, "late")], cursor="late"))
    assert run(app, late) == "superseded"
    assert rows(app, item) == {}
    after = reload(app, item)
    assert (after.cursor, after.lease_token) == (None, before.lease_token)
    assert (after.next_at, after.attempts) == (before.next_at, before.attempts)
    answers(bank, page([row(account, "new")], cursor="new"))
    assert run(app, new) == "succeeded"
    assert live(app, item).keys() == {"new"}
    assert reload(app, item).cursor == "new"


def test_a_late_worker_that_fails_records_no_error_either(app, bank, item):
    late = claim(app, item)
    expire(app, item)
    assert claim(app, item) is not None
    bank.fault("/transactions/sync", error_code="ITEM_LOGIN_REQUIRED")
    assert run(app, late) == "superseded"
    found = reload(app, item)
    assert (found.state, found.last_error_code) == ("first_sync", None)
    assert [r.status for r in runs(app, item)] == ["superseded"]


def test_two_writes_of_one_item_never_overlap(app, bank, item, account, beside):
    """Even where both hold the token: the lock in the database decides."""
    answers(bank, page([row(account, "a")]))
    held = claim(app, item)
    beside.execute(
        text("SELECT pg_advisory_xact_lock(:key)"),
        {"key": int.from_bytes(item.id.bytes[8:], signed=True)},
    )
    assert run(app, held) == "superseded"
    beside.rollback()
    assert rows(app, item) == {}


def test_a_bank_removed_in_mid_run_takes_no_more_rows(app, bank, item, account):
    def remove(fetched):
        with app.app_context():
            disconnect(tools_of(app), item.user_id, item.id, keep_history=False)
            db.session.commit()

    answers(bank, page([row(account, "a")]))
    assert run(app, claim(app, item), remove) == "superseded"
    assert rows(app, item) == {}
    assert reload(app, item).state == ItemState.REMOVING


def test_a_user_deleted_in_mid_run_harms_nobody(app, bank, item, account):
    def delete(fetched):
        change_db(app, "DELETE FROM users WHERE id = :id", id=item.user_id)

    answers(bank, page([row(account, "a")]))
    assert run(app, claim(app, item), delete) == "superseded"
    assert ask_db(app, "SELECT 1 FROM transactions") == []


def test_an_interrupted_run_gives_the_item_back_untouched(app, bank, item, account):
    held = claim(app, item)

    def leave(fetched):
        raise Interrupted

    answers(bank, page([row(account, "a")], more=True))
    assert run(app, held, leave) == "superseded"
    found = reload(app, item)
    assert (found.lease_token, found.lease_until, found.attempts) == (None, None, 0)
    assert found.is_running
    assert found.next_at <= ask_db(app, "SELECT now()")[0][0]
    assert rows(app, item) == {}
    answers(bank, page([row(account, "a")]))
    assert work_once(app) == "succeeded", "the next worker takes it at once"


def test_an_interruption_does_not_wait_for_a_slow_bank(app, bank, item):
    bank.fault("/transactions/sync", latency=3)

    def leave(fetched):
        raise Interrupted

    assert run(app, claim(app, item), leave) == "superseded"
    answered = bank.count_calls("/transactions/sync", item.item_id)
    assert not answered, "it left before the bank had answered"


def test_a_run_is_heard_of_while_the_bank_is_slow(app, bank, item):
    """That is when it renews its lease and when it can be told to leave."""
    heard = []
    bank.fault("/transactions/sync", latency=0.7)
    bank.fault("/accounts/get", latency=0.7)
    assert run(app, claim(app, item), heard.append) == "succeeded"
    assert len(heard) >= 3, "one for the page, one for each wait"


def test_asks_in_mid_run_cause_one_more_run(app, bank, item, account):
    def ask_thrice(fetched):
        for _ in range(3):
            ask(app, item)

    answers(bank, page([row(account, "a")]))
    assert run(app, claim(app, item), ask_thrice) == "succeeded"
    assert reload(app, item).is_running
    answers(bank, page(cursor="cursor-2"))
    assert work_once(app) == "succeeded"
    assert not reload(app, item).is_running
    assert work_once(app) is None
    assert len(runs(app, item)) == 2
