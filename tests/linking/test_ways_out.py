"""Every way out of linking but success: a clear word, nothing half-made."""

import pytest

from tests import factories
from tests.linking.walk import (
    PLATYPUS,
    accounts,
    attempt_row,
    items,
    leave,
    nothing_made,
    post,
    said,
    start,
    succeed,
    told,
)
from tests.sync.linked import (
    Background,
    ask_db,
    change_db,
    public_token_of,
    state_at_bank,
    until,
)
from webapp.extensions import db
from webapp.worker import work_once

pytestmark = pytest.mark.commits

EXCHANGE = "/item/public_token/exchange"


# Left, or refused inside Link


def test_closing_the_banks_window(app, bank, alice_client):
    attempt = start(alice_client)
    answer = leave(alice_client, attempt)
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    assert "You left before the bank was linked" in told(alice_client)
    row = attempt_row(app, attempt)
    assert (row.status, row.error_code) == ("exited", None)
    assert row.finished_at is not None
    assert nothing_made(app)
    assert bank.count_calls(EXCHANGE) == 0


REFUSAL = {
    "error_code": "INSTITUTION_DOWN",
    "error_type": "INSTITUTION_ERROR",
    "error_message": "this institution is not responding",
    "display_message": "Your bank is having <problems>.",
}


def test_an_error_of_the_bank_inside_link(app, bank, alice_client):
    attempt = start(alice_client)
    answer = leave(alice_client, attempt, REFUSAL, request_id="req-m8MDnv9")
    assert answer.status_code == 422, "our side is well"
    assert "Your bank is having &lt;problems&gt;." in answer.text
    assert "INSTITUTION_DOWN" in answer.text
    assert "req-m8MDnv9" in answer.text
    row = attempt_row(app, attempt)
    assert (row.status, row.error_code) == ("failed", "INSTITUTION_DOWN")
    assert row.request_id == "req-m8MDnv9"
    assert nothing_made(app)


def test_a_window_that_plaid_has_closed(app, bank, alice_client):
    """Its token lives shorter than the attempt, and the page would offer it again."""
    attempt = start(alice_client)
    answer = leave(alice_client, attempt, {"error_code": "INVALID_LINK_TOKEN"})
    assert answer.status_code == 303
    assert attempt_row(app, attempt).status == "expired"
    assert "please start again" in told(alice_client)


def test_an_error_without_words_still_has_ours(app, bank, alice_client):
    answer = leave(alice_client, start(alice_client), {"error_code": "SOMETHING"})
    assert "SOMETHING" in answer.text
    assert "Nothing was changed" in answer.text


@pytest.mark.parametrize("field", ["error", "metadata"])
def test_an_exit_nobody_can_read_is_refused(app, bank, alice_client, field):
    attempt = start(alice_client)
    path = f"/accounts/link/{attempt}/exit"
    assert post(alice_client, path, **{field: '{"error_code": '}).status_code == 400
    assert attempt_row(app, attempt).status == "created"


def test_nul_in_what_the_browser_says(app, bank, alice_client):
    attempt = start(alice_client)
    answer = leave(alice_client, attempt, REFUSAL | {"error_message": "a\0b"})
    assert answer.status_code in (422, 503)
    assert attempt_row(app, attempt).status == "failed"


@pytest.mark.parametrize("first", ["leave", "succeed"])
def test_an_attempt_ends_once(app, bank, alice_client, first):
    attempt = start(alice_client)
    if first == "leave":
        leave(alice_client, attempt)
        assert succeed(alice_client, attempt, public_token_of(bank)).status_code == 303
        assert nothing_made(app)
        assert bank.count_calls(EXCHANGE) == 0
    else:
        succeed(alice_client, attempt, public_token_of(bank))
        assert leave(alice_client, attempt).status_code == 303
        assert len(items(app)) == 1
    ended = {"leave": "exited", "succeed": "linked"}[first]
    assert attempt_row(app, attempt).status == ended


