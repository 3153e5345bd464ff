"""The item's row as queue: claims, leases, asks, back-off; by the database's clock."""

import datetime as dt
import threading
from collections import Counter

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests import factories
from tests.sync.linked import (
    Background,
    ask,
    ask_db,
    change_db,
    claim,
    link,
    reload,
    runs,
    sync,
    token,
)
from webapp.extensions import db
from webapp.models import ItemState
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync import schedule
from webapp.sync.failure import backoff
from webapp.sync.schedule import LEASE, LeaseLost
from webapp.worker import work_once

pytestmark = pytest.mark.commits

THREADS = 8


@pytest.fixture
def waiting(app, owner):
    """An item that is due, at no bank at all."""
    return factories.make_item(app, owner, seen_seq=0, done_seq=0)


def now(app) -> dt.datetime:
    return ask_db(app, "SELECT now()")[0][0]


def claim_due(app):
    with app.app_context():
        held = schedule.claim(db.session())
        db.session.commit()
        return held


def at_once(call, *args) -> list:
    """The call on eight threads that all start together."""
    barrier = threading.Barrier(THREADS)

    def begin():
        barrier.wait()
        return call(*args)

    return [thread.result() for thread in [Background(begin) for _ in range(THREADS)]]


# Claims


def test_one_of_eight_wins_the_claim(app, waiting):
    for round_ in range(5):
        won = [held for held in at_once(claim_due, app) if held is not None]
        assert len(won) == 1
        found = reload(app, waiting)
        assert won[0].lease_token == found.lease_token
        assert found.attempts == round_ + 1
        change_db(app, "UPDATE plaid_items SET lease_until = NULL")


def test_no_item_is_served_twice(app, owner):
    made = {factories.make_item(app, owner).id for _ in range(20)}

    def take_all():
        taken = []
        while (held := claim_due(app)) is not None:
            taken.append(held.id)
        return taken

    served = Counter(id for taken in at_once(take_all) for id in taken)
    assert served == Counter(made)


def test_the_one_that_waits_longest_comes_first(app, owner):
    items = [factories.make_item(app, owner) for _ in range(3)]
    for minutes, item in zip((1, 3, 2), items, strict=True):
        change_db(
            app,
            "UPDATE plaid_items SET next_at = now() - :m * interval '1 min'"
            " WHERE id = :id",
            m=minutes,
            id=item.id,
        )
    order = [claim_due(app).id for _ in range(3)]
    assert order == [items[1].id, items[2].id, items[0].id]


@pytest.mark.parametrize(
    ("state", "served"),
    [
        *((s, True) for s in ("first_sync", "healthy", "expiring", "error")),
        *((s, True) for s in ("institution_down", "quarantined")),
        *((s, False) for s in ("login_required", "revoked", "removing", "removed")),
    ],
)
def test_who_rests_until_somebody_acts(app, owner, state, served):
    factories.make_item(app, owner, state=state)
    assert (claim_due(app) is not None) is served


def test_what_is_not_due_is_not_served_but_may_be_claimed_by_name(app, waiting):
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    assert claim_due(app) is None
    assert claim(app, waiting) is not None


def test_a_claim_is_by_the_clock_of_the_database(app, waiting):
    """To the microsecond, in one transaction: no clock of this process has a say."""
    with app.app_context():
        held = schedule.claim(db.session())
        found = db.session.execute(
            db.text("SELECT lease_until - now(), seen_seq, req_seq FROM plaid_items")
        ).one()
        assert tuple(found) == (LEASE, 1, 1)
        schedule.renew(db.session(), held)
        schedule.release(db.session(), held)
        at = db.session.execute(db.text("SELECT next_at - now() FROM plaid_items"))
        assert at.scalar_one() == dt.timedelta()
        db.session.commit()


def test_a_failure_and_an_ask_are_by_the_clock_of_the_database(app, waiting):
    with app.app_context():
        held = schedule.claim(db.session())
        schedule.fail(db.session(), held, PlaidError("NETWORK", "x"))
        found = db.session.execute(
            db.text("SELECT next_at - not_before, next_at > now() FROM plaid_items")
        ).one()
        assert tuple(found) == (dt.timedelta(), True)
        schedule.ask(db.session(), waiting.user_id, waiting.id, by_person=True)
        found = db.session.execute(
            db.text("SELECT next_at - now(), not_before FROM plaid_items")
        ).one()
        assert tuple(found) == (dt.timedelta(), None)
        db.session.commit()


# Leases


def test_a_lease_that_ran_out_lets_another_claim(app, waiting):
    first = claim_due(app)
    assert claim_due(app) is None
    assert claim(app, waiting) is None
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 ms'")
    second = claim_due(app)
    assert second.lease_token != first.lease_token
    assert second.attempts == 2


