"""user_custom: accounts and transactions from the JSON given as the password."""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from ..categorise import categorise
from ..error_codes import CODES
from ..errors import PlaidError
from ..event import Event, purchase
from ..merchants import EVERYDAY, NOWHERE, OTHER, Merchant
from . import good
from .currency import is_unofficial
from .world import Account, World

LARGEST = 55 * 1024
MOST_ACCOUNTS = 10
DAYS = 730
_DEFAULT_SUBTYPES = {
    "depository": "checking",
    "credit": "credit card",
    "loan": "student",
    "investment": "brokerage",
    "brokerage": "brokerage",
    "payroll": "payroll",
    "other": "other",
}
_MOST = Decimal("1e12")
_EMPLOYER = Merchant("Gusto", "INCOME_SALARY", OTHER, kind="income_source")
_decoder = msgspec.json.Decoder(float_hook=Decimal)


def refused(reason: str) -> PlaidError:
    """What Plaid answers to a configuration that it cannot use."""
    message = f"the provided credentials were not correct: custom user: {reason}"
    return PlaidError("INVALID_CREDENTIALS", message)


def read(password: str) -> dict[str, Any]:
    if len(password.encode()) > LARGEST:
        raise refused("the configuration is larger than 55 kB")
    try:
        config = _decoder.decode(password)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise refused("the password is not a JSON object") from error
    return _object(config, "configuration")


def world(password: str, created_on: date) -> World:
    config = read(password)
    force_error = _text(config.get("force_error"), "force_error")
    if force_error is not None and force_error not in CODES:
        raise refused(f"force_error {force_error} is unknown")
    if config.get("version") not in (None, 1, 2, "1", "2"):
        raise refused("version must be 1 or 2")
    overrides = _list(config.get("override_accounts"), "override_accounts")
    if len(overrides) > MOST_ACCOUNTS:
        raise refused(f"at most {MOST_ACCOUNTS} override_accounts")
    if not overrides:
        overrides = [{"type": "depository"}, {"type": "credit"}]
    seed = _text(config.get("seed"), "seed")
    seed = seed or hashlib.sha256(password.encode()).hexdigest()
    accounts, rows = [], []
    for index, override in enumerate(overrides):
        override = _object(override, f"override_accounts[{index}]")
        account = _account(override, index, seed)
        accounts.append(account)
        rows += _rows(override, index, account, created_on, seed)
    _balance(accounts, rows, overrides, created_on)

    def events(first: date, last: date) -> Iterator[Event]:
        # What is dated after the day of linking is known on that day already.
        return (row for row in rows if first <= min(row.on, created_on) <= last)

    return World(
        tuple(accounts),
        events,
        days_default=DAYS,
        force_error=force_error,
        mfa=_mfa(config.get("mfa")),
    )


def _mfa(given: Any) -> str:
    """mfa_device, mfa_selections or mfa_questions_<rounds>_<questions a round>."""
    if given is None:
        return ""
    asked = _object(given, "mfa")
    kind = _text(asked.get("type"), "mfa.type")
    if kind is None:
        return ""
    if kind not in ("device", "questions", "selections"):
        raise refused("mfa.type must be device, questions or selections")
    if kind != "questions":
        return f"mfa_{kind}"
    rounds = _number(asked.get("question_rounds"), "mfa.question_rounds") or 1
    count = _number(asked.get("questions_per_round"), "mfa.questions_per_round") or 1
    return f"mfa_questions_{min(max(int(rounds), 1), 9)}_{min(max(int(count), 1), 3)}"


def _account(override: dict[str, Any], index: int, seed: str) -> Account:
    where = f"override_accounts[{index}]"
    kind = _text(override.get("type"), f"{where}.type")
    if kind not in _DEFAULT_SUBTYPES:
        raise refused(f"{where}.type must be one of {', '.join(_DEFAULT_SUBTYPES)}")
    subtype = _text(override.get("subtype"), f"{where}.subtype")
    subtype = subtype or _DEFAULT_SUBTYPES[kind]
    meta = _object(override.get("meta") or {}, f"{where}.meta")
    numbers = _object(override.get("numbers") or {}, f"{where}.numbers")
    usual = next((a for a in good.accounts() if a.subtype == subtype), None)
    current = _number(override.get("starting_balance"), f"{where}.starting_balance")
    if current is None:
        cents = Random(f"{seed} {index}").randrange(50_000, 900_000)  # noqa: S311
        current = Decimal(cents).scaleb(-2)
    digits = _text(numbers.get("account"), f"{where}.numbers.account")
    mask = _text(meta.get("mask"), f"{where}.meta.mask")
    name = _text(meta.get("name"), f"{where}.meta.name")
    official = _text(meta.get("official_name"), f"{where}.meta.official_name")
    currency = _text(override.get("currency"), f"{where}.currency") or "USD"
    return Account(
        name=name or (usual.name if usual else f"Plaid {subtype.title()}"),
        official_name=official or (usual.official_name if usual else None),
        type=kind,
        subtype=subtype,
        mask=mask or (digits[-4:] if digits else str(index) * 4),
        current=current,
        limit=_number(meta.get("limit"), f"{where}.meta.limit"),
        currency=currency,
        unofficial=is_unofficial(currency),
    )


