"""/transactions/sync: cursors, pages, phases, and what a change does to a loop."""

import datetime
import string
from typing import Any

import pytest

from .conftest import Bank

SYNC = "/transactions/sync"


def item_of(bank: Bank, token: str) -> str:
    return str(bank.ok("/item/get", access_token=token)["item"]["item_id"])


def page(bank: Bank, token: str, **more: Any) -> dict[str, Any]:
    return bank.ok(SYNC, access_token=token, **more)


def test_user_good_has_its_388_rows(bank: Bank) -> None:
    got = bank.sync(bank.link())
    names = {one["account_id"]: one["name"] for one in got["accounts"]}
    rows = [names[row["account_id"]] for row in got["added"]]
    counts = {name: rows.count(name) for name in set(rows)}
    assert counts == {
        "Plaid Checking": 147,
        "Plaid Saving": 49,
        "Plaid CD": 24,
        "Plaid Credit Card": 144,
        "Plaid Money Market": 24,
    }
    assert not any("401k" in name for name in names.values())
    assert not any(row["pending"] for row in got["added"])


def test_empty_cursor_is_no_cursor_and_replay_is_identical(bank: Bank) -> None:
    token = bank.link("user_load_30")
    first = page(bank, token, count=7)
    again = page(bank, token, count=7, cursor="")
    second = page(bank, token, count=7, cursor=first["next_cursor"])
    same = page(bank, token, count=7, cursor=first["next_cursor"])
    for one in (first, again, second, same):
        del one["request_id"]
    assert first == again
    assert second == same
    assert first["has_more"]


def test_now_skips_the_history(bank: Bank) -> None:
    token = bank.link("user_load_20")
    now = page(bank, token, cursor="now")
    assert (now["added"], now["has_more"]) == ([], False)
    bank.control(f"items/{item_of(bank, token)}/repeat")
    assert len(bank.sync(token, now["next_cursor"])["modified"]) == 1


def test_pages_together_hold_each_row_once(bank: Bank) -> None:
    token = bank.link("user_load_100", days=40)
    ids = [row["transaction_id"] for row in bank.sync(token, count=33)["added"]]
    assert len(ids) == len(set(ids)) == 100


def test_not_ready_then_initial_then_historical(bank: Bank) -> None:
    bank.control("settings", initial_delay=600, historical_delay=1200)
    token = bank.link("user_load_400", days=400)
    early = page(bank, token)
    assert early["transactions_update_status"] == "NOT_READY"
    assert (early["next_cursor"], early["has_more"], early["added"]) == ("", False, [])
    get = {"start_date": "2020-01-01", "end_date": "2035-01-01"}
    refusal = bank.refused("/transactions/get", access_token=token, **get)
    assert refusal == "PRODUCT_NOT_READY"
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=11)
    bank.control("settings", grow=False)
    bank.control("clock", now=later.isoformat())
    first = bank.sync(token)
    assert first["status"] == "INITIAL_UPDATE_COMPLETE"
    oldest = min(row["date"] for row in first["added"])
    today = later.date()
    assert datetime.date.fromisoformat(oldest) > today - datetime.timedelta(days=32)
    bank.control("clock", now=(later + datetime.timedelta(minutes=11)).isoformat())
    rest = bank.sync(token, first["next_cursor"])
    assert rest["status"] == "HISTORICAL_UPDATE_COMPLETE"
    assert len(first["added"]) + len(rest["added"]) == 400


def test_a_change_between_pages_restarts_the_loop(bank: Bank) -> None:
    token = bank.link("user_load_20")
    item_id = item_of(bank, token)
    first = page(bank, token, count=5)
    bank.control(f"items/{item_id}/repeat")
    code = bank.refused(SYNC, access_token=token, cursor=first["next_cursor"])
    assert code == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    again = bank.refused(SYNC, access_token=token, cursor=first["next_cursor"])
    assert again == code
    assert len(bank.sync(token, count=5)["added"]) == 20


