"""Removing a bank: off the pages at once, at Plaid until it works, then here."""

import pytest

from tests.linking.walk import items, post, told
from tests.sync.linked import (
    ask_db,
    change_db,
    claim,
    exists,
    link,
    reload,
    state_at_bank,
    sync,
    token,
)
from webapp.extensions import db
from webapp.linking.removal import ask_removal, remove
from webapp.sync.run import Interrupted
from webapp.sync.schedule import LeaseLost
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

REMOVE = "/item/remove"


@pytest.fixture
def item(app, bank, alice):
    made = link(app, bank, alice, "user_load_30", "any")
    assert sync(app, made) == "succeeded"
    return made


def ask_for_removal(app, item) -> None:
    with app.app_context():
        assert ask_removal(db.session(), item.user_id, item.id)
        db.session.commit()


def test_a_removed_bank_goes_at_plaid_and_here(app, bank, alice_client, item):
    assert "First Platypus Bank" in told(alice_client)
    answer = post(alice_client, f"/accounts/{item.id}/removal")
    assert answer.status_code == 303
    assert "First Platypus Bank was removed" in told(alice_client)
    assert "First Platypus Bank" not in told(alice_client)
    assert reload(app, item).state == "removing"
    assert work_once(app) == "removed"
    assert items(app) == []
    for table in ("bank_accounts", "transactions", "sync_runs"):
        assert ask_db(app, f"SELECT 1 FROM {table}") == []
    with pytest.raises(KeyError):
        state_at_bank(bank, item.item_id)
    assert bank.count_calls(REMOVE, item.item_id) == 1


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "INVALID_API_KEYS"])
def test_an_error_of_the_bank_is_tried_again_until_it_works(app, bank, item, code):
    ask_for_removal(app, item)
    bank.fault(REMOVE, error_code=code)
    assert work_once(app) == "failed"
    found = reload(app, item)
    assert (found.state, found.last_error_code) == ("removing", code)
    assert found.lease_token is None
    assert work_once(app) is None, "it backs off"
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert work_once(app) == "removed"
    assert not exists(app, item)


def test_a_token_that_no_key_opens_backs_off_too(app, bank, item):
    """It crashed once a minute, for ever."""
    ask_for_removal(app, item)
    kept = ask_db(app, "SELECT access_token FROM plaid_items")[0][0]
    damage = "UPDATE plaid_items SET access_token = :t"
    change_db(app, damage, t=b"\x01\x02t1 damaged")
    assert work_once(app) == "failed"
    found = reload(app, item)
    assert (found.last_error_code, found.lease_token) == ("OUR_KEY", None)
    change_db(app, damage + ", next_at = now()", t=kept)
    assert work_once(app) == "removed"


def test_an_item_that_plaid_has_no_more_counts_as_removed(app, bank, item):
    bank.plaid(REMOVE, access_token=token(app, item))
    ask_for_removal(app, item)
    assert work_once(app) == "removed"
    assert not exists(app, item)


def test_a_lost_answer_is_asked_again_and_counts(app, bank, item):
    ask_for_removal(app, item)
    bank.fault(REMOVE, truncate=3)
    assert work_once(app) == "failed"
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert work_once(app) == "removed"


def test_a_removal_does_not_wait_for_a_sync_that_is_under_way(app, bank, item):
    held = claim(app, item)
    ask_for_removal(app, item)
    assert work_once(app) == "removed"
    assert held is not None


def test_a_removal_is_asked_for_once(app, bank, item, bob):
    ask_for_removal(app, item)
    with app.app_context():
        assert not ask_removal(db.session(), item.user_id, item.id)
        assert not ask_removal(db.session(), bob.id, item.id)
        db.session.rollback()


def test_whoever_lost_the_lease_deletes_nothing(app, bank, item):
    ask_for_removal(app, item)
    late = claim(app, item)
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 s'")
    assert claim(app, item) is not None
    with app.app_context(), pytest.raises(LeaseLost):
        remove(tools_of(app), late)
    assert exists(app, item)


def test_a_slow_bank_does_not_keep_the_worker(app, bank, item):
    ask_for_removal(app, item)
    bank.fault(REMOVE, latency=0.8)

    def leave():
        raise Interrupted

    with app.app_context():
        assert remove(tools_of(app), claim(app, item), leave) == "superseded"
    found = reload(app, item)
    assert (found.state, found.lease_token) == ("removing", None)
    assert work_once(app) == "removed"


def test_nobody_removes_what_is_somebody_elses(app, bank, bob_client, item):
    assert post(bob_client, f"/accounts/{item.id}/removal").status_code == 404
    assert reload(app, item).state == "healthy"