# Too late, or not one's own


def test_an_attempt_older_than_its_hour(app, bank, alice_client):
    attempt = start(alice_client)
    change_db(app, "UPDATE plaid_link_sessions SET expires_at = now()")
    answer = succeed(alice_client, attempt, public_token_of(bank))
    assert answer.status_code == 303
    assert "expired" in told(alice_client)
    assert attempt_row(app, attempt).status == "expired"
    assert nothing_made(app)
    assert bank.count_calls(EXCHANGE) == 0
    assert alice_client.get(f"/accounts/link/{attempt}").status_code == 303


@pytest.mark.parametrize("way", [leave, succeed])
def test_an_exchange_that_died_is_not_under_way_for_ever(app, bank, alice_client, way):
    attempt = start(alice_client)
    dead = "UPDATE plaid_link_sessions SET status = 'exchanging', expires_at = now()"
    change_db(app, dead)
    words = [public_token_of(bank)] if way is succeed else []
    assert way(alice_client, attempt, *words).status_code == 303
    assert "The bank could not be linked" in told(alice_client)


def test_an_attempt_lives_for_an_hour(app, bank, alice_client):
    start(alice_client)
    life = ask_db(app, "SELECT expires_at - created_at FROM plaid_link_sessions")
    assert life[0][0].total_seconds() == pytest.approx(3600, abs=5)


def test_somebody_elses_attempt_is_not_found(app, bank, alice_client, bob_client):
    attempt = start(alice_client)
    token = public_token_of(bank)
    assert bob_client.get(f"/accounts/link/{attempt}").status_code == 404
    assert succeed(bob_client, attempt, token).status_code == 404
    assert leave(bob_client, attempt).status_code == 404
    assert attempt_row(app, attempt).status == "created"
    assert nothing_made(app)
    assert bank.count_calls(EXCHANGE) == 0


def test_a_stranger_is_sent_to_log_in(app, bank, client, alice_client):
    attempt = start(alice_client)
    app.config["WTF_CSRF_ENABLED"] = False
    try:
        answer = client.post(
            f"/accounts/link/{attempt}/success", data={"public_token": "x"}
        )
    finally:
        app.config["WTF_CSRF_ENABLED"] = True
    assert answer.status_code in (302, 303)
    assert "/login" in answer.location
    assert nothing_made(app)


def test_a_success_without_a_token_is_refused(app, bank, alice_client):
    attempt = start(alice_client)
    assert succeed(alice_client, attempt, "").status_code == 400
    assert attempt_row(app, attempt).status == "created"


# The exchange is refused


def used_token(bank) -> str:
    token = public_token_of(bank)
    bank.plaid(EXCHANGE, public_token=token)
    return token


@pytest.mark.parametrize("token", ["used", "made up", "no token at all"])
def test_a_token_that_is_no_good(app, bank, alice_client, token):
    given = {"used": used_token, "made up": lambda bank: "public-sandbox-" + "0" * 36}
    public_token = given.get(token, lambda bank: "'; DROP TABLE users --")(bank)
    attempt = start(alice_client)
    answer = succeed(alice_client, attempt, public_token)
    row = attempt_row(app, attempt)
    assert answer.status_code == 422
    assert (row.status, row.error_code) == ("failed", "INVALID_PUBLIC_TOKEN")
    assert "INVALID_PUBLIC_TOKEN" in answer.text
    assert row.request_id
    assert row.request_id in answer.text
    assert public_token not in answer.text
    assert nothing_made(app)


DOWN = {
    "an error": {"error_code": "INTERNAL_SERVER_ERROR"},
    "a proxy's page": {"status": 502, "body": "<html>"},
    "no words": {"truncate": 10},
    "nonsense": {"set": {"access_token": None}},
}


