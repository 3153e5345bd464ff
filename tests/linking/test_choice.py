"""A bank that is linked already, linked once more: each answer does what it says."""

import datetime as dt
import json

import pytest

from tests.factories import make_account, make_item
from tests.linking.walk import (
    PLATYPUS,
    accounts,
    attempt_row,
    items,
    post,
    said,
    start,
    succeed,
    told,
)
from tests.sync.linked import ask_db, change_db, public_token_of, state_at_bank
from webapp.extensions import db
from webapp.linking.duplicates import find_twin
from webapp.linking.metadata import LinkAccount
from webapp.worker import work_once

pytestmark = pytest.mark.commits

EXCHANGE = "/item/public_token/exchange"


@pytest.fixture
def linked(app, bank, alice_client):
    """First Platypus Bank with its fourteen accounts, synced."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    assert work_once(app) == "succeeded"
    return items(app)[0]


def shown_by_link(bank, item) -> list[dict]:
    return state_at_bank(bank, item.item_id)["accounts"]


@pytest.fixture(params=["before", "after"])
def when(request) -> str:
    """Seen before the exchange, by what the browser says, or only after it."""
    return request.param


@pytest.fixture
def asked(bank, alice_client, linked, when):
    """The attempt that waits for an answer."""
    attempt = start(alice_client)
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    if when == "after":
        metadata = said({"institution_id": "ins_109511", "name": "Tartan Bank"})
    answer = succeed(alice_client, attempt, public_token_of(bank), metadata)
    assert answer.location == f"/accounts/link/{attempt}/choice"
    return attempt


def answer(client, attempt, words: str):
    return post(client, f"/accounts/link/{attempt}/choice", answer=words)


def states(app) -> list[str]:
    return sorted(item.state for item in items(app))


def work_all(app) -> None:
    while work_once(app) is not None:
        pass


def exchanged(bank) -> int:
    return bank.count_calls(EXCHANGE)


def test_the_question_has_three_answers(alice_client, linked, asked):
    page = alice_client.get(f"/accounts/link/{asked}/choice").text
    for words in ("repair", "second", "leave"):
        assert f'value="{words}"' in page
    assert "All accounts you chose are" in page
    # whoever comes back to the attempt is asked, too
    again = alice_client.get(f"/accounts/link/{asked}")
    assert again.location == f"/accounts/link/{asked}/choice"


def test_nothing_is_on_any_page_before_the_answer(app, alice_client, linked, asked):
    assert alice_client.get("/accounts/").text.count('class="card item"') == 1
    assert work_once(app) is None
    assert len(accounts(app)) == 14


def test_a_second_login_is_linked_and_read(app, bank, alice_client, linked, asked):
    assert answer(alice_client, asked, "second").status_code == 303
    assert "is linked. Its transactions" in told(alice_client)
    assert states(app) == ["first_sync", "healthy"]
    assert exchanged(bank) == 2
    assert attempt_row(app, asked).status == "linked"
    work_all(app)
    assert states(app) == ["healthy", "healthy"]
    assert len(accounts(app)) == 28
    assert ask_db(app, "SELECT 1 FROM jobs") == []


def test_the_same_login_leads_to_update_mode_of_the_link_there_is(
    app, bank, alice_client, linked, asked, when
):
    found = answer(alice_client, asked, "repair")
    assert attempt_row(app, asked).status == "duplicate"
    repair = ask_db(app, "SELECT * FROM plaid_link_sessions WHERE mode = 'update'")[0]
    assert found.location == f"/accounts/link/{repair.id}"
    assert (repair.plaid_item_id, repair.selects_accounts) == (linked.id, False)
    assert exchanged(bank) == (1 if when == "before" else 2)
    work_all(app)
    assert [item.id for item in items(app)] == [linked.id]
    removals = bank.count_calls("/item/remove")
    assert removals == (0 if when == "before" else 1), "nothing stays billed"


def test_left_alone_the_new_one_goes(app, bank, alice_client, linked, asked, when):
    assert answer(alice_client, asked, "leave").location == "/accounts/"
    assert "linked already, and nothing was added" in told(alice_client)
    work_all(app)
    assert [item.id for item in items(app)] == [linked.id]
    if when == "after":
        assert bank.count_calls("/item/remove") == 1
    assert bytes(attempt_row(app, asked).public_token or b"") == b""


@pytest.mark.parametrize("first", ["second", "leave", "repair"])
def test_one_answer_counts(app, bank, alice_client, linked, asked, first):
    answer(alice_client, asked, first)
    before = states(app), exchanged(bank)
    for words in ("second", "leave", "repair"):
        assert answer(alice_client, asked, words).status_code == 303
    assert (states(app), exchanged(bank)) == before


def test_an_answer_that_comes_too_late(app, bank, alice_client, linked, asked):
    """Plaid's token lives for half an hour, and so does the question."""
    row = attempt_row(app, asked)
    left = row.expires_at - dt.datetime.now(dt.UTC)
    assert dt.timedelta(minutes=20) < left < dt.timedelta(minutes=30)
    change_db(app, "UPDATE plaid_link_sessions SET expires_at = now()")
    exchanges = exchanged(bank)
    assert answer(alice_client, asked, "second").status_code == 303
    assert "expired" in told(alice_client)
    change_db(app, "UPDATE jobs SET run_at = now()")
    work_all(app)
    assert [item.id for item in items(app)] == [linked.id]
    assert exchanged(bank) == exchanges


