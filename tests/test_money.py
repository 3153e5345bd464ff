"""Rounding to the minor unit, and how amounts read on a page."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from webapp.filters import money, money_plain
from webapp.money import minor_digits, round_iso, round_unofficial

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=12, allow_nan=False)


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("HUF", 2)],
)
def test_digits_of_the_minor_unit(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "USD", "0.12"),
        ("0.135", "USD", "0.14"),
        ("-0.125", "USD", "-0.12"),
        ("2.5", "JPY", "2"),
        ("3.5", "JPY", "4"),
        ("1.0005", "KWD", "1.000"),
        ("1.00005", "CLF", "1.0000"),
        ("999999999999999999.99", "USD", "999999999999999999.99"),
    ],
)
def test_ties_go_to_the_even_digit(amount: str, currency: str, rounded: str) -> None:
    found = round_iso(Decimal(amount), currency)
    assert str(found) == rounded


@given(amounts, st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_rounding_is_stable_and_moves_by_half_a_unit_at_most(
    amount: Decimal, currency: str
) -> None:
    rounded = round_iso(amount, currency)
    unit = Decimal(1).scaleb(-minor_digits(currency))
    assert rounded % unit == 0
    assert abs(rounded - amount) <= unit / 2
    assert round_iso(rounded, currency) == rounded
    assert round_iso(-amount, currency) == -rounded


@given(st.lists(amounts.map(lambda a: round_iso(a, "USD")), max_size=30))
def test_rounded_parts_add_up_exactly(parts: list[Decimal]) -> None:
    assert sum(parts) == Decimal(sum(int(part * 100) for part in parts)) / 100


@pytest.mark.parametrize(
    ("amount", "rounded"),
    [("0.00000000015", "2E-10"), ("1.5", "1.5"), ("0.1234567890", "0.1234567890")],
)
def test_unofficial_currencies_keep_ten_places(amount: str, rounded: str) -> None:
    assert round_unofficial(Decimal(amount)) == Decimal(rounded)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234.5", "USD", "+$1,234.50"),
        ("-1234.5", "USD", "−$1,234.50"),
        ("0", "USD", "$0.00"),
        ("-0.00", "USD", "$0.00"),
        ("-1234", "JPY", "−¥1,234"),
        ("1.5", "KWD", "+KWD\N{NO-BREAK SPACE}1.500"),
        # as NUMERIC(28,10) gives them back
        ("12.3400000000", "USD", "+$12.34"),
        ("500.0000000000", "JPY", "+¥500"),
    ],
)
def test_amounts_in_words(app: Flask, amount: str, currency: str, text: str) -> None:
    with app.test_request_context():
        assert money_plain(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0.0001200000", "0.00012"), ("1500", "1,500.00"), ("0.5", "0.50")],
)
def test_small_parts_of_unofficial_currencies_are_shown(
    app: Flask, amount: str, text: str
) -> None:
    with app.test_request_context():
        shown = money_plain(Decimal(amount), "BTC", signed=False)
    assert shown.removeprefix("₿").removeprefix("BTC\N{NO-BREAK SPACE}") == text


def test_currency_of_the_bank_is_text_and_not_markup(app: Flask) -> None:
    with app.test_request_context():
        shown = money(Decimal(1), "<b>")
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown


def test_only_money_in_is_marked_as_such(app: Flask) -> None:
    with app.test_request_context():
        assert "money-in" in money(Decimal(1), "USD")
        assert "money-out" in money(Decimal(-1), "USD")
        assert "money-out" in money(Decimal(1), "USD", signed=False)