def test_unchanged_rows_may_come_again_as_modified(bank: Bank) -> None:
    token = bank.link("user_load_20")
    done = bank.sync(token)
    bank.control(f"items/{item_of(bank, token)}/repeat", count=8)
    news = bank.sync(token, done["next_cursor"])
    old = {row["transaction_id"]: row for row in done["added"]}
    assert len(news["modified"]) == 8
    assert all(row == old[row["transaction_id"]] for row in news["modified"])


def test_a_pending_row_posts_under_a_new_id(bank: Bank) -> None:
    token = bank.link("user_good")
    item_id = item_of(bank, token)
    start = bank.sync(token)
    today = datetime.date.fromisoformat(bank.get("/_control/state")["now"][:10])
    posts = (today + datetime.timedelta(days=2)).isoformat()
    row = {
        "amount": 20,
        "date_posted": posts,
        "date_transacted": today.isoformat(),
        "description": "Lantern Restaurant",
    }
    bank.ok("/sandbox/transactions/create", access_token=token, transactions=[row])
    news = bank.sync(token, start["next_cursor"])
    pending = news["added"][0]
    assert pending["pending"]
    assert pending["date"] == today.isoformat()
    assert "running_balance" not in pending
    path = f"items/{item_id}/transactions/{pending['transaction_id']}/post"
    bank.control(path, amount=23.6)
    after = bank.sync(token, news["next_cursor"])
    assert after["removed"] == [
        {
            "account_id": pending["account_id"],
            "transaction_id": pending["transaction_id"],
        }
    ]
    posted = after["added"][0]
    assert posted["pending_transaction_id"] == pending["transaction_id"]
    assert (posted["amount"], posted["pending"]) == (23.6, False)
    whole = bank.sync(token)
    assert len(whole["added"]) == 389
    assert whole["removed"] == []


def test_removal_and_posting_may_be_on_different_pages(bank: Bank) -> None:
    token = bank.link("user_transactions_dynamic", "any")
    start = bank.sync(token)
    waiting = [row for row in start["added"] if row["pending"]]
    bank.ok("/transactions/refresh", access_token=token)
    first = page(bank, token, cursor=start["next_cursor"], count=1)
    assert (len(first["removed"]), first["added"]) == (1, [])
    rest = bank.sync(token, first["next_cursor"])
    posted = {row["pending_transaction_id"] for row in rest["added"]}
    assert {row["transaction_id"] for row in waiting} <= posted
    assert len(rest["modified"]) == 1


def test_time_brings_new_rows_and_posts_pending_ones(bank: Bank) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    token = bank.link("user_demo_card")
    start = bank.sync(token)
    bank.control("clock", now="2026-04-15T12:00:00Z")
    news = bank.sync(token, start["next_cursor"])
    waiting = {row["transaction_id"] for row in start["added"] if row["pending"]}
    assert waiting
    assert {row["transaction_id"] for row in news["removed"]} == waiting
    days = {row["date"] for row in news["added"] if not row["pending_transaction_id"]}
    assert len(days) > 20
    bank.control("clock", now="2026-03-02T12:00:00Z")
    fresh = bank.sync(bank.link("user_demo_card"))
    assert len(fresh["added"]) == len(start["added"])


def test_one_account_has_a_stream_of_its_own(bank: Bank) -> None:
    token = bank.link()
    card = next(
        one["account_id"]
        for one in bank.ok("/accounts/get", access_token=token)["accounts"]
        if one["mask"] == "3333"
    )
    got = bank.sync(token, account_id=card)
    assert len(got["added"]) == 144
    assert {row["account_id"] for row in got["added"]} == {card}
    code = bank.refused(SYNC, access_token=token, cursor=got["next_cursor"])
    assert code == "INVALID_FIELD"


def test_options_change_what_a_row_says(bank: Bank) -> None:
    token = bank.link("user_demo_main")
    plain = bank.sync(token)["added"]
    old = bank.sync(
        token,
        include_original_description=True,
        personal_finance_category_version="v1",
    )["added"]
    assert "original_description" not in plain[0]
    assert all("original_description" in row for row in old)
    salary = next(row for row in old if row["name"] == "Northwind Robotics")
    assert salary["original_description"] == "NORTHWIND ROBOT PAYROLL"
    category = salary["personal_finance_category"]
    assert (category["detailed"], category["version"]) == ("INCOME_WAGES", "v1")


