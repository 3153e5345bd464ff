"""The simulated people: deterministic, believable, consistent with each other."""

import datetime
from decimal import Decimal

import pytest

from webapp.sandbox.event import Event
from webapp.sandbox.taxonomy import PRIMARY_OF, to_v1
from webapp.sandbox.worlds import open_world

from .conftest import Bank

TODAY = datetime.date(2026, 11, 22)
DAYS = 730
PEOPLE = ["user_demo_main", "user_demo_card", "user_yuppie"]


def events(user: str, today: datetime.date = TODAY) -> list[Event]:
    world = open_world(user, "x", today, DAYS)
    return list(world.events(today - datetime.timedelta(days=DAYS), today))


@pytest.mark.parametrize("user", PEOPLE)
def test_history_is_the_same_on_any_day_it_is_looked_at(user: str) -> None:
    later = TODAY + datetime.timedelta(days=40)
    known = [one for one in events(user, later) if one.on <= TODAY]
    overlap = [one for one in events(user) if one.on >= known[0].on]
    assert known == overlap


@pytest.mark.parametrize("user", PEOPLE)
def test_some_purchases_are_pending(user: str) -> None:
    days = [TODAY - datetime.timedelta(days=back) for back in range(60)]
    known = events(user)
    waiting = [sum(1 for one in known if one.on <= day < one.posts_on) for day in days]
    assert sum(1 for count in waiting if count) > 30


def test_a_life_has_all_its_parts() -> None:
    codes = {one.category.split("|")[0] for one in events("user_demo_main")}
    codes |= {one.category.split("|")[0] for one in events("user_demo_card")}
    assert codes <= PRIMARY_OF.keys()
    assert {
        "BANK_FEES_ATM_FEES",
        "BANK_FEES_FOREIGN_TRANSACTION_FEES",
        "FOOD_AND_DRINK_GROCERIES",
        "FOOD_AND_DRINK_RESTAURANT",
        "INCOME_INTEREST_EARNED",
        "INCOME_SALARY",
        "INCOME_TAX_REFUND",
        "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT",
        "RENT_AND_UTILITIES_RENT",
        "TRANSFER_IN_SAVINGS",
        "TRANSFER_OUT_SAVINGS",
        "TRANSFER_OUT_WITHDRAWAL",
        "TRAVEL_FLIGHTS",
        "TRAVEL_LODGING",
    } <= codes
    refunds = [
        one
        for one in events("user_demo_card")
        if one.amount < 0 and one.category.startswith("GENERAL_MERCHANDISE")
    ]
    assert len(refunds) > 5


def test_card_payments_arrive_at_the_other_bank() -> None:
    name = "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT"
    paid = [one for one in events("user_demo_main") if one.category.startswith(name)]
    got = [one for one in events("user_demo_card") if one.category.startswith(name)]
    assert len(paid) >= 23
    for one in paid[:-1]:
        twins = [
            other
            for other in got
            if other.amount == -one.amount and 1 <= (other.on - one.on).days <= 3
        ]
        assert len(twins) == 1


def test_transfers_have_two_sides() -> None:
    moved = [one for one in events("user_demo_main") if "Transfer" in one.name]
    own = [one for one in moved if one.reference]
    assert sum((one.amount for one in own), Decimal(0)) == 0
    assert {one.account for one in own} == {0, 1}


@pytest.mark.parametrize("user", ["user_demo_main", "user_demo_card"])
def test_balances_follow_from_what_happened(bank: Bank, user: str) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    token = bank.link(user)
    before = bank.ok("/accounts/get", access_token=token)["accounts"]
    cursor = bank.sync(token)["next_cursor"]
    bank.control("clock", now="2026-04-20T12:00:00Z")
    news = bank.sync(token, cursor)
    after = bank.ok("/accounts/get", access_token=token)["accounts"]
    for old, new in zip(before, after, strict=True):
        sign = 1 if old["type"] == "credit" else -1
        posted = sum(
            Decimal(str(row["amount"]))
            for row in news["added"]
            if row["account_id"] == old["account_id"] and not row["pending"]
        )
        change = Decimal(str(new["balances"]["current"])) - Decimal(
            str(old["balances"]["current"])
        )
        assert change == sign * posted
        assert new["balances"]["current"] > 0


def test_both_taxonomies_are_whole() -> None:
    assert len(set(PRIMARY_OF.values())) == 18
    assert len(PRIMARY_OF) >= 127
    old = {to_v1(code) for code in PRIMARY_OF}
    assert (len({primary for primary, _ in old}), len(old)) == (16, 104)


def test_every_category_appears_once(bank: Bank) -> None:
    rows = bank.sync(bank.link("user_every_category"))["added"]
    codes = {row["personal_finance_category"]["detailed"] for row in rows}
    assert codes == PRIMARY_OF.keys()
    assert len(rows) == len(codes)


def test_coins_have_no_iso_code(bank: Bank) -> None:
    rows = bank.sync(bank.link("user_yuppie"))["added"]
    coins = [row for row in rows if row["unofficial_currency_code"] == "BTC"]
    assert coins
    assert {row["iso_currency_code"] for row in coins} == {None}
    assert {row["iso_currency_code"] for row in rows} == {None, "EUR", "USD"}


def test_an_item_linked_without_transactions_gets_them_later(bank: Bank) -> None:
    public = bank.ok(
        "/sandbox/public_token/create",
        institution_id="ins_109508",
        initial_products=["auth"],
    )["public_token"]
    token = bank.ok("/item/public_token/exchange", public_token=public)["access_token"]
    rows = bank.sync(token, days_requested=730)["added"]
    assert len(rows) == 388
    item = bank.ok("/item/get", access_token=token)["item"]
    assert "transactions" in item["products"]


def test_a_login_keeps_its_persistent_account_ids(bank: Bank) -> None:
    seen = []
    for _ in range(2):
        token = bank.link(institution="ins_56")
        accounts = bank.ok("/accounts/get", access_token=token)["accounts"]
        seen.append([one.get("persistent_account_id") for one in accounts])
    assert seen[0] == seen[1]
    assert seen[0][0]
