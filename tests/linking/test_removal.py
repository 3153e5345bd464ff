"""Disconnecting a bank: here at once, at Plaid until it works, with or without rows."""

import threading

import pytest

from tests import factories
from tests.linking.walk import items, post
from tests.sync.linked import (
    answers,
    ask_db,
    change_db,
    claim,
    exists,
    link,
    live,
    page,
    reload,
    row,
    run,
    state_at_bank,
    sync,
    token,
)
from webapp.extensions import db
from webapp.linking.removal import disconnect, erase
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

REMOVE = "/item/remove"


@pytest.fixture
def item(app, bank, alice):
    made = link(app, bank, alice, "user_load_30", "any")
    assert sync(app, made) == "succeeded"
    return made


def end(app, item, *, keep_history: bool = False) -> bool:
    with app.app_context():
        done = disconnect(
            tools_of(app), item.user_id, item.id, keep_history=keep_history
        )
        db.session.commit()
        return done


def work_all(app) -> list[str]:
    """What became of everything that was due."""
    ended = []
    while (status := work_once(app)) is not None:
        ended.append(status)
    return ended


def all_due(app) -> None:
    change_db(app, "UPDATE jobs SET run_at = now()")


def waiting(app) -> list:
    return ask_db(app, "SELECT * FROM jobs ORDER BY kind")


def gone_at_bank(bank, item) -> bool:
    try:
        state_at_bank(bank, item.item_id)
    except KeyError:
        return True
    return False


# Delete


def test_deleted_it_goes_at_plaid_and_here(app, bank, item):
    assert end(app, item)
    assert reload(app, item).state == "removing"
    assert ask_db(app, "SELECT count(*) FROM ledger")[0][0] == 0, "before any job"
    assert work_all(app) == ["done", "done"]
    assert items(app) == []
    for table in ("bank_accounts", "transactions", "sync_runs"):
        assert ask_db(app, f"SELECT 1 FROM {table}") == []
    assert gone_at_bank(bank, item)
    assert bank.count_calls(REMOVE, item.item_id) == 1


def test_what_is_somebody_elses_stays(app, bank, item, bob):
    his = link(app, bank, bob, "user_load_9", "any")
    sync(app, his)
    end(app, item)
    work_all(app)
    assert len(live(app, his)) == 9
    assert not gone_at_bank(bank, his)


# Keep


def test_kept_history_stays_and_counts(app, bank, item):
    edited = sorted(live(app, item))[0]
    change_db(app, "UPDATE transactions SET note = 'mine' WHERE"
              " plaid_transaction_id = :id", id=edited)  # fmt: skip
    counted = ask_db(app, "SELECT count(*), sum(amount) FROM ledger")
    assert end(app, item, keep_history=True)
    assert work_all(app) == ["done"]
    assert gone_at_bank(bank, item)
    found = reload(app, item)
    assert (found.state, bytes(found.access_token)) == ("removed", b"")
    assert found.removed_at is not None
    assert ask_db(app, "SELECT count(*), sum(amount) FROM ledger") == counted
    assert live(app, item)[edited].note == "mine"


def test_accounts_of_a_kept_bank_are_closed(app, bank, item, bob):
    other = factories.make_account(app, factories.make_item(app, bob))
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 h'")
    end(app, item, keep_history=True)
    work_all(app)
    still_open = ask_db(app, "SELECT id FROM bank_accounts WHERE closed_at IS NULL")
    assert [one.id for one in still_open] == [other.id]


def test_kept_history_can_be_erased_later(app, bank, item, bob):
    end(app, item, keep_history=True)
    work_all(app)
    with app.app_context():
        assert not erase(db.session(), bob.id, item.id)
        assert erase(db.session(), item.user_id, item.id)
        assert not erase(db.session(), item.user_id, item.id), "asked for once"
        db.session.commit()
    assert ask_db(app, "SELECT count(*) FROM ledger")[0][0] == 0
    assert work_all(app) == ["done"]
    assert not exists(app, item)
    assert bank.count_calls(REMOVE, item.item_id) == 1


def test_only_a_disconnected_bank_can_be_erased(app, bank, item):
    with app.app_context():
        assert not erase(db.session(), item.user_id, item.id)
        db.session.rollback()
    assert len(live(app, item)) == 30


def test_a_kept_bank_is_left_alone(app, bank, item):
    """No worker, no ask and no webhook reaches it again."""
    end(app, item, keep_history=True)
    work_all(app)
    calls = bank.count_calls("/transactions/sync", item.item_id)
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert claim(app, item) is None
    assert work_once(app) is None
    assert bank.count_calls("/transactions/sync", item.item_id) == calls


