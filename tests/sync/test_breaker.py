"""Breakers: who opens one, who is stopped, one probe, and everybody back afterwards."""

import datetime as dt
import threading

import pytest

from tests import factories
from tests.sync.linked import (
    Background,
    ask,
    ask_db,
    change_db,
    every_log_line,
    link,
    reload,
)
from webapp.extensions import db
from webapp.plaid.errors import PlaidError
from webapp.sync import breaker, schedule
from webapp.sync.breaker import OPENS_AFTER, PLAID, PROBE_PAUSE, SPREAD
from webapp.worker import work_once

pytestmark = pytest.mark.commits

SYNC = "/transactions/sync"
HERE, THERE = "ins_here", "ins_there"


@pytest.fixture
def items(app, owner):
    return many(app, owner, 3)


def many(app, owner, count: int, institution_id: str | None = HERE, **more):
    values = {"institution_id": institution_id, "seen_seq": 0, "done_seq": 0} | more
    return [factories.make_item(app, owner, **values) for _ in range(count)]


def fails(app, item, code: str, times: int = 1, **more) -> None:
    for _ in range(times):
        with app.app_context():
            held = schedule.claim_one(db.session(), item.user_id, item.id)
            schedule.fail(db.session(), held, PlaidError(code, "words", "req", **more))
            db.session.commit()


def works(app, item) -> None:
    with app.app_context():
        held = schedule.claim_one(db.session(), item.user_id, item.id)
        breaker.succeeded(db.session(), held)
        schedule.release(db.session(), held)
        db.session.commit()


def breakers(app) -> dict:
    return {row.name: row for row in ask_db(app, "SELECT * FROM breakers")}


def is_open(app, name: str = PLAID) -> bool:
    found = breakers(app).get(name)
    return found is not None and found.opened_at is not None


def claim_due(app, claim=schedule.claim):
    with app.app_context():
        held = claim(db.session())
        db.session.commit()
        return held


def all_are_due(app) -> None:
    change_db(app, "UPDATE plaid_items SET next_at = now(), not_before = NULL")


def probe_is_due(app) -> None:
    change_db(app, "UPDATE breakers SET probe_at = now() - interval '1 ms'")


# Opening


@pytest.mark.parametrize(
    "code", ["INTERNAL_SERVER_ERROR", "NETWORK", "UNREADABLE", "RATE_LIMIT", "NEW_400"]
)
def test_twenty_failures_in_a_row_open_it_for_all(app, items, code):
    fails(app, items[0], code, OPENS_AFTER - 1)
    assert not is_open(app)
    fails(app, items[1], code)
    assert is_open(app)
    all_are_due(app)
    assert claim_due(app) is None


def test_a_success_in_between_begins_the_count_anew(app, items):
    fails(app, items[0], "NETWORK", OPENS_AFTER - 1)
    works(app, items[1])
    assert breakers(app) == {}
    fails(app, items[0], "NETWORK", OPENS_AFTER - 1)
    assert not is_open(app)


def test_an_answer_about_one_item_is_a_sign_of_life(app, items):
    fails(app, items[0], "NETWORK", OPENS_AFTER - 1)
    fails(app, items[1], "ITEM_LOGIN_REQUIRED")
    assert breakers(app) == {}


@pytest.mark.parametrize("code", ["INVALID_API_KEYS", "UNAUTHORIZED_ENVIRONMENT"])
def test_keys_that_are_refused_open_it_at_once(app, items, code):
    with every_log_line() as lines:
        fails(app, items[0], code)
    assert is_open(app)
    assert [
        line for line in lines if "Breaker of plaid opened" in line and code in line
    ]
    assert reload(app, items[0]).state == "healthy", "it is not the item's fault"


def test_what_never_reached_plaid_blames_nobody(app, items):
    fails(app, items[0], "OUR_KEY", OPENS_AFTER)
    fails(app, items[0], "OUR_LIMIT", OPENS_AFTER)
    assert breakers(app) == {}


