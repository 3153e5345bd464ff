"""The view `ledger`: each rule of flow, its reason, and that the first one wins."""

import datetime as dt
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.factories import make_account, make_item
from tests.ledger.rows import add, make_person, open_account, row
from webapp.extensions import db
from webapp.models import BankAccount, LedgerEntry, PlaidItem

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
CARD = ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT")
CAR = ("LOAN_PAYMENTS", "LOAN_PAYMENTS_CAR_PAYMENT")
CASH = ("TRANSFER_OUT", "TRANSFER_OUT_WITHDRAWAL")
APP_IN = ("TRANSFER_IN", "TRANSFER_IN_TRANSFER_IN_FROM_APPS")
APP_OUT = ("TRANSFER_OUT", "TRANSFER_OUT_TRANSFER_OUT_FROM_APPS")
DEPOSIT = ("TRANSFER_IN", "TRANSFER_IN_DEPOSIT")
MOVED_IN = ("TRANSFER_IN", "TRANSFER_IN_ACCOUNT_TRANSFER")
MOVED_OUT = ("TRANSFER_OUT", "TRANSFER_OUT_SAVINGS")
LENT = ("LOAN_DISBURSEMENTS", "LOAN_DISBURSEMENTS_PERSONAL")
WAGE = ("INCOME", "INCOME_SALARY")
FOOD = ("FOOD_AND_DRINK", "FOOD_AND_DRINK_GROCERIES")
NEW_CODE = ("SPACE_TRAVEL", "SPACE_TRAVEL_MOON")
NONE = (None, None)
Category = tuple[str | None, str | None]
Found = tuple[str, str, bool]


def entry(app: Flask, account: BankAccount, amount: str, **values: Any) -> LedgerEntry:
    one = row(account, amount, **values)
    add(app, one)
    with app.app_context():
        found = db.session.get(LedgerEntry, (account.user_id, one["id"]))
        assert found is not None
        db.session.expunge(found)
    return found


def flow(
    app: Flask, account: BankAccount, amount: str, category: Category, **values: Any
) -> Found:
    """(flow, reason, in_review) of a row with Plaid's category."""
    primary, detailed = category
    found = entry(
        app, account, amount,
        category_primary=primary, category_detailed=detailed, **values,
    )  # fmt: skip
    return found.flow, found.reason, found.in_review


@pytest.fixture
def account(app: Flask) -> BankAccount:
    return open_account(app)


@pytest.mark.parametrize(
    ("category", "amount", "expected"),
    [
        (CARD, "-50", ("card_payment", "card_payment", False)),
        (CARD, "50", ("card_payment", "card_payment", False)),
        (CAR, "-50", ("spending", "loan_payment", False)),
        (CAR, "50", ("spending", "loan_payment", False)),
        (("LOAN_PAYMENTS", None), "-50", ("spending", "loan_payment", False)),
        (CASH, "-50", ("spending", "cash_withdrawal", True)),
        (CASH, "50", ("income", "cash_withdrawal", True)),
        (APP_OUT, "-50", ("spending", "payment_app", True)),
        (APP_OUT, "50", ("income", "payment_app", True)),
        (APP_IN, "50", ("income", "payment_app", True)),
        (APP_IN, "-50", ("spending", "payment_app", True)),
        (DEPOSIT, "50", ("income", "deposit", True)),
        (DEPOSIT, "-50", ("income", "deposit", True)),
        (MOVED_IN, "50", ("transfer", "transfer", True)),
        (MOVED_OUT, "-50", ("transfer", "transfer", True)),
        (("TRANSFER_OUT", None), "-50", ("transfer", "transfer", True)),
        (("TRANSFER_IN", "TRANSFER_IN_NEW"), "5", ("transfer", "transfer", True)),
        (LENT, "50", ("transfer", "loan_disbursement", True)),
        (LENT, "-50", ("transfer", "loan_disbursement", True)),
        (WAGE, "50", ("income", "income", False)),
        (WAGE, "-50", ("income", "income", False)),
        (FOOD, "-50", ("spending", "spending", False)),
        (FOOD, "50", ("refund", "refund", False)),
        (NONE, "-50", ("spending", "spending", False)),
        (NONE, "50", ("income", "uncategorised_in", True)),
        (NEW_CODE, "-50", ("spending", "spending", False)),
        (NEW_CODE, "50", ("refund", "refund", False)),
        (FOOD, "0", ("spending", "spending", False)),
        (NONE, "0", ("spending", "spending", False)),
        (WAGE, "0", ("income", "income", False)),
        (CASH, "0", ("spending", "cash_withdrawal", True)),
        (APP_IN, "0", ("spending", "payment_app", True)),
        (CARD, "0", ("card_payment", "card_payment", False)),
    ],
)
def test_category_decides(
    app: Flask, account: BankAccount, category: Category, amount: str, expected: Found
) -> None:
    assert flow(app, account, amount, category) == expected


