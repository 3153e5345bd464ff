"""Items that fail while others work: set apart, probed daily, freed by their owner."""

import datetime as dt

import pytest

from tests import factories
from tests.sync.linked import ask, ask_db, change_db, link, reload, sync
from webapp.extensions import db
from webapp.plaid.errors import PlaidError
from webapp.sync import schedule
from webapp.sync.failure import POISON
from webapp.worker import work_once

pytestmark = pytest.mark.commits


@pytest.fixture
def poison(app, owner):
    return factories.make_item(app, owner, seen_seq=0, done_seq=0)


@pytest.fixture
def other(app, owner):
    return factories.make_item(app, owner)


def fails(app, item, code: str, times: int = 1):
    for _ in range(times):
        with app.app_context():
            held = schedule.claim_one(db.session(), item.user_id, item.id)
            schedule.fail(db.session(), held, PlaidError(code, "words", "req-7"))
            db.session.commit()
    return reload(app, item)


def others_work(app, other) -> None:
    change_db(
        app, "UPDATE plaid_items SET last_synced_at = now() WHERE id = :i", i=other.id
    )


@pytest.mark.parametrize("code", ["UNREADABLE", "INVALID_FIELD", "NETWORK", "OUR_KEY"])
def test_five_failures_while_others_work_are_quarantine(app, poison, other, code):
    fails(app, poison, code, POISON - 1)
    others_work(app, other)
    assert reload(app, poison).state == "error"
    found = fails(app, poison, code)
    assert (found.state, found.last_error_code) == ("quarantined", code)
    assert found.last_request_id == "req-7"
    pause = found.next_at - ask_db(app, "SELECT now()")[0][0]
    assert dt.timedelta(hours=21) < pause <= dt.timedelta(hours=24)
    again = fails(app, poison, code)
    assert again.state == "quarantined", "its daily probe failed"
    assert again.next_at - found.next_at < dt.timedelta(hours=4)


def test_where_nothing_else_works_it_may_be_the_world(app, poison, other):
    others_work(app, other)  # before the first failure
    assert fails(app, poison, "NETWORK", POISON + 2).state == "error"


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("INSTITUTION_DOWN", "institution_down"),
        ("RATE_LIMIT", "error"),
        ("ITEM_LOGIN_REQUIRED", "login_required"),
    ],
)
def test_what_has_another_reason_is_no_poison(app, poison, other, code, state):
    fails(app, poison, code)
    others_work(app, other)
    assert fails(app, poison, code, POISON).state == state


def quarantined(app, poison, other):
    fails(app, poison, "UNREADABLE")
    others_work(app, other)
    assert fails(app, poison, "UNREADABLE", POISON - 1).state == "quarantined"


def test_a_webhook_does_not_end_the_quarantine_and_its_owner_does(app, poison, other):
    quarantined(app, poison, other)
    ask(app, poison)
    found = reload(app, poison)
    assert found.state == "quarantined"
    assert found.next_at == found.not_before
    ask(app, poison, by_person=True)
    found = reload(app, poison)
    assert (found.state, found.attempts) == ("error", 0)
    assert found.next_at <= ask_db(app, "SELECT now()")[0][0]
    assert fails(app, poison, "UNREADABLE", POISON - 1).state == "error"


def test_a_success_ends_it(app, bank, owner, other):
    item = link(app, bank, owner)
    quarantined(app, item, other)
    assert sync(app, item) == "succeeded"
    found = reload(app, item)
    assert (found.state, found.attempts, found.failing_since) == ("healthy", 0, None)


def test_poison_at_the_head_of_the_queue_keeps_nobody_waiting(app, bank, owner):
    bad = [link(app, bank, owner) for _ in range(3)]
    good = [link(app, bank, owner) for _ in range(3)]
    for item in bad:
        bank.fault(
            "/transactions/sync", item_id=item.item_id, status=200, body="<html>",
            times=None,
        )  # fmt: skip
    change_db(
        app, "UPDATE plaid_items SET next_at = now() - interval '1 h'"
        " WHERE id = ANY(:ids)", ids=[item.id for item in bad]
    )  # fmt: skip
    ends = [work_once(app) for _ in range(6)]
    assert sorted(ends) == ["failed"] * 3 + ["succeeded"] * 3
    assert work_once(app) is None
    assert {reload(app, item).state for item in good} == {"healthy"}