@pytest.mark.parametrize("down", DOWN)
def test_plaid_down_at_the_exchange(app, bank, alice_client, down):
    attempt = start(alice_client)
    bank.fault(EXCHANGE, **DOWN[down])
    answer = succeed(alice_client, attempt, public_token_of(bank))
    assert answer.status_code in (422, 503)
    assert attempt_row(app, attempt).status == "failed"
    assert nothing_made(app)
    again = succeed(alice_client, start(alice_client), public_token_of(bank))
    assert again.status_code == 303, "a new attempt works"
    assert len(items(app)) == 1


@pytest.mark.parametrize("down", DOWN)
def test_plaid_down_at_the_start(app, bank, alice_client, down):
    switch = {"set": {"link_token": None}} if down == "nonsense" else DOWN[down]
    bank.fault("/link/token/create", **switch)
    answer = post(alice_client, "/accounts/link")
    assert answer.status_code == (422 if down == "an error" else 503)
    assert ("The bank service does not answer" in answer.text) == (down != "an error")
    assert ask_db(app, "SELECT 1 FROM plaid_link_sessions") == []
    assert start(alice_client)


@pytest.mark.parametrize("down", DOWN)
def test_plaid_down_after_the_exchange_keeps_the_bank(app, bank, alice_client, down):
    """The token cannot be had again: accounts come with the first sync."""
    switch = {"set": {"accounts": None}} if down == "nonsense" else DOWN[down]
    bank.fault("/accounts/get", **switch)
    attempt = start(alice_client)
    answer = succeed(alice_client, attempt, public_token_of(bank))
    assert answer.status_code == 303
    assert attempt_row(app, attempt).status == "linked"
    assert (len(items(app)), len(accounts(app))) == (1, 0)
    assert work_once(app) == "succeeded"
    assert len(accounts(app)) == 14


def test_accounts_that_make_no_sense_do_not_cost_the_bank(app, bank, alice_client):
    absurd = {
        "account_id": "a", "name": "n", "type": "depository",
        "balances": {"current": "1e40", "iso_currency_code": "USD"},
    }  # fmt: skip
    bank.fault("/accounts/get", set={"accounts": [absurd]})
    assert (
        succeed(alice_client, start(alice_client), public_token_of(bank)).status_code
        == 303
    )
    assert (len(items(app)), len(accounts(app))) == (1, 0)
    assert work_once(app) == "succeeded"


def test_a_bank_without_details_is_linked_all_the_same(app, bank, alice_client):
    bank.fault("/institutions/get_by_id", error_code="INTERNAL_SERVER_ERROR")
    answer = succeed(alice_client, start(alice_client), public_token_of(bank))
    assert answer.status_code == 303
    assert items(app)[0].institution_name == "First Platypus Bank"
    assert work_once(app) == "succeeded"  # and the worker asks once more
    (known,) = ask_db(app, "SELECT * FROM institutions")
    assert known.name == "First Platypus Bank"
    assert known.logo


def test_a_browsers_word_on_a_bank_is_nobody_elses(app, bank, alice_client):
    bank.fault("/accounts/get", error_code="INTERNAL_SERVER_ERROR")
    lie = {"institution_id": "ins_109511", "name": "Evil Bank"}
    succeed(alice_client, start(alice_client), public_token_of(bank), said(lie))
    assert ask_db(app, "SELECT * FROM institutions") == []


# The same bank twice