def _rows(
    override: dict[str, Any], index: int, account: Account, created_on: date, seed: str
) -> list[Event]:
    where = f"override_accounts[{index}].transactions"
    if override.get("transactions") is None:
        if account.type not in ("depository", "credit"):
            return []
        return list(_invented(index, account, created_on, seed))
    rows = []
    for number, given in enumerate(_list(override["transactions"], where)):
        row = _object(given, f"{where}[{number}]")
        rows.append(event_of(row, index, account.currency, f"{where}[{number}]"))
    return rows


def event_of(row: dict[str, Any], account: int, currency: str, where: str) -> Event:
    """The event of one custom transaction; it is pending until its date_posted."""
    amount = _number(row.get("amount"), f"{where}.amount")
    description = _text(row.get("description"), f"{where}.description")
    if amount is None or not description:
        raise refused(f"{where} needs amount and description")
    category, merchant, channel = categorise(description, amount)
    currency = _text(row.get("currency"), f"{where}.currency") or currency
    return Event(
        account,
        _day(row.get("date_transacted"), f"{where}.date_transacted"),
        _day(row.get("date_posted"), f"{where}.date_posted"),
        amount,
        description,
        category,
        merchant,
        channel,
        currency,
        is_unofficial(currency),
        place=NOWHERE,
        original=description,
    )


def _invented(
    index: int, account: Account, created_on: date, seed: str
) -> Iterator[Event]:
    """The same rows for the same seed, counted back from the day of linking."""
    random = Random(f"{seed} rows {index}")  # noqa: S311
    for back in range(DAYS - 1, -1, -1):
        day = created_on - timedelta(days=back)
        if random.random() < 0.4:
            merchant = random.choice(EVERYDAY)
            cents = random.randrange(int(merchant.low * 100), int(merchant.high * 100))
            amount = Decimal(cents).scaleb(-2)
            yield purchase(merchant, index, day, day, amount, account.currency)
        if back % 14 == 3 and account.subtype == "checking":
            salary = Decimal("-1840.00")
            yield purchase(_EMPLOYER, index, day, day, salary, account.currency)


def _balance(
    accounts: list[Account],
    rows: list[Event],
    overrides: list[Any],
    created_on: date,
) -> None:
    """The balance is the one given, as of today; only what is pending is held back."""
    for index, (account, override) in enumerate(zip(accounts, overrides, strict=True)):
        forced = _number(
            override.get("force_available_balance"),
            f"override_accounts[{index}].force_available_balance",
        )
        waiting = sum(
            (r.amount for r in rows if r.account == index and r.posts_on > created_on),
            Decimal(0),
        )
        if forced is not None:
            account.available, account.fixed_available = forced, True
        elif override.get("has_null_available_balance"):
            account.available = None
        elif account.type == "depository" and account.current is not None:
            account.available = account.current - waiting
        elif account.type == "credit" and account.limit is not None:
            account.available = account.limit - (account.current or 0) - waiting


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise refused(f"{where} must be an object")
    return value


def _list(value: Any, where: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise refused(f"{where} must be a list")
    return value


def _text(value: Any, where: str) -> str | None:
    if value is not None and not isinstance(value, str):
        raise refused(f"{where} must be a string")
    return value


def _number(value: Any, where: str) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise refused(f"{where} must be a number")
    number = Decimal(value)
    exponent = number.as_tuple().exponent
    if abs(number) > _MOST or not isinstance(exponent, int) or exponent < -20:
        raise refused(f"{where} is out of range")
    return number


def _day(value: Any, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise refused(f"{where} must be a date such as 2026-11-22") from error