@pytest.mark.parametrize(
    "act", ["renew", "finish", "wait", "fail", "release", "take_turn"]
)
@pytest.mark.parametrize("lost", ["taken over", "removing"])
def test_whoever_lost_the_lease_is_refused(app, waiting, act, lost):
    late = claim_due(app)
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 ms'")
    claim_due(app)
    if lost == "removing":
        change_db(app, "UPDATE plaid_items SET state = 'removing', lease_token = NULL")
    before = ask_db(app, "SELECT * FROM plaid_items")
    said = {
        "cursor": "c", "update_status": "s", "bank_updated_at": None, "state": "error",
        "bank_failed_at": None, "consent_expires_at": None, "request_id": "r",
        "pause": LEASE,
    }  # fmt: skip
    arguments = {
        "finish": [said],
        "wait": [said],
        "fail": [PlaidError("NETWORK", "x")],
    }
    with app.app_context():
        with pytest.raises(LeaseLost):
            getattr(schedule, act)(db.session(), late, *arguments.get(act, []))
        db.session.rollback()
    assert ask_db(app, "SELECT * FROM plaid_items") == before


def test_only_the_commit_of_a_claim_does_not_wait_for_the_disk(app, waiting):
    waits = text("SHOW synchronous_commit")
    with app.app_context(), db.engine.connect() as one, Session(one) as session:
        session.execute(text("SET synchronous_commit = on"))
        assert schedule.claim(session)
        assert session.scalar(waits) == "off"
        session.commit()
        assert session.scalar(waits) == "on"
        session.execute(text("RESET synchronous_commit"))
        session.commit()


def test_two_that_hold_the_same_claim_take_turns(app, waiting):
    held = claim_due(app)
    with app.app_context(), Session(db.engine) as first, Session(db.engine) as second:
        schedule.take_turn(first, held)
        with pytest.raises(LeaseLost):
            schedule.take_turn(second, held)
        first.commit()
        second.rollback()
        schedule.take_turn(second, held)


# Asks


def test_many_asks_make_one_run(app, bank, item):
    for _ in range(5):
        ask(app, item)
    assert work_once(app) == "succeeded"
    assert work_once(app) is None
    assert len(runs(app, item)) == 1
    found = reload(app, item)
    assert found.done_seq == found.req_seq == 6


def test_an_ask_of_a_healthy_item_makes_it_due_at_once(app, bank, item):
    sync(app, item)
    assert work_once(app) is None
    ask(app, item)
    assert reload(app, item).is_running
    assert work_once(app) == "succeeded"


def test_nobody_asks_for_what_is_somebody_elses_or_going(app, waiting, bob):
    with app.app_context():
        assert not schedule.ask(db.session(), bob.id, waiting.id)
        change_db(app, "UPDATE plaid_items SET state = 'removing'")
        assert not schedule.ask(db.session(), waiting.user_id, waiting.id)
        db.session.rollback()


def failed(app, waiting, code: str, **overrides):
    """The item after a run that failed with this code."""
    with app.app_context():
        held = schedule.claim_one(db.session(), waiting.user_id, waiting.id)
        schedule.fail(db.session(), held, PlaidError(code, "words", "req", **overrides))
        db.session.commit()
    return reload(app, waiting)


def test_an_ask_does_not_defeat_the_back_off(app, waiting):
    before = failed(app, waiting, "INTERNAL_SERVER_ERROR")
    ask(app, waiting)
    after = reload(app, waiting)
    assert after.next_at == before.next_at == after.not_before
    assert after.req_seq == before.req_seq + 1
    assert claim_due(app) is None


@pytest.mark.parametrize(
    "code", ["INTERNAL_SERVER_ERROR", "INSTITUTION_DOWN", "NETWORK", "INVALID_FIELD"]
)
def test_a_persons_ask_overrides_the_back_off(app, waiting, code):
    failed(app, waiting, code)
    ask(app, waiting, by_person=True)
    assert claim_due(app) is not None


@pytest.mark.parametrize(
    "code", ["RATE_LIMIT", "TRANSACTIONS_SYNC_LIMIT", "INSTITUTION_RATE_LIMIT"]
)
def test_nobodys_ask_overrides_a_rate_limit(app, waiting, code):
    before = failed(app, waiting, code, error_type="RATE_LIMIT_EXCEEDED")
    ask(app, waiting, by_person=True)
    after = reload(app, waiting)
    assert (after.next_at, after.not_before) == (before.next_at, before.not_before)
    assert claim_due(app) is None