def test_an_answer_nobody_offered(alice_client, linked, asked):
    assert answer(alice_client, asked, "both").status_code == 400


def test_bob_answers_for_nobody(app, bob_client, linked, asked):
    assert bob_client.get(f"/accounts/link/{asked}/choice").status_code == 404
    assert answer(bob_client, asked, "second").status_code == 404
    assert attempt_row(app, asked).status == "choosing"


def test_the_public_token_waits_encrypted(app, bank, alice_client, linked):
    attempt, public_token = start(alice_client), public_token_of(bank)
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    succeed(alice_client, attempt, public_token, metadata)
    kept = bytes(attempt_row(app, attempt).public_token)
    assert public_token.encode() not in kept
    answer(alice_client, attempt, "leave")
    assert attempt_row(app, attempt).public_token is None


def test_a_token_that_died_meanwhile_is_a_refusal(app, bank, alice_client, linked):
    attempt = start(alice_client)
    metadata = said(PLATYPUS, shown_by_link(bank, linked))
    succeed(alice_client, attempt, public_token_of(bank), metadata)
    bank.fault(EXCHANGE, error_code="INVALID_PUBLIC_TOKEN")
    found = answer(alice_client, attempt, "second")
    assert (found.status_code, "INVALID_PUBLIC_TOKEN" in found.text) == (422, True)
    assert attempt_row(app, attempt).status == "failed"


def test_more_accounts_than_are_linked_lead_to_their_choice(
    app, bank, alice_client, linked
):
    attempt = start(alice_client)
    more = [*shown_by_link(bank, linked)[:2], {"name": "New", "mask": "9", "type": "x"}]
    succeed(alice_client, attempt, public_token_of(bank), said(PLATYPUS, more))
    page = alice_client.get(f"/accounts/link/{attempt}/choice").text
    assert "Some of the accounts you chose are" in page
    answer(alice_client, attempt, "repair")
    repair = ask_db(app, "SELECT * FROM plaid_link_sessions WHERE mode = 'update'")[0]
    assert repair.selects_accounts


# Which accounts are the same


def twin_of(app, user, wanted, institution="ins_109508"):
    with app.app_context():
        seen = [LinkAccount(*one) for one in wanted]
        found = find_twin(db.session(), user.id, institution, seen)
        return found and found.is_whole


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ([("Checking", "0000")], True),
        ([("Checking", "0000"), ("Savings", "1111")], True),
        ([("Checking", "0000"), ("Mine", "7777")], False),
        ([("Mine", "7777")], None),
        ([("Checking", "7777")], None),
        ([("Cash", None)], True),
        ([("Cash", None), ("Mine", "7777")], None),
        ([], None),
        ([("Other", "5", "same-id")], True),
        ([("Checking", "0000", "another-id")], True),
        ([("Persistent", "2222", "another-id")], None),
    ],
)
def test_same_accounts(app, alice, wanted, found):
    item = make_item(app, alice, institution_id="ins_109508")
    for name, mask in (("Checking", "0000"), ("Savings", "1111"), ("Cash", None)):
        make_account(app, item, name=name, mask=mask)
    known = {"mask": "2222", "persistent_account_id": "same-id"}
    make_account(app, item, name="Persistent", **known)
    assert twin_of(app, alice, wanted) is found


def test_another_bank_with_equal_accounts_is_no_twin(app, alice, bob):
    make_account(app, make_item(app, alice, institution_id="ins_109508"))
    revoked = make_item(app, alice, institution_id="ins_3", state="revoked")
    make_account(app, revoked)
    wanted = [("Checking", "0000")]
    assert twin_of(app, alice, wanted, "ins_109511") is None
    assert twin_of(app, alice, wanted, "ins_3") is None, "it can be adopted instead"
    assert twin_of(app, alice, wanted, None) is None
    assert twin_of(app, bob, wanted) is None
    assert twin_of(app, alice, wanted) is True


# Accounts newly shared


def test_new_accounts_are_added_by_update_mode(app, bank, alice_client, linked):
    change_db(app, "UPDATE plaid_items SET new_accounts_at = now()")
    page = told(alice_client)
    assert "New accounts at First Platypus Bank" in page
    path = f"/accounts/{linked.id}/accounts"
    assert path in page
    bank.control("calls/clear")
    attempt = start(alice_client, path)
    row = attempt_row(app, attempt)
    assert (row.mode, row.plaid_item_id, row.selects_accounts) == (
        "update",
        linked.id,
        True,
    )
    config = alice_client.get(f"/accounts/link/{attempt}").text
    token = json.loads(config.split('id="link-config">')[1].split("</script>")[0])
    assert token["token"]
    assert succeed(alice_client, attempt, "not-to-be-used").status_code == 303
    assert items(app)[0].new_accounts_at is None
    assert "New accounts at" not in told(alice_client)


def test_a_plain_repair_does_not_forget_new_accounts(app, bank, alice_client, linked):
    change_db(app, "UPDATE plaid_items SET new_accounts_at = now()")
    attempt = start(alice_client, f"/accounts/{linked.id}/repair")
    succeed(alice_client, attempt, "not-to-be-used")
    assert items(app)[0].new_accounts_at is not None


def test_bob_adds_no_accounts_to_alices_bank(bob_client, linked):
    assert post(bob_client, f"/accounts/{linked.id}/accounts").status_code == 404