EVERY = [CARD, CAR, CASH, APP_IN, DEPOSIT, MOVED_OUT, LENT, WAGE, FOOD, NONE]


@pytest.mark.parametrize("category", EVERY)
def test_excluded_by_the_user_comes_first(app: Flask, category: Category) -> None:
    hidden = open_account(app, hidden_at=NOW)
    expected = ("excluded", "excluded_by_user", False)
    assert flow(app, hidden, "-50", category, excluded=True) == expected


@pytest.mark.parametrize("category", EVERY)
def test_hidden_account_comes_before_the_category(
    app: Flask, category: Category
) -> None:
    hidden = open_account(app, hidden_at=NOW)
    assert flow(app, hidden, "50", category) == ("excluded", "hidden_account", False)


@pytest.mark.parametrize(
    ("chosen", "amount", "categories", "expected"),
    [
        ("FOOD_AND_DRINK_COFFEE", "-5", ("FOOD_AND_DRINK", "FOOD_AND_DRINK_COFFEE"),
         ("spending", "spending", False)),
        ("FOOD_AND_DRINK", "5", ("FOOD_AND_DRINK", "FOOD_AND_DRINK"),
         ("refund", "refund", False)),
        ("INCOME", "5", ("INCOME", "INCOME"), ("income", "income", False)),
        ("INCOME_SALARY", "5", WAGE, ("income", "income", False)),
        ("TRANSFER_OUT", "-5", ("TRANSFER_OUT", "TRANSFER_OUT"),
         ("transfer", "transfer", True)),
        ("TRANSFER_OUT_WITHDRAWAL", "-5", CASH, ("spending", "cash_withdrawal", True)),
        ("LOAN_PAYMENTS_CREDIT_CARD_PAYMENT", "-5", CARD,
         ("card_payment", "card_payment", False)),
        ("LOAN_PAYMENTS", "-5", ("LOAN_PAYMENTS", "LOAN_PAYMENTS"),
         ("spending", "loan_payment", False)),
        # a code that no release knows is a category of its own
        ("BEEKEEPING", "-5", ("BEEKEEPING", "BEEKEEPING"),
         ("spending", "spending", False)),
        ("BEEKEEPING", "5", ("BEEKEEPING", "BEEKEEPING"), ("refund", "refund", False)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("plaids", [MOVED_IN, NONE])
def test_category_of_the_user_beats_that_of_plaid(
    app: Flask, account: BankAccount, plaids: Category, chosen: str, amount: str,
    categories: Category, expected: Found,
) -> None:  # fmt: skip
    found = entry(
        app, account, amount, category_primary=plaids[0], category_detailed=plaids[1],
        user_category=chosen,
    )  # fmt: skip
    assert (found.category_primary, found.category_detailed) == categories
    assert (found.flow, found.reason, found.in_review) == expected


def test_category_of_plaid_stands_without_one_of_the_user(
    app: Flask, account: BankAccount
) -> None:
    found = entry(
        app, account, "-5", category_primary="SPACE_TRAVEL",
        category_detailed="SPACE_TRAVEL_MOON",
    )  # fmt: skip
    assert (found.category_primary, found.category_detailed) == NEW_CODE


@pytest.mark.parametrize("category", EVERY)
def test_pending_row_has_the_flow_of_a_posted_one(
    app: Flask, account: BankAccount, category: Category
) -> None:
    posted = flow(app, account, "-5", category)
    assert flow(app, account, "-5", category, pending=True) == posted


def entries_of(app: Flask, account: BankAccount) -> int:
    wanted = select(LedgerEntry.id).where(LedgerEntry.user_id == account.user_id)
    with app.app_context():
        return len(db.session.execute(wanted).all())


def test_tombstones_are_out(app: Flask, account: BankAccount) -> None:
    add(app, row(account, "-5", removed_at=NOW), row(account, "-6"))
    assert entries_of(app, account) == 1


@pytest.mark.parametrize(("state", "counted"), [("removing", 0), ("removed", 1)])
def test_bank_being_erased_is_out_and_kept_history_counts(
    app: Flask, account: BankAccount, state: str, counted: int
) -> None:
    add(app, row(account, "-5"))
    with app.app_context():
        item = update(PlaidItem).where(PlaidItem.id == account.plaid_item_id)
        db.session.execute(item.values(state=state))
        db.session.commit()
    assert entries_of(app, account) == counted


def test_closed_account_keeps_its_history(app: Flask) -> None:
    closed = open_account(app, closed_at=NOW)
    assert flow(app, closed, "-5", FOOD) == ("spending", "spending", False)


def test_each_row_is_once_in_the_ledger(app: Flask) -> None:
    item = make_item(app, make_person(app))
    first, second = make_account(app, item), make_account(app, item)
    add(app, *(row(a, "-5", category_primary="INCOME") for a in (first, second)))
    assert entries_of(app, first) == 2