@pytest.mark.parametrize(
    "more",
    [
        {"cursor": "nonsense"},
        {"cursor": "bm9uc2Vuc2U="},
        {"cursor": "A" * 300},
        {"cursor": 7},
        {"count": 0},
        {"count": 501},
        {"count": "5"},
        {"options": {"account_id": 5}},
        {"options": {"days_requested": 0}},
    ],
)
def test_a_bad_field_is_an_invalid_field(bank: Bank, more: dict[str, Any]) -> None:
    token = bank.link("user_load_1")
    assert bank.refused(SYNC, access_token=token, **more) == "INVALID_FIELD"


LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"


def test_no_letter_of_a_cursor_can_be_changed(bank: Bank) -> None:
    token = bank.link("user_load_3")
    cursor = page(bank, token, count=1)["next_cursor"]
    for place, letter in enumerate(cursor.rstrip("=")):
        # The neighbour in the alphabet: it differs by the lowest bit alone.
        other = LETTERS[LETTERS.index(letter) ^ 1]
        bad = cursor[:place] + other + cursor[place + 1 :]
        assert bank.refused(SYNC, access_token=token, cursor=bad) == "INVALID_FIELD"
    for bad in (cursor[:-1], cursor[:40], cursor + "A", cursor + "\n"):
        assert bank.refused(SYNC, access_token=token, cursor=bad) == "INVALID_FIELD"


def test_a_cursor_of_another_item(bank: Bank) -> None:
    mine, other = bank.link("user_load_3"), bank.link("user_load_3")
    cursor = bank.sync(other)["next_cursor"]
    assert bank.refused(SYNC, access_token=mine, cursor=cursor) == "INVALID_FIELD"


def test_linking_again_gives_new_ids(bank: Bank) -> None:
    one, two = bank.sync(bank.link()), bank.sync(bank.link())
    ids = [{row["transaction_id"] for row in got["added"]} for got in (one, two)]
    assert not ids[0] & ids[1]
    names = [[row["name"] for row in got["added"]] for got in (one, two)]
    assert names[0] == names[1]


def test_a_row_moves_to_another_account_of_the_login(bank: Bank) -> None:
    token = bank.link("user_load_20")
    start = bank.sync(token)
    first, other = (one["account_id"] for one in start["accounts"])
    row = next(one for one in start["added"] if one["account_id"] == first)
    path = f"items/{item_of(bank, token)}/transactions/{row['transaction_id']}"
    bank.control(path, account_id=other, name="moved")
    news = bank.sync(token, start["next_cursor"])
    assert news["modified"] == [row | {"account_id": other, "name": "moved"}]
    was, now = balances(start), balances(news)
    assert now[first] == pytest.approx(was[first] + row["amount"])
    # a card: what is owed grows
    assert now[other] == pytest.approx(was[other] + row["amount"])


def balances(answer: dict) -> dict[str, float]:
    return {one["account_id"]: one["balances"]["current"] for one in answer["accounts"]}


def test_the_posted_row_may_be_told_apart_from_its_pending_one(bank: Bank) -> None:
    """The addition before the removal, in another answer and another account."""
    token = bank.link("user_load_20")
    start = bank.sync(token)
    other = start["accounts"][1]["account_id"]
    path = f"items/{item_of(bank, token)}/transactions"
    row = {
        "amount": 20,
        "date_posted": "2999-01-01",
        "date_transacted": "2026-01-01",
        "description": "Lantern Restaurant",
    }
    pending = bank.control(path, transactions=[row])["ids"][0]
    came = {"account_id": other, "pending_transaction_id": pending}
    posted = row | came | {"date_posted": "2026-01-01"}
    bank.control(path, transactions=[posted])
    news = bank.sync(token, start["next_cursor"])
    assert [one["pending"] for one in news["added"]] == [True, False]
    assert news["added"][1].items() >= came.items()
    bank.control(f"{path}/{pending}/remove")
    gone = bank.sync(token, news["next_cursor"])["removed"]
    assert [one["transaction_id"] for one in gone] == [pending]
