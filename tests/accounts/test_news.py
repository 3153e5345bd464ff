"""Asking the bank for news at once: a paid extra, off unless switched on."""

import pytest

from tests.factories import csrf_token
from tests.sync.linked import ask_db, change_db, link, live, sync
from webapp.worker import work_once

pytestmark = pytest.mark.commits

REFRESH = "/transactions/refresh"
LABEL = "Ask the bank for news (costs extra)"


@pytest.fixture
def item(app, bank, alice):
    made = link(app, bank, alice, "user_transactions_dynamic", "any")
    assert sync(app, made) == "succeeded"
    return made


@pytest.fixture
def switched_on(app):
    app.config["PLAID_REFRESH"] = True
    yield
    app.config["PLAID_REFRESH"] = False


def press(client, item) -> str:
    page = client.get("/accounts/").text
    data = {"csrf_token": csrf_token(page)}
    answer = client.post(f"/accounts/{item.id}/news", data=data)
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    return client.get("/accounts/").text


def test_off_there_is_no_button_and_no_call(bank, alice_client, item):
    page = alice_client.get("/accounts/").text
    assert LABEL not in page
    data = {"csrf_token": csrf_token(page)}
    answer = alice_client.post(f"/accounts/{item.id}/news", data=data)
    assert answer.status_code == 404
    assert bank.count_calls(REFRESH) == 0


@pytest.mark.usefixtures("switched_on")
def test_on_the_bank_is_asked_and_its_news_comes(app, bank, alice_client, item):
    before = set(live(app, item))
    assert LABEL in alice_client.get("/accounts/").text
    assert "Your bank is being asked." in press(alice_client, item)
    assert bank.count_calls(REFRESH, item.item_id) == 1
    soon = (
        "SELECT next_at BETWEEN now() AND now() + interval '1 minute' FROM plaid_items"
    )
    assert ask_db(app, soon)[0][0], "without a webhook somebody has to look"
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert work_once(app) == "succeeded"
    assert set(live(app, item)) - before


@pytest.mark.usefixtures("switched_on")
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("INVALID_PRODUCT", "not part of this installation"),
        ("UNAUTHORIZED_ROUTE_ACCESS", "not part of this installation"),
        ("PRODUCTS_NOT_SUPPORTED", "not part of this installation"),
        ("TRANSACTIONS_REFRESH_LIMIT", "Plaid allows it twice a minute"),
        ("ITEM_LOGIN_REQUIRED", "Your bank could not be asked."),
        ("INTERNAL_SERVER_ERROR", "Your bank could not be asked."),
    ],
)
def test_a_refusal_is_said_plainly_and_syncs_go_on(
    app, bank, alice_client, item, code, words
):
    bank.fault(REFRESH, error_code=code)
    assert words in press(alice_client, item)
    assert sync(app, item) == "succeeded"


@pytest.mark.usefixtures("switched_on")
def test_a_bank_that_does_not_answer_is_not_asked_for_money(app, alice_client, item):
    assert LABEL in alice_client.get("/accounts/").text
    change_db(app, "UPDATE plaid_items SET state = 'institution_down'")
    assert LABEL not in alice_client.get("/accounts/").text


@pytest.mark.usefixtures("switched_on")
def test_an_ordinary_sync_never_costs_anything(app, bank, alice_client, item):
    page = alice_client.get("/accounts/").text
    data = {"csrf_token": csrf_token(page)}
    alice_client.post(f"/accounts/{item.id}/syncs", data=data)
    assert work_once(app) == "succeeded"
    assert bank.count_calls(REFRESH) == 0


@pytest.mark.usefixtures("switched_on")
def test_bob_asks_nobody(bank, bob_client, item):
    token = csrf_token(bob_client.get("/accounts/").text)
    data = {"csrf_token": token}
    assert bob_client.post(f"/accounts/{item.id}/news", data=data).status_code == 404
    assert bank.count_calls(REFRESH) == 0
