"""The accounts page: every state of a bank in words, and what one can do about it."""

import datetime as dt
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.reading import Node, read, without_secrets
from tests.dashboard.test_fragments import HTMX
from tests.factories import make_account, make_item, save
from webapp.models import ItemState, PlaidItem, QuarantinedTransaction, User

UNLINKED = {ItemState.REMOVING, ItemState.REMOVED}
# state -> (words that stand there, what the one button says, where it leads)
STATES = {
    ItemState.FIRST_SYNC: ("Reading your history for the first", "Sync now", "syncs"),
    ItemState.HEALTHY: ("Up to date.", "Sync now", "syncs"),
    ItemState.LOGIN_REQUIRED: ("Your bank wants you to log", "Log in again", "repair"),
    ItemState.EXPIRING: ("Your bank's permission runs out", "Renew", "repair"),
    ItemState.REVOKED: ("The permission was ended", "Connect again", "repair"),
    ItemState.INSTITUTION_DOWN: ("The bank is not answering.", "Try now", "syncs"),
    ItemState.ERROR: ("Reading this bank does not work", "Try now", "syncs"),
    ItemState.QUARANTINED: ("Reading this bank has failed many", "Try now", "syncs"),
}


def card(client: FlaskClient, item: PlaidItem) -> Node:
    return read(client.get("/accounts/").text).get(f"item-{item.id}")


def linked(app: Flask, user: User, **values: Any) -> PlaidItem:
    complete = {"update_status": "HISTORICAL_UPDATE_COMPLETE"}
    return make_item(app, user, **complete | values)


def test_no_bank_yet(alice_client: FlaskClient) -> None:
    banks = read(alice_client.get("/accounts/").text).get("banks")
    assert "No bank is linked yet." in banks.text
    assert banks.one("a").attrs["href"] == "/accounts/link"


def test_every_state_has_its_case() -> None:
    assert STATES.keys() | UNLINKED == set(ItemState)


@pytest.mark.parametrize("state", STATES)
def test_state_in_words_with_the_one_button_that_helps(
    app: Flask, alice: User, alice_client: FlaskClient, state: ItemState
) -> None:
    words, label, leads_to = STATES[state]
    item = linked(app, alice, state=state)
    shown = card(alice_client, item)
    assert shown.one(css="bank-state").text.startswith(words)
    links = {a.attrs["href"]: a.text for a in shown.all("a")}
    forms = {f.attrs["action"]: f.one("button").text for f in shown.all("form")}
    assert links.pop(f"/accounts/{item.id}/removal") == "Disconnect"
    assert links | forms == {f"/accounts/{item.id}/{leads_to}": label}


@pytest.mark.parametrize("failed", [False, True])
def test_a_first_sync_that_failed_says_so_and_can_be_tried_or_ended(
    app: Flask, alice: User, alice_client: FlaskClient, failed: bool
) -> None:
    item = linked(
        app, alice, state="first_sync", last_synced_at=None,
        last_error_code="INTERNAL_SERVER_ERROR" if failed else None,
    )  # fmt: skip
    shown = card(alice_client, item)
    said = shown.one(css="bank-state").text
    assert ("did not work" in said) is failed
    assert shown.one("button").text == ("Try now" if failed else "Sync now")
    assert "Disconnect" in shown.text