# At Plaid


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "INVALID_API_KEYS"])
def test_an_error_of_the_bank_is_tried_again_until_it_works(app, bank, item, code):
    end(app, item)
    bank.fault(REMOVE, error_code=code)
    assert sorted(work_all(app)) == ["done", "failed"]
    (job,) = waiting(app)
    assert job.last_error.startswith(f"{code}, request ")
    assert (job.dead_at, job.max_attempts) == (None, None)
    assert not exists(app, item), "its rows do not wait for Plaid"
    all_due(app)
    assert work_all(app) == ["done"]
    assert gone_at_bank(bank, item)


def test_it_goes_on_without_its_user(app, bank, item):
    end(app, item)
    change_db(app, "DELETE FROM users")
    assert work_all(app) == ["done", "done"]
    assert gone_at_bank(bank, item)


def test_a_token_that_no_key_opens_waits_for_its_key(app, bank, item):
    """The person is rid of the bank; Plaid is told once the key is back."""
    kept = ask_db(app, "SELECT access_token FROM plaid_items")[0][0]
    damage = "UPDATE plaid_items SET access_token = :t"
    change_db(app, damage, t=b"\x01\x02t1 damaged")
    assert end(app, item)
    assert sorted(work_all(app)) == ["done", "failed"]
    assert not exists(app, item)
    assert waiting(app)[0].last_error == "OUR_KEY"
    change_db(app, "UPDATE jobs SET secret = :t, run_at = now()", t=kept)
    assert work_all(app) == ["done"]
    assert gone_at_bank(bank, item)


def test_the_token_moves_to_the_job_and_opens_only_there(app, bank, item):
    before = ask_db(app, "SELECT access_token FROM plaid_items")[0][0]
    plain = token(app, item)
    end(app, item, keep_history=True)
    (job,) = waiting(app)
    assert bytes(job.secret) != bytes(before)
    assert plain.encode() not in bytes(job.secret)
    assert plain not in str(job.args)
    assert work_all(app) == ["done"]
    assert waiting(app) == []


def test_an_item_that_plaid_has_no_more_counts_as_removed(app, bank, item):
    bank.plaid(REMOVE, access_token=token(app, item))
    end(app, item)
    assert work_all(app) == ["done", "done"]
    assert waiting(app) == []


def test_a_lost_answer_is_asked_again_and_counts(app, bank, item):
    end(app, item)
    bank.fault(REMOVE, truncate=3)
    assert sorted(work_all(app)) == ["done", "failed"]
    all_due(app)
    assert work_all(app) == ["done"]
    assert bank.count_calls(REMOVE) == 2


def test_a_slow_bank_does_not_keep_the_worker(app, bank, item):
    end(app, item, keep_history=True)
    bank.fault(REMOVE, latency=0.8)
    stop = threading.Event()
    stop.set()
    assert work_once(app, stop) == "given back"
    (job,) = waiting(app)
    assert (job.lease_token, job.attempts) == (None, 0)
    assert work_all(app) == ["done"]


# Beside a sync


@pytest.mark.parametrize("keep_history", [False, True])
def test_a_sync_under_way_brings_nothing_back(app, bank, alice, keep_history):
    made = link(app, bank, alice)
    sync(app, made)
    account = ask_db(app, "SELECT plaid_account_id FROM bank_accounts")[0][0]
    answers(bank, page([row(account, "a")]))

    def remove(fetched):
        end(app, made, keep_history=keep_history)

    assert run(app, claim(app, made), remove) == "superseded"
    assert live(app, made) == {}
    state = "removed" if keep_history else "removing"
    assert reload(app, made).state == state


@pytest.mark.parametrize("keep_history", [False, True])
def test_a_sync_that_fails_after_it_does_not_link_it_again(
    app, bank, item, keep_history
):
    held = claim(app, item)
    end(app, item, keep_history=keep_history)
    before = reload(app, item).state
    bank.fault("/transactions/sync", error_code="ITEM_LOGIN_REQUIRED")
    assert run(app, held) in ("superseded", "failed")
    found = reload(app, item)
    assert (found.state, found.last_error_code) == (before, None)


def test_it_is_asked_for_once_and_by_its_owner(app, bank, item, bob):
    assert end(app, item)
    assert not end(app, item)
    assert not end(app, item, keep_history=True)
    assert len(waiting(app)) == 2
    with app.app_context():
        assert not disconnect(tools_of(app), bob.id, item.id, keep_history=False)
        db.session.rollback()


def test_nobody_removes_what_is_somebody_elses(app, bank, bob_client, item):
    assert post(bob_client, f"/accounts/{item.id}/removal").status_code == 404
    assert reload(app, item).state == "healthy"
