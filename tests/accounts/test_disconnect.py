"""The end of a connection on the pages: two choices, what stays, what goes."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts.test_actions import press, reload
from tests.dashboard.reading import Node, read
from tests.factories import csrf_token, make_account, make_item
from tests.ledger.rows import add, row
from webapp.models import PlaidItem, User


@pytest.fixture
def item(app: Flask, alice: User) -> PlaidItem:
    made = make_item(
        app, alice, institution_name="Bank of Alice",
        update_status="HISTORICAL_UPDATE_COMPLETE",
    )  # fmt: skip
    account = make_account(app, made, name="Her account")
    add(app, row(account, "-5"), row(account, "-7"), row(account, "40"))
    return made


def end(client: FlaskClient, item: PlaidItem, history: str) -> str:
    """Presses the button of that choice; the page that follows."""
    data = {"csrf_token": csrf_token(client.get("/accounts/").text)}
    data["history"] = history
    answer = client.post(f"/accounts/{item.id}/removal", data=data)
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    return client.get("/accounts/").text


def choices(page: str) -> dict[str, Node]:
    """Forms of the page by what they do to the history."""
    forms = [form for form in read(page).all("form") if form.all(css="btn")]
    return {
        field.attrs["value"]: form
        for form in forms
        for field in form.all("input")
        if field.attrs["name"] == "history"
    }


def test_the_page_offers_both_ways_and_says_what_each_loses(
    alice_client: FlaskClient, item: PlaidItem
) -> None:
    page = alice_client.get(f"/accounts/{item.id}/removal").text
    found = choices(page)
    labels = {what: form.one("button").text for what, form in found.items()}
    assert labels == {"keep": "Disconnect", "delete": "Disconnect and delete"}
    words = read(page).text
    assert "stay in your figures" in words
    assert "no longer part of your net worth" in words
    assert "your categories, names and notes" in words
    actions = {form.attrs["action"] for form in found.values()}
    assert actions == {f"/accounts/{item.id}/removal"}, "plain forms, no script"


def test_a_kept_bank_moves_to_the_section_of_its_own(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    page = end(alice_client, item, "keep")
    assert "Its history stays." in page
    kept = read(page).get(f"kept-{item.id}")
    assert "3 transactions kept." in kept.text
    assert "Last read just now." in kept.text
    links = {a.text: a.attrs["href"] for a in kept.all("a")}
    assert links == {
        "Connect again": "/accounts/link",
        "Delete history": f"/accounts/{item.id}/removal",
    }
    assert reload(app, item).state == "removed"


def test_figures_of_a_kept_bank_stay_but_its_balances_do_not(
    alice_client: FlaskClient, item: PlaidItem
) -> None:
    before = read(alice_client.get("/?period=all").text)
    end(alice_client, item, "keep")
    after = read(alice_client.get("/?period=all").text)
    assert before.get("totals-USD").text == after.get("totals-USD").text
    assert before.find("net-worth") is not None
    assert after.find("net-worth") is None
    assert "No bank is connected" in after.get("freshness").text


def test_history_that_was_kept_can_be_deleted(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    end(alice_client, item, "keep")
    page = alice_client.get(f"/accounts/{item.id}/removal").text
    assert list(choices(page)) == ["delete"]
    assert "3 transactions" in read(page).text
    page = end(alice_client, item, "delete")
    assert "is deleted" in page
    assert read(page).find("kept") is None
    assert reload(app, item).state == "removing"
    assert read(alice_client.get("/").text).get("first-steps")


def test_keeping_what_is_kept_changes_nothing(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    end(alice_client, item, "keep")
    end(alice_client, item, "keep")
    assert reload(app, item).state == "removed"


@pytest.mark.parametrize("history", ["", "all", None])
def test_without_a_choice_nothing_happens(
    app: Flask, alice_client: FlaskClient, item: PlaidItem, history: str | None
) -> None:
    data = {"csrf_token": csrf_token(alice_client.get("/accounts/").text)}
    if history is not None:
        data["history"] = history
    url = f"/accounts/{item.id}/removal"
    assert alice_client.post(url, data=data).status_code == 400
    assert reload(app, item).state == "healthy"


def test_bob_sees_and_ends_nothing_of_hers(
    app: Flask, alice_client: FlaskClient, bob_client: FlaskClient, item: PlaidItem
) -> None:
    for _ in ("linked", "kept"):
        for path in ("removal", "renewal"):
            answer = bob_client.get(f"/accounts/{item.id}/{path}")
            assert answer.status_code == 404
        assert press(bob_client, item, "removal").status_code == 404
        assert "Bank of Alice" not in bob_client.get("/accounts/").text
        end(alice_client, item, "keep")
    assert reload(app, item).state == "removed"


# A connection that cannot be repaired


def test_a_dead_connection_is_linked_anew_and_keeps_its_history(
    app: Flask, alice_client: FlaskClient, item: PlaidItem
) -> None:
    page = alice_client.get(f"/accounts/{item.id}/renewal").text
    assert "cannot be repaired" in page
    answer = press(alice_client, item, "renewal")
    assert (answer.status_code, answer.location) == (303, "/accounts/link")
    assert reload(app, item).state == "removed"
    page = alice_client.get("/accounts/").text
    assert "3 transactions kept." in read(page).get(f"kept-{item.id}").text
