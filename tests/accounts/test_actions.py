"""Sync now and removal: what is recorded, and for whom."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.dashboard.reading import read
from tests.dashboard.test_fragments import HTMX
from tests.factories import csrf_token, make_account, make_item
from tests.ledger.rows import add, row
from webapp.extensions import db
from webapp.models import PlaidItem, User


@pytest.fixture
def item(app: Flask, alice: User) -> PlaidItem:
    return make_item(app, alice, institution_name="Bank of Alice")


def press(
    client: FlaskClient, item: PlaidItem, action: str, **headers: str
) -> TestResponse:
    data = {"csrf_token": csrf_token(client.get("/accounts/").text)}
    data["history"] = "delete"  # the removal reads it
    return client.post(f"/accounts/{item.id}/{action}", data=data, headers=headers)


def reload(app: Flask, item: PlaidItem) -> PlaidItem:
    with app.app_context():
        found = db.session.get_one(PlaidItem, (item.user_id, item.id))
        db.session.expunge(found)
    return found


def test_sync_now_is_recorded_as_a_wish(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    answer = press(alice_client, item, "syncs")
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    after = reload(app, item)
    assert after.req_seq == item.req_seq + 1
    assert after.done_seq == item.done_seq
    assert "We are asking your bank for news." in alice_client.get("/accounts/").text


def test_sync_now_answers_htmx_with_the_card_at_work(
    alice_client: FlaskClient, item: PlaidItem
) -> None:
    answer = press(alice_client, item, "syncs", **HTMX)
    assert answer.status_code == 200
    shown = read(answer.text).get(f"item-{item.id}")
    assert shown.one("progress")
    assert shown.attrs["hx-get"] == f"/accounts/{item.id}/status"
    # nothing is left to be told on the next page
    assert "asking your bank" not in alice_client.get("/accounts/").text


def test_several_presses_are_several_wishes_and_one_due_bank(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    for _ in range(3):
        press(alice_client, item, "syncs")
    assert reload(app, item).req_seq == item.req_seq + 3


def test_removal_hides_the_bank_at_once(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    account = make_account(app, item, name="Her account")
    add(app, row(account, "-5"))
    answer = press(alice_client, item, "removal")
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    assert reload(app, item).state == "removing"
    page = alice_client.get("/accounts/").text
    assert "Bank of Alice and everything that was read from it is deleted." in page
    assert "Bank of Alice" not in alice_client.get("/accounts/").text
    assert read(alice_client.get("/").text).get("first-steps")


def test_removal_by_htmx_loads_the_list_as_a_whole_page(
    alice_client: FlaskClient, item: PlaidItem
) -> None:
    answer = press(alice_client, item, "removal", **HTMX)
    assert answer.headers["HX-Redirect"] == "/accounts/"


@pytest.mark.parametrize("action", ["syncs", "removal", "renewal"])
def test_second_removal_and_sync_after_it_find_nothing(
    alice_client: FlaskClient, item: PlaidItem, action: str
) -> None:
    press(alice_client, item, "removal")
    assert press(alice_client, item, action).status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("action", ["syncs", "removal", "repair", "renewal"])
def test_bob_cannot_touch_the_bank_of_alice(
    app: Flask, bob_client: FlaskClient, item: PlaidItem, action: str,
    headers: dict[str, str],
) -> None:  # fmt: skip
    answer = press(bob_client, item, action, **headers)
    assert answer.status_code == 404
    after = reload(app, item)
    assert (after.state, after.req_seq) == (item.state, item.req_seq)


@pytest.mark.parametrize("action", ["syncs", "removal", "repair", "renewal"])
def test_anonymous_and_forged_forms_change_nothing(
    app: Flask, client: FlaskClient, alice_client: FlaskClient, item: PlaidItem,
    action: str,
) -> None:  # fmt: skip
    url = f"/accounts/{item.id}/{action}"
    assert alice_client.post(url).status_code == 400
    data = {"csrf_token": csrf_token(client.get("/login").text)}
    answer = client.post(url, data=data)
    assert answer.status_code == 303
    assert answer.location.startswith("/login")
    assert reload(app, item).state == item.state


def test_sync_now_of_a_bank_that_wants_a_login_leads_to_the_repair(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = make_item(app, alice, state="login_required")
    answer = press(alice_client, item, "syncs")
    assert answer.location == f"/accounts/{item.id}/repair"
    assert reload(app, item).req_seq == item.req_seq
