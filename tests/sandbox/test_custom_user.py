"""user_custom: rows equal the given ones; what cannot be used is refused."""

import datetime
import json
from typing import Any

import pytest

from .conftest import Bank

CREATE = "/sandbox/public_token/create"


def custom(rows: list[Any] | None, **account: Any) -> str:
    one = {"type": "depository", "subtype": "checking", "transactions": rows, **account}
    return json.dumps({"override_accounts": [one]})


def row(transacted: str, posted: str, amount: Any, text: str, **more: Any) -> Any:
    return {
        "amount": amount,
        "date_posted": posted,
        "date_transacted": transacted,
        "description": text,
        **more,
    }


def test_rows_are_the_given_ones(bank: Bank) -> None:
    bank.control("clock", now="2026-05-20T12:00:00Z")
    rows = [
        row("2026-05-01", "2026-05-02", -2500.1, "ACME PAYROLL 0923"),
        row("2026-05-03", "2026-05-03", 10.021521, "Blue Kettle Coffee"),
        row("2026-05-18", "2026-05-24", 42, "HOTEL Merchant name: Inn", currency="EUR"),
        row("2024-06-01", "2024-06-02", 7, "old but within two years"),
    ]
    token = bank.link("user_custom", custom(rows, starting_balance=1000), days=None)
    got = bank.sync(token)["added"]
    found = {
        (
            one["authorized_date"],
            one["date"],
            one["amount"],
            one["name"],
            one["pending"],
        )
        for one in got
    }
    assert found == {
        ("2026-05-01", "2026-05-02", -2500.1, "ACME PAYROLL 0923", False),
        ("2026-05-03", "2026-05-03", 10.021521, "Blue Kettle Coffee", False),
        ("2026-05-18", "2026-05-18", 42, "HOTEL Merchant name: Inn", True),
        ("2024-06-01", "2024-06-02", 7, "old but within two years", False),
    }
    by_name = {one["name"]: one for one in got}
    pay = by_name["ACME PAYROLL 0923"]["personal_finance_category"]
    assert pay["detailed"] == "INCOME_SALARY"
    inn = by_name["HOTEL Merchant name: Inn"]
    assert (inn["merchant_name"], inn["iso_currency_code"]) == ("Inn", "EUR")
    account = bank.ok("/accounts/get", access_token=token)["accounts"][0]
    balances = account["balances"]
    assert (balances["current"], balances["available"]) == (1000, 958)
    bank.control("clock", now="2026-05-25T12:00:00Z")
    posted = next(one for one in bank.sync(token)["added"] if one["amount"] == 42)
    assert (posted["date"], posted["pending"]) == ("2026-05-24", False)
    assert posted["pending_transaction_id"] == inn["transaction_id"]


def test_what_is_left_out_is_filled_in(bank: Bank) -> None:
    config = {
        "version": None,
        "seed": None,
        "override_accounts": [
            {"type": "credit", "meta": {"limit": 500, "name": None}, "numbers": None},
            {"type": "depository", "subtype": None, "transactions": []},
            {"type": "loan", "subtype": "auto", "starting_balance": 9.5},
        ],
    }
    token = bank.link("user_custom", json.dumps(config))
    accounts = bank.ok("/accounts/get", access_token=token)["accounts"]
    assert [one["subtype"] for one in accounts] == ["credit card", "checking", "auto"]
    assert accounts[0]["balances"]["limit"] == 500
    assert accounts[2]["balances"]["current"] == 9.5
    rows = bank.sync(token)["added"]
    assert {one["account_id"] for one in rows} == {accounts[0]["account_id"]}


def test_a_seed_gives_the_same_rows(bank: Bank) -> None:
    config = json.dumps({"seed": "one", "override_accounts": [{"type": "depository"}]})
    names = [
        [(one["date"], one["amount"]) for one in bank.sync(token)["added"]]
        for token in (
            bank.link("user_custom", config),
            bank.link("user_custom", config),
        )
    ]
    assert names[0] == names[1]


def test_available_balances(bank: Bank) -> None:
    accounts = [
        {"type": "depository", "starting_balance": 50, "force_available_balance": 7},
        {
            "type": "depository",
            "starting_balance": 60,
            "has_null_available_balance": True,
        },
    ]
    config = json.dumps({"override_accounts": accounts})
    token = bank.link("user_custom", config)
    found = bank.ok("/accounts/get", access_token=token)["accounts"]
    assert [one["balances"]["available"] for one in found] == [7, None]


def test_an_error_that_is_asked_for(bank: Bank) -> None:
    made = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    options = {
        "override_password": json.dumps({"force_error": "ITEM_LOCKED"}),
        "override_username": "user_custom",
    }
    assert bank.refused(CREATE, **made, options=options) == "ITEM_LOCKED"


DAY = datetime.date(2026, 1, 1).isoformat()


@pytest.mark.parametrize(
    "password",
    [
        "not json",
        "[]",
        json.dumps({"override_accounts": [{"type": None}]}),
        json.dumps({"override_accounts": [{"type": "purse"}]}),
        json.dumps({"override_accounts": [{"type": "depository"}] * 11}),
        json.dumps({"override_accounts": {"type": "depository"}}),
        custom([row(DAY, DAY, None, "x")]),
        custom([row(DAY, DAY, "5", "x")]),
        custom([row(DAY, DAY, 5, None)]),
        custom([row(DAY, "soon", 5, "x")]),
        custom([row(None, None, None, None)]),
        custom([], starting_balance="much"),
        custom([row(DAY, DAY, 5, "x" * 60_000)]),
        json.dumps({"version": 9}),
        '{"override_accounts": [{"type": "depository", "starting_balance": 1e400}]}',
    ],
)
def test_what_cannot_be_used_is_refused(bank: Bank, password: str) -> None:
    options = {"override_username": "user_custom", "override_password": password}
    made = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    assert bank.refused(CREATE, **made, options=options) == "INVALID_CREDENTIALS"