def test_a_bank_that_is_down_stops_only_its_own_items(app, owner, items):
    elsewhere, nowhere = many(app, owner, 1, THERE)[0], many(app, owner, 1, None)[0]
    fails(app, items[0], "INSTITUTION_DOWN", OPENS_AFTER)
    assert set(breakers(app)) == {HERE}
    assert is_open(app, HERE)
    all_are_due(app)
    assert {claim_due(app).id, claim_due(app).id} == {elsewhere.id, nowhere.id}
    assert claim_due(app) is None
    states = {item.id: reload(app, item).state for item in (*items, elsewhere)}
    assert states == {
        **dict.fromkeys((item.id for item in items), "institution_down"),
        elsewhere.id: "healthy",
    }


def test_failures_of_many_threads_are_all_counted(app, owner):
    items, barrier = many(app, owner, 8), threading.Barrier(8)

    def fail_thrice(item):
        barrier.wait()
        fails(app, item, "NETWORK", 3)

    for thread in [Background(fail_thrice, item) for item in items]:
        thread.result()
    assert breakers(app)[PLAID].failures == 24


# While it is open


def test_nobodys_ask_defeats_an_open_breaker(app, items):
    fails(app, items[0], "INVALID_API_KEYS")
    for item in items:
        ask(app, item, by_person=True)
    assert claim_due(app) is None
    assert claim_due(app, schedule.claim_probe) is None, "not before half a minute"


def test_one_probe_and_no_second_one_for_half_a_minute(app, items):
    fails(app, items[0], "INVALID_API_KEYS")
    probe_is_due(app)
    won = [Background(claim_due, app, schedule.claim_probe) for _ in range(8)]
    held = [thread.result() for thread in won]
    assert len([one for one in held if one is not None]) == 1
    now, found = ask_db(app, "SELECT now(), probe_at FROM breakers")[0]
    assert PROBE_PAUSE - dt.timedelta(seconds=10) < found - now <= PROBE_PAUSE
    assert claim_due(app, schedule.claim_probe) is None


def test_a_probe_takes_another_item_each_time(app, items):
    fails(app, items[0], "INVALID_API_KEYS")
    probed = []
    for _ in range(2):
        probe_is_due(app)
        held = claim_due(app, schedule.claim_probe)
        probed.append(held.id)
        with app.app_context():
            schedule.fail(db.session(), held, PlaidError("INVALID_API_KEYS", "x"))
            db.session.commit()
    assert set(probed) == {items[1].id, items[2].id}


def test_a_probe_of_a_bank_waits_for_that_of_plaid(app, owner, items):
    many(app, owner, 1, THERE)
    fails(app, items[0], "INSTITUTION_DOWN", OPENS_AFTER)
    fails(app, items[0], "INVALID_API_KEYS")
    all_are_due(app)
    probe_is_due(app)
    assert claim_due(app, schedule.claim_probe).institution_id == THERE
    assert claim_due(app, schedule.claim_probe) is None
    change_db(app, "DELETE FROM breakers WHERE name = :n", n=PLAID)
    probe_is_due(app)
    assert claim_due(app, schedule.claim_probe).institution_id == HERE


def test_a_probe_with_nothing_due_stays_for_the_next_ask(app, items):
    fails(app, items[0], "INVALID_API_KEYS")
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    probe_is_due(app)
    assert claim_due(app, schedule.claim_probe) is None
    ask(app, items[1])
    assert claim_due(app, schedule.claim_probe).id == items[1].id


def test_an_outage_of_all_spoils_no_item(app, owner):
    """Fewer than three failures each, and those while it is open do not count."""
    items = many(app, owner, OPENS_AFTER)
    for item in items:
        fails(app, item, "NETWORK")
    fails(app, items[0], "NETWORK", 10)
    found = reload(app, items[0])
    assert (found.state, found.attempts) == ("healthy", 1)
    assert found.next_at - now(app) <= dt.timedelta(seconds=60)


def now(app) -> dt.datetime:
    return ask_db(app, "SELECT now()")[0][0]