def test_a_permission_that_runs_out_names_its_day(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    day = dt.datetime(2030, 3, 9, 23, 30, tzinfo=dt.UTC)
    item = linked(app, alice, state="expiring", consent_expires_at=day)
    assert "It ends Mar 9, 2030." in card(alice_client, item).text
    healthy = linked(app, alice, consent_expires_at=day)
    assert "It ends" not in card(alice_client, healthy).text


@pytest.mark.parametrize("state", sorted(UNLINKED))
def test_a_bank_that_is_not_linked_has_no_card(
    app: Flask, alice: User, alice_client: FlaskClient, state: str
) -> None:
    item = linked(app, alice, state=state)
    page = alice_client.get("/accounts/").text
    assert read(page).find(f"item-{item.id}") is None
    assert "No bank is linked" in page
    for path in ("status", "repair"):
        assert alice_client.get(f"/accounts/{item.id}/{path}").status_code == 404


def test_history_that_is_still_coming(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice, update_status="INITIAL_UPDATE_COMPLETE")
    shown = card(alice_client, item).one(css="bank-state")
    assert "older history is still coming" in shown.text


def test_words_of_the_bank_are_folded_underneath(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(
        app, alice, state="error", last_error_code="INVALID_FIELD",
        last_error_message="The bank said no.", last_request_id="req-123",
    )  # fmt: skip
    folds = card(alice_client, item).all("details")
    assert "The bank said no. Code INVALID_FIELD, request req-123." in folds[0].text


def test_bank_in_good_order_shows_no_error(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice)
    make_account(app, item, name="Savings", mask="9876")
    shown = card(alice_client, item)
    assert "Savings ··9876" in shown.text
    assert "What the bank's side said" not in shown.text
    assert "hx-trigger" not in shown.attrs


@pytest.mark.parametrize(
    ("values", "syncing"),
    [
        ({"req_seq": 2}, True),
        ({"lease_until": dt.datetime(2100, 1, 1, tzinfo=dt.UTC)}, True),
        ({"lease_until": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)}, False),
        # it waits after an error: nothing goes on until then
        ({"req_seq": 2, "not_before": dt.datetime(2100, 1, 1, tzinfo=dt.UTC)}, False),
        ({"req_seq": 2, "state": "login_required"}, False),
    ],
)
def test_card_asks_for_itself_only_while_something_goes_on(
    app: Flask, alice: User, alice_client: FlaskClient, values: dict[str, Any],
    syncing: bool,
) -> None:  # fmt: skip
    item = linked(app, alice, **values)
    shown = card(alice_client, item)
    assert (shown.attrs.get("hx-get") == f"/accounts/{item.id}/status") is syncing
    assert bool(shown.all("progress")) is syncing


def test_status_page_and_fragment_hold_the_same_card(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice, req_seq=2)
    url = f"/accounts/{item.id}/status"
    page, fragment = alice_client.get(url), alice_client.get(url, headers=HTMX)
    assert read(fragment.text).get(f"item-{item.id}")
    assert "<html" not in fragment.text
    assert without_secrets(fragment.text.strip()) in without_secrets(page.text)


def test_cards_fragment_brings_the_line_above_all_cards(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice)
    fragment = alice_client.get(f"/accounts/{item.id}/status", headers=HTMX)
    line = read(fragment.text).get("freshness")
    assert "1 of 1 bank current" in line.text
    assert line.attrs["hx-swap-oob"] == "true"


def test_accounts_stand_in_the_order_of_their_use(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice)
    for type, subtype in [
        ("loan", "student"), ("credit", "credit card"), ("investment", "ira"),
        ("payable", "other"), ("depository", "savings"),
    ]:  # fmt: skip
        make_account(app, item, name=f"A {type}", type=type, subtype=subtype)
    text = card(alice_client, item).text
    kinds = ["depository", "credit", "investment", "loan", "payable"]
    assert kinds == sorted(kinds, key=lambda type: text.index(f"A {type}"))
    assert "Student loan" in text


def test_list_as_a_fragment(app: Flask, alice: User, alice_client: FlaskClient) -> None:
    linked(app, alice)
    page = alice_client.get("/accounts/")
    fragment = alice_client.get("/accounts/", headers=HTMX)
    assert fragment.text.strip().startswith('<div id="banks"')
    assert without_secrets(fragment.text.strip()) in without_secrets(page.text)


@pytest.mark.parametrize("path", ["status", "repair"])
def test_bob_finds_nothing_of_alice(
    app: Flask, alice: User, bob_client: FlaskClient, path: str
) -> None:
    item = linked(app, alice, institution_name="Bank of Alice")
    assert "Bank of Alice" not in bob_client.get("/accounts/").text
    for headers in ({}, HTMX):
        answer = bob_client.get(f"/accounts/{item.id}/{path}", headers=headers)
        assert answer.status_code == 404
        assert "Bank of Alice" not in answer.text


def test_a_try_that_failed_is_not_called_up_to_date(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(app, alice, last_error_code="INTERNAL_SERVER_ERROR")
    shown = card(alice_client, item).one(css="bank-state").text
    assert shown.startswith("The last try to read this bank did not work.")


def hold(app: Flask, item: PlaidItem, count: int, **values: Any) -> None:
    for _ in range(count):
        row = QuarantinedTransaction(
            user_id=item.user_id,
            plaid_item_id=item.id,
            sync_run_id=uuid.uuid4(),
            seq=1,
            code="BAD_AMOUNT",
            reason="",
            raw=b"",
            **values,
        )
        save(app, row)


def test_rows_that_could_not_be_read_are_told_in_one_sentence(
    app: Flask, alice: User, bob: User, alice_client: FlaskClient
) -> None:
    item, other, fine = (linked(app, alice) for _ in range(3))
    make_account(app, item), make_account(app, item)
    hold(app, item, 2)
    hold(app, other, 1)
    hold(app, fine, 1, resolved_at=dt.datetime.now(dt.UTC))
    hold(app, linked(app, bob), 1)
    assert card(alice_client, item).one(css="item-note").text == (
        "2 transactions of this bank could not be read and are in no figure; we try"
        " again when the bank sends them anew."
    )
    assert card(alice_client, other).one(css="item-note").text == (
        "1 transaction of this bank could not be read and is in no figure; we try"
        " again when the bank sends it anew."
    )
    assert card(alice_client, fine).all(css="item-note") == []