def test_an_ask_after_a_rate_limit_is_over_counts_again(app, waiting):
    failed(app, waiting, "RATE_LIMIT")
    change_db(
        app, "UPDATE plaid_items SET not_before = now() - interval '1 s',"
        " next_at = now() + interval '5 h'"
    )  # fmt: skip
    ask(app, waiting)
    assert claim_due(app) is not None


# Failures


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("INTERNAL_SERVER_ERROR", "healthy"),
        ("NETWORK", "healthy"),
        ("RATE_LIMIT", "healthy"),
        ("TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", "healthy"),
        ("INSTITUTION_DOWN", "institution_down"),
        ("ITEM_LOGIN_REQUIRED", "login_required"),
        ("ITEM_NOT_FOUND", "revoked"),
        ("INVALID_ACCESS_TOKEN", "revoked"),
        ("ITEM_NOT_SUPPORTED", "error"),
        ("INVALID_FIELD", "error"),
        ("INVALID_API_KEYS", "healthy"),
    ],
)
def test_the_state_after_an_error(app, waiting, code, state):
    found = failed(app, waiting, code, display_message="For people")
    assert found.state == state
    assert (found.last_error_code, found.last_request_id) == (code, "req")
    assert found.last_error_message == "For people"
    assert (found.lease_token, found.lease_until) == (None, None)
    assert found.next_at >= found.not_before > now(app)
    assert found.done_seq < found.req_seq, "what was asked for is still to be done"


@pytest.mark.parametrize(
    "code", ["ITEM_LOGIN_REQUIRED", "USER_PERMISSION_REVOKED", "MFA_NOT_SUPPORTED"]
)
def test_what_asking_again_does_not_help_rests_until_somebody_asks(app, waiting, code):
    found = failed(app, waiting, code)
    assert found.next_at > now(app) + dt.timedelta(days=365)
    change_db(app, "UPDATE plaid_items SET not_before = now()")
    ask(app, waiting)
    assert claim_due(app) is not None, "a webhook may tell of a repair"
    change_db(app, "UPDATE plaid_items SET lease_until = NULL")
    failed(app, waiting, code)
    ask(app, waiting, by_person=True)
    assert claim_due(app) is not None


def test_a_bank_that_stumbles_three_times_counts_as_broken(app, waiting):
    states = [failed(app, waiting, "NETWORK").state for _ in range(3)]
    assert states == ["healthy", "healthy", "error"]


@pytest.mark.parametrize("state", ["error", "institution_down"])
def test_a_good_run_heals(app, bank, item, state):
    change_db(
        app, "UPDATE plaid_items SET state = :s, attempts = 7, last_error_code = 'X',"
        " last_error_message = 'Y', not_before = now() + interval '1 h'", s=state
    )  # fmt: skip
    assert sync(app, item) == "succeeded"
    found = reload(app, item)
    assert (found.state, found.attempts, found.not_before) == ("healthy", 0, None)
    assert (found.last_error_code, found.last_error_message) == (None, None)


def test_a_login_the_bank_wants_again_shows_after_a_good_run(app, bank, item):
    """Pages may still come in while the login is bad: Plaid's word on it counts."""
    wanted = {"item_id": item.item_id, "error": {"error_code": "ITEM_LOGIN_REQUIRED"}}
    bank.fault("/item/get", set={"item": wanted})
    assert sync(app, item) == "succeeded"
    assert reload(app, item).state == ItemState.LOGIN_REQUIRED


@pytest.mark.parametrize("attempts", [1, 2, 5, 12, 40, 10_000])
def test_back_off_grows_to_six_hours_and_is_spread(attempts):
    ceiling = min(30 * 2 ** min(attempts, 20), 6 * 3600)
    pauses = [backoff(Kind.RETRY, attempts).total_seconds() for _ in range(200)]
    assert min(pauses) >= 1
    assert max(pauses) <= ceiling
    assert max(pauses) > ceiling / 2
    assert min(pauses) < ceiling / 2
    assert len(set(pauses)) > 150


def test_a_rate_limit_waits_a_minute_at_least():
    pauses = [backoff(Kind.WAIT, 1).total_seconds() for _ in range(100)]
    assert min(pauses) > 60
    assert max(pauses) <= 120


def test_items_that_fail_do_not_keep_others_waiting(app, bank, owner):
    for _ in range(2):
        bad = link(app, bank, owner)
        bank.plaid("/item/remove", access_token=token(app, bad))
    good = link(app, bank, owner)
    ends = [work_once(app) for _ in range(3)]
    assert sorted(ends) == ["failed", "failed", "succeeded"]
    assert reload(app, good).state == "healthy"
    assert work_once(app) is None
