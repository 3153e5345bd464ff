"""Jinja filters: money, days and ages in the user's locale and time zone."""

import datetime as dt
from decimal import Decimal

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent, get_currency_symbol
from flask import Flask, g
from flask_login import current_user
from markupsafe import Markup

from webapp.money import minor_digits

MINUS, PLUS = "\N{MINUS SIGN}", "+"


def init_app(app: Flask) -> None:
    app.jinja_env.filters.update(
        money=money, money_plain=money_plain, day=day, ago=ago, percent=percent,
        exact=exact, day_of=day_of, count_of=count_of,
    )  # fmt: skip


def user_locale() -> str:
    return current_user.locale if current_user.is_authenticated else "en_US"


def today() -> dt.date:
    """The user's calendar day, the same during one request."""
    if "today" not in g:
        now = dt.datetime.now(dt.UTC)
        g.today = (
            current_user.today(now) if current_user.is_authenticated else now.date()
        )
    day_of_request: dt.date = g.today
    return day_of_request


def money(amount: Decimal, currency: str, signed: bool = True) -> Markup:
    """'+$1,234.50', the cents in a lighter span; money in is green and has a plus."""
    sign, number, symbol = _parts(amount, currency, signed)
    point = Locale.parse(user_locale()).number_symbols["latn"]["decimal"]
    whole, mark, cents = number.partition(point)
    direction = "in" if amount > 0 and signed else "out"
    return Markup(
        '<span class="money money-{}">{}{}{}<span class="cents">{}{}</span></span>'
    ).format(direction, sign, symbol, whole, mark, cents)


def money_plain(amount: Decimal, currency: str, signed: bool = True) -> str:
    sign, number, symbol = _parts(amount, currency, signed)
    return f"{sign}{symbol}{number}"


def _parts(amount: Decimal, currency: str, signed: bool) -> tuple[str, str, str]:
    locale = user_locale()
    digits = max(minor_digits(currency), _digits_in_use(amount))
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    number = format_decimal(
        abs(amount), format=pattern, locale=locale, decimal_quantization=True
    )
    symbol = get_currency_symbol(currency, locale=locale)
    if symbol == currency:
        symbol += "\N{NO-BREAK SPACE}"
    sign = MINUS if amount < 0 else PLUS if amount > 0 and signed else ""
    return sign, number, symbol


def _digits_in_use(amount: Decimal) -> int:
    """Of what an unofficial currency has after the point, nothing is hidden."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def day(value: dt.date, *, inside: bool = False) -> Markup:
    """'Today', 'Mon 16', 'Nov 3', 'Nov 3, 2025'; the exact day in the title.

    `inside` a sentence, it begins with a small letter.
    """
    age = (today() - value).days
    locale = user_locale()
    if age in (0, 1):
        text = ("Today", "Yesterday")[age]
        text = text.lower() if inside else text
    elif 0 < age < 7:
        text = format_date(value, "EEE d", locale=locale)
    elif value.year == today().year:
        text = format_date(value, "MMM d", locale=locale)
    else:
        text = format_date(value, "MMM d, y", locale=locale)
    title = format_date(value, "full", locale=locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), title, text
    )


def day_of(value: dt.datetime, *, inside: bool = False) -> Markup:
    """The day of an instant, where the user lives."""
    zone = current_user.zone if current_user.is_authenticated else dt.UTC
    return day(value.astimezone(zone).date(), inside=inside)


def count_of(number: int, noun: str) -> str:
    """'1 transaction', '1,240 transactions'."""
    shown = format_decimal(number, locale=user_locale())
    return f"{shown} {noun}" if number == 1 else f"{shown} {noun}s"


def exact(value: dt.datetime) -> str:
    """An instant in the user's time zone, to the minute."""
    zone = current_user.zone if current_user.is_authenticated else dt.UTC
    return str(format_datetime(value, "medium", tzinfo=zone, locale=user_locale()))


def ago(value: dt.datetime | None) -> Markup | str:
    """'3 minutes ago', the exact instant in the title."""
    if value is None:
        return "never"
    passed = value - dt.datetime.now(dt.UTC)
    text = format_timedelta(passed, add_direction=True, locale=user_locale())
    if abs(passed) < dt.timedelta(seconds=45):
        text = "just now"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(), exact(value), text
    )


def percent(value: Decimal) -> str:
    """Decimal('0.125') -> '13%'."""
    return str(format_percent(value, locale=user_locale()))
