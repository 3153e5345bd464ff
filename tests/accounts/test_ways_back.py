"""Every trouble of a bank has a way back: by itself, by a button, or linked anew."""

import pytest

from tests.accounts.test_banks import card
from tests.linking.walk import csrf, items, post, start, succeed, told
from tests.sync.linked import (
    ask_db,
    change_db,
    link,
    live,
    public_token_of,
    reload,
    sync,
    token,
)
from webapp.worker import work_once

pytestmark = pytest.mark.commits

SYNC = "/transactions/sync"


@pytest.fixture
def item(app, bank, alice):
    """Linked and never read."""
    return link(app, bank, alice, "user_load_9", "any")


def said(client, item) -> str:
    return card(client, item).one(css="bank-state").text


def button(client, item) -> str:
    """What the one button of the card says."""
    shown = card(client, item)
    links = [a.text for a in shown.all("a", css="btn")]
    (label,) = links + [b.text for b in shown.all("button")]
    return label


def fail(app, bank, item, code: str) -> None:
    bank.fault(SYNC, error_code=code)
    assert sync(app, item) == "failed"


# The first sync


def test_a_first_sync_that_failed_can_be_tried_again(app, bank, alice_client, item):
    fail(app, bank, item, "INTERNAL_SERVER_ERROR")
    assert said(alice_client, item).startswith("The first reading did not work.")
    assert button(alice_client, item) == "Try now"
    assert work_once(app) is None, "it backs off"
    post(alice_client, f"/accounts/{item.id}/syncs")
    assert work_once(app) == "succeeded"
    assert said(alice_client, item) == "Up to date."


def test_a_first_sync_that_wants_a_login_can_be_repaired(app, bank, alice_client, item):
    fail(app, bank, item, "ITEM_LOGIN_REQUIRED")
    assert button(alice_client, item) == "Log in again"
    succeed(alice_client, start(alice_client, f"/accounts/{item.id}/repair"), "unused")
    assert work_once(app) == "succeeded"
    assert said(alice_client, item) == "Up to date."
    assert len(live(app, item)) == 9


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "ITEM_LOGIN_REQUIRED"])
def test_a_first_sync_that_failed_can_be_ended(app, bank, alice_client, item, code):
    fail(app, bank, item, code)
    post(alice_client, f"/accounts/{item.id}/removal", history="delete")
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert [work_once(app) for _ in range(3)] == ["done", "done", None]
    assert items(app) == []
    assert item.item_id not in {known["item_id"] for known in bank.state()["items"]}


# Later


@pytest.mark.parametrize(
    ("code", "state", "label"),
    [
        ("ITEM_LOGIN_REQUIRED", "login_required", "Log in again"),
        ("USER_PERMISSION_REVOKED", "revoked", "Connect again"),
        ("INSTITUTION_DOWN", "institution_down", "Try now"),
        ("INVALID_FIELD", "error", "Try now"),
        ("ITEM_NOT_SUPPORTED", "error", "Try now"),
        ("INTERNAL_SERVER_ERROR", "healthy", "Try now"),
    ],
)
def test_any_good_sync_clears_it(app, bank, alice_client, item, code, state, label):
    sync(app, item)
    fail(app, bank, item, code)
    assert reload(app, item).state == state
    assert button(alice_client, item) == label
    assert f"Code {code}, request" in card(alice_client, item).text
    assert sync(app, item) == "succeeded"
    assert said(alice_client, item) == "Up to date."
    assert "Code" not in card(alice_client, item).text


def test_what_plaid_cannot_read_is_not_promised(app, bank, alice_client, item):
    """Nobody keeps trying: it rests until its owner presses the button."""
    sync(app, item)
    fail(app, bank, item, "ITEM_NOT_SUPPORTED")
    assert said(alice_client, item).startswith("Plaid cannot read this bank")
    post(alice_client, f"/accounts/{item.id}/syncs")
    assert work_once(app) == "succeeded"


def test_a_revoked_bank_that_gives_the_permission_again_goes_on(
    app, bank, alice_client, item
):
    sync(app, item)
    fail(app, bank, item, "USER_PERMISSION_REVOKED")
    page = alice_client.get(f"/accounts/{item.id}/repair").text
    assert "The permission was ended at the bank." in page
    succeed(alice_client, start(alice_client, f"/accounts/{item.id}/repair"), "unused")
    assert work_once(app) == "succeeded"
    assert said(alice_client, item) == "Up to date."


def test_a_connection_that_plaid_has_no_more_is_linked_anew_and_keeps_its_rows(
    app, bank, alice, alice_client
):
    succeed(alice_client, start(alice_client), public_token_of(bank))
    assert work_once(app) == "succeeded"
    (row,) = items(app)
    before = ask_db(app, "SELECT count(*) FROM ledger")[0][0]
    assert before
    bank.plaid("/item/remove", access_token=token(app, row))
    assert sync(app, row) == "failed"
    assert reload(app, row).state == "revoked"
    refused = post(alice_client, f"/accounts/{row.id}/repair")
    assert refused.location == f"/accounts/{row.id}/renewal"
    assert "cannot be repaired" in alice_client.get(refused.location).text
    answer = post(alice_client, refused.location)
    assert answer.location == "/accounts/link"
    assert "is kept. Now link the bank anew." in alice_client.get("/accounts/link").text
    assert ask_db(app, "SELECT count(*) FROM ledger")[0][0] == before
    succeed(alice_client, start(alice_client), public_token_of(bank))
    assert "linked already" not in told(alice_client), "the dead one is no duplicate"
    assert sorted(one.state for one in items(app)) == ["first_sync", "removed"]


def test_bob_repairs_and_renews_nothing(app, bank, bob_client, item):
    assert csrf(bob_client)
    for path in ("repair", "renewal", "syncs", "removal"):
        answer = post(bob_client, f"/accounts/{item.id}/{path}", history="delete")
        assert answer.status_code == 404
    assert reload(app, item).state == "first_sync"
