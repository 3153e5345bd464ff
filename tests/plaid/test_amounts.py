"""Amounts as the bank's bytes have them, to the digit; and what else may be odd."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bank import Bank
from tests.sync.linked import open_at_bank
from webapp.plaid.decode import NOTHING, AccountsAnswer, SyncPage, decode, without_nul
from webapp.sync.parts import category, facts

ROW = """{"transaction_id": "t1", "account_id": "a1", "date": "2026-10-05", %s}"""
PAGE = """{"added": [%s], "modified": [], "removed": [], "next_cursor": "c",
           "has_more": false, "request_id": "r"}"""


def transaction(members: str):
    return decode((PAGE % ROW % members).encode(), SyncPage).added[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("0.1", "0.1"),
        ("0.2", "0.2"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("10.0215217", "10.0215217"),
        ("1205", "1205"),
        ("-89.40", "-89.40"),
        ("0", "0"),
        ("-0.0", "0"),
        ("1e-7", "0.0000001"),
        ("1E+3", "1000"),
        ("12345.678", "12345.678"),  # dinars have three places
        ("0.00000001", "0.00000001"),  # a satoshi
        ("123456789012345678.1234567891", "123456789012345678.1234567891"),
        ("9007199254740993", "9007199254740993"),  # no double holds this one
        ('"12.50"', "12.50"),
    ],
)
def test_an_amount_is_exactly_what_was_written(written, meant):
    amount = transaction(f'"amount": {written}').amount
    assert isinstance(amount, Decimal)
    assert amount == Decimal(meant)


def test_tenths_add_up_to_the_digit():
    found = [transaction(f'"amount": {x}').amount for x in ("0.1", "0.2", "-0.3")]
    assert sum(found) == 0


@given(st.decimals(allow_nan=False, allow_infinity=False, places=7))
def test_any_amount_of_seven_places_survives(amount):
    assert transaction(f'"amount": {amount:f}').amount == amount


def test_balances_are_exact_too():
    body = b"""{"request_id": "r", "item": {"item_id": "i"}, "accounts": [{
        "account_id": "a", "name": "n", "type": "depository",
        "balances": {"current": 23631.9805, "available": null, "limit": 0.1}}]}"""
    balances = decode(body, AccountsAnswer).accounts[0].balances
    assert balances.current == Decimal("23631.9805")
    assert balances.available is None
    assert balances.limit == Decimal("0.1")


def test_words_and_fields_of_tomorrow_are_taken():
    found = transaction(
        '"amount": 1, "payment_channel": "by drone", "a_new_field": {"deep": [1, {}]},'
        ' "personal_finance_category": {"primary": "SPACE", "detailed": "SPACE_FUEL",'
        '  "confidence_level": "ABSOLUTE", "version": "v9", "more": 1},'
        ' "counterparties": [{"name": "x", "type": "robot", "account_numbers": {}}]'
    )
    assert found.payment_channel == "by drone"
    assert category(found.personal_finance_category) == (
        "SPACE\tSPACE_FUEL\tABSOLUTE\tv9"
    )
    assert facts(found.location, found.payment_meta, found.counterparties) == (
        '{"counterparties":[{"name":"x","type":"robot"}]}'
    )


def test_what_may_be_null_is_none():
    names = (
        "iso_currency_code unofficial_currency_code pending_transaction_id name"
        " authorized_date authorized_datetime merchant_name merchant_entity_id"
        " original_description payment_channel check_number"
    ).split()
    parts = ("location", "payment_meta", "personal_finance_category", "counterparties")
    said = (f'"{name}": null' for name in (*names, *parts))
    found = transaction(", ".join(['"amount": 1', *said]))
    assert [getattr(found, name) for name in names] == [None] * len(names)
    assert [getattr(found, name) for name in parts] == [NOTHING] * len(parts)
    assert facts(found.location, found.payment_meta, found.counterparties) == "{}"
    assert category(found.personal_finance_category) == "\\N\t\\N\t\\N\t\\N"


def test_account_types_of_tomorrow_are_taken():
    body = b"""{"request_id": "r", "item": {"item_id": "i", "webhook": "", "x": 1},
        "accounts": [{"account_id": "a", "name": "n", "type": "moon base",
        "subtype": "crater", "mask": null, "official_name": null, "balances": {}}]}"""
    account = decode(body, AccountsAnswer).accounts[0]
    assert (account.type, account.subtype) == ("moon base", "crater")


def test_the_real_answers_of_the_bank_are_plain(bank: Bank, plaid):
    """Decimals, dates and strings: nothing of plaid-python's own models is left."""
    access_token, _ = open_at_bank(bank, "user_good", "pass_good")
    found = decode(plaid.transactions_sync(access_token, None), SyncPage)
    assert len(found.added) > 100
    assert {type(row.amount) for row in found.added} == {Decimal}
    accounts = plaid.accounts_get(access_token).accounts
    balances = {account.mask: account.balances.current for account in accounts}
    assert balances["6666"] == Decimal("23631.9805")


@given(st.text(max_size=40))
def test_only_nul_is_replaced(text):
    encoded = msgspec.json.encode(text)
    found = msgspec.json.decode(without_nul(encoded))
    assert found == text.replace("\0", "\N{REPLACEMENT CHARACTER}")


@pytest.mark.parametrize(
    "text", ["\\u0000", "\\\\u0000", "\\\0", "\0\0", "a\\\0\\u0000"]
)
def test_a_backslash_is_not_mistaken_for_nul(text):
    found = msgspec.json.decode(without_nul(msgspec.json.encode(text)))
    assert found == text.replace("\0", "\N{REPLACEMENT CHARACTER}")