@pytest.fixture
def linked(app, bank, alice_client):
    """First Platypus Bank with its fourteen accounts, synced."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    assert work_once(app) == "succeeded"
    return items(app)[0]


def shown_by_link(bank, item) -> list[dict]:
    return state_at_bank(bank, item.item_id)["accounts"]


def test_the_same_login_is_seen_before_the_exchange(app, bank, alice_client, linked):
    exchanges = bank.count_calls(EXCHANGE)
    attempt = start(alice_client)
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    answer = succeed(alice_client, attempt, public_token_of(bank), metadata)
    choice = f"/accounts/link/{attempt}/choice"
    assert (answer.status_code, answer.location) == (303, choice)
    assert "First Platypus Bank is linked already" in alice_client.get(choice).text
    assert bank.count_calls(EXCHANGE) == exchanges
    assert items(app) == [linked]
    row = attempt_row(app, attempt)
    assert (row.status, row.plaid_item_id) == ("choosing", linked.id)


def test_a_part_of_the_same_accounts_is_the_same_login(app, bank, alice_client, linked):
    exchanges = bank.count_calls(EXCHANGE)
    metadata = said(PLATYPUS, shown_by_link(bank, linked)[:3])
    succeed(alice_client, start(alice_client), public_token_of(bank), metadata)
    assert bank.count_calls(EXCHANGE) == exchanges


def test_the_same_login_is_seen_after_the_exchange(app, bank, alice_client, linked):
    """The browser lied about the bank: the new item waits, and goes, at Plaid as well,
    unless somebody says that it is a second login."""
    before = ask_db(app, "SELECT count(*) FROM transactions")[0][0]
    lie = {"institution_id": "ins_109511", "name": "Tartan Bank"}
    attempt = start(alice_client)
    answer = succeed(alice_client, attempt, public_token_of(bank), said(lie))
    assert answer.location == f"/accounts/link/{attempt}/choice"
    assert attempt_row(app, attempt).status == "choosing"
    first, second = items(app)
    assert (first.id, second.state) == (linked.id, "removing")
    assert state_at_bank(bank, second.item_id)
    assert work_once(app) is None, "it is not read before somebody says so"
    change_db(app, "UPDATE jobs SET run_at = now()")  # nobody said a word
    assert [work_once(app) for _ in range(4)] == ["done", "done", "done", None]
    assert attempt_row(app, attempt).status == "duplicate"
    assert items(app) == [first]
    with pytest.raises(KeyError):
        state_at_bank(bank, second.item_id)
    assert len(accounts(app)) == 14
    assert ask_db(app, "SELECT count(*) FROM transactions")[0][0] == before
    assert attempt_row(app, attempt).plaid_item_id == linked.id


def test_two_attempts_finished_at_once_link_the_bank_once(app, bank, alice):
    """Two tabs, each with an attempt and a token; neither knows of the other."""
    tabs = [factories.signed_in(app, alice) for _ in range(2)]
    attempts = [(tab, start(tab), public_token_of(bank)) for tab in tabs]
    key = int.from_bytes(alice.id.bytes[8:], signed=True)
    with app.app_context(), db.engine.begin() as beside:
        beside.execute(db.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        posts = [Background(succeed, *attempt) for attempt in attempts]
        until(lambda: len(ask_db(app, WAITING_FOR_TURN)) == 2)
    assert [post.result().status_code for post in posts] == [303, 303]
    assert sorted(item.state for item in items(app)) == ["first_sync", "removing"]
    assert len(accounts(app)) == 14


WAITING_FOR_TURN = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_a_second_login_with_other_accounts_is_welcome(app, bank, alice_client, linked):
    token = public_token_of(bank, "user_load_5", "any")
    shown = [{"name": "Load Checking", "mask": "4001", "type": "depository"}]
    answer = succeed(alice_client, start(alice_client), token, said(PLATYPUS, shown))
    assert "is linked. Its transactions" in told(alice_client)
    assert answer.status_code == 303
    assert [item.state for item in items(app)] == ["healthy", "first_sync"]


def test_the_same_login_of_another_person_is_no_duplicate(
    app, bank, alice_client, bob_client, linked
):
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    succeed(bob_client, start(bob_client), public_token_of(bank), metadata)
    assert len(items(app)) == 2


def test_a_bank_that_was_removed_can_be_linked_again(app, bank, alice_client, linked):
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    post(alice_client, f"/accounts/{linked.id}/removal", history="delete")
    answer = succeed(alice_client, start(alice_client), public_token_of(bank), metadata)
    assert answer.status_code == 303
    assert "is linked. Its transactions" in told(alice_client)
    states = sorted(item.state for item in items(app))
    assert states == ["first_sync", "removing"]