# Closing


@pytest.mark.parametrize("code", ["INSTITUTION_DOWN", "NETWORK"])
def test_after_it_closed_all_come_back_within_a_minute(app, owner, items, code):
    resting = many(app, owner, 1, state="login_required")[0]
    fails(app, items[0], code, OPENS_AFTER)
    fails(app, items[1], code)
    change_db(
        app, "UPDATE plaid_items SET next_at = now() + interval '5 h',"
        " not_before = now() + interval '5 h'"
    )  # fmt: skip
    with every_log_line() as lines:
        works(app, items[2])
    assert breakers(app) == {}
    assert [line for line in lines if "closed after" in line]
    for item in items[:2]:
        found = reload(app, item)
        assert found.next_at - now(app) <= SPREAD
        assert found.not_before is None
    assert reload(app, resting).next_at - now(app) > SPREAD


def test_an_outage_of_the_bank_from_first_failure_to_recovery(app, bank, owner):
    """Thirty items, all calls 500: twenty are made, then one a probe, then all work."""
    items = [link(app, bank, owner) for _ in range(OPENS_AFTER + 3)]
    bank.fault(SYNC, error_code="INTERNAL_SERVER_ERROR", times=None)
    ends = []
    while (status := work_once(app)) is not None:
        ends.append(status)
    assert ends == ["failed"] * OPENS_AFTER
    probe_is_due(app)
    assert [work_once(app) for _ in range(3)] == ["failed", None, None]
    bank.control("faults/clear")
    probe_is_due(app)
    assert work_once(app) == "succeeded"
    assert breakers(app) == {}
    all_are_due(app)
    change_db(app, "UPDATE plaid_items SET next_at = now() WHERE done_seq < req_seq")
    left = 0
    while work_once(app) == "succeeded" and left < len(items) + 1:
        left += 1
    assert {reload(app, item).state for item in items} == {"healthy"}
    calls = [bank.count_calls(SYNC, item.item_id) for item in items]
    assert max(calls) <= 4


def test_a_claim_reads_no_more_than_it_takes(app, owner):
    """Of thousands that are due it sorted all, for each claim."""
    factories.make_item(app, owner, institution_id=HERE)
    change_db(
        app, "INSERT INTO plaid_items (user_id, id, item_id, institution_id,"
        " institution_name, access_token, state, next_at) SELECT user_id,"
        " gen_random_uuid(), 'i' || n, 'ins_' || n % 9, 'x', '', 'healthy', now()"
        " FROM plaid_items, generate_series(1, 3000) n"
    )  # fmt: skip
    change_db(app, "ANALYZE plaid_items")
    values = {"plaid": PLAID, "lease": PROBE_PAUSE, "token": "0" * 32}
    plan = ask_db(app, f"EXPLAIN {schedule.CLAIM_DUE.text}", **values)
    said = "\n".join(row[0] for row in plan)
    assert "ix_plaid_items_due" in said
    assert "Sort" not in said


# The operator's door


def test_breakers_can_be_listed_and_reset(app, items):
    run = app.test_cli_runner().invoke
    assert run(args=["breakers", "list"]).output == ""
    fails(app, items[0], "INSTITUTION_DOWN")
    fails(app, items[0], "INVALID_API_KEYS")
    said = run(args=["breakers", "list"]).output
    assert "plaid open failures=1" in said
    assert f"{HERE} closed failures=1" in said
    assert "INVALID_API_KEYS request=req" in said
    assert run(args=["breakers", "reset", PLAID]).exit_code == 0
    assert not is_open(app)
    again = run(args=["breakers", "reset", PLAID])
    assert (again.exit_code, "Nothing fails at plaid" in again.output) == (1, True)


def test_bob_learns_nothing_from_the_breakers(app):
    columns = {row.column_name for row in ask_db(
        app, "SELECT column_name FROM information_schema.columns"
        " WHERE table_name = 'breakers'"
    )}  # fmt: skip
    assert not columns & {"user_id", "item_id", "plaid_item_id"}
