"""Checks of request bodies, in the order in which Plaid makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from .errors import PlaidError

Check = Callable[[Any, str], None]
Schema = dict[str, "Field"]
_MOST = Decimal("1e12")


@dataclass(frozen=True)
class Field:
    """A member of a request: what it may be, and whether it must be there."""

    check: Check
    required: bool = False
    members: Schema | None = None


def invalid(name: str, reason: str) -> PlaidError:
    return PlaidError("INVALID_FIELD", f"{name} {reason}")


def check_body(schema: Schema, body: dict[str, Any]) -> dict[str, Any]:
    """The body without nulls, which mean the same as nothing.

    PlaidError MISSING_FIELDS, then UNKNOWN_FIELDS, then INVALID_FIELD.
    """
    missing = list(_missing(schema, body, ""))
    if missing:
        names = ", ".join(missing)
        message = f"the following required fields are missing: {names}"
        raise PlaidError("MISSING_FIELDS", message)
    unknown = list(_unknown(schema, body, ""))
    if unknown:
        names = ", ".join(unknown)[:500]
        message = f"the following fields are not recognized by this endpoint: {names}"
        raise PlaidError("UNKNOWN_FIELDS", message)
    _types(schema, body, "")
    return without_nulls(body)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(element) for element in value]
    return value


def _missing(schema: Schema, body: dict[str, Any], path: str) -> Any:
    for name, rule in schema.items():
        if rule.required and (name not in body or body[name] is None):
            yield path + name
        elif rule.members is not None and isinstance(body.get(name), dict):
            yield from _missing(rule.members, body[name], f"{path}{name}.")


def _unknown(schema: Schema, body: dict[str, Any], path: str) -> Any:
    for name, value in body.items():
        rule = schema.get(name)
        if rule is None:
            yield path + name
        elif rule.members is not None and isinstance(value, dict):
            yield from _unknown(rule.members, value, f"{path}{name}.")


def _types(schema: Schema, body: dict[str, Any], path: str) -> None:
    for name, value in body.items():
        rule = schema[name]
        if value is None:
            continue
        rule.check(value, path + name)
        if rule.members is not None:
            _types(rule.members, value, f"{path}{name}.")


def _string(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise invalid(name, "must be a string")


def _text(longest: int) -> Check:
    def check(value: Any, name: str) -> None:
        if not isinstance(value, str) or not value:
            raise invalid(name, "must be a non-empty string")
        if len(value) > longest:
            raise invalid(name, f"must be at most {longest} characters")

    return check


def _integer(low: int, high: int) -> Check:
    def check(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(name, "must be an integer")
        if not low <= value <= high:
            raise invalid(name, f"must be between {low} and {high}, inclusive")

    return check


def _number(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise invalid(name, "must be a number")
    amount = Decimal(value)
    exponent = amount.as_tuple().exponent
    if not abs(amount) < _MOST or not isinstance(exponent, int) or exponent < -20:
        raise invalid(name, "is out of range")


def _boolean(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        raise invalid(name, "must be a boolean")


def _date(value: Any, name: str) -> None:
    _string(value, name)
    try:
        good = date.fromisoformat(value).isoformat() == value
    except ValueError:
        good = False
    if not good:
        raise invalid(name, "must be a date in the format YYYY-MM-DD")


def _object(value: Any, name: str) -> None:
    if not isinstance(value, dict):
        raise invalid(name, "must be an object")


def _one_of(allowed: tuple[str, ...]) -> Check:
    def check(value: Any, name: str) -> None:
        if value not in allowed:
            raise invalid(name, f"must be one of {', '.join(allowed)}")

    return check


def _list_of(item: Check, longest: int, shortest: int) -> Check:
    def check(value: Any, name: str) -> None:
        if not isinstance(value, list):
            raise invalid(name, "must be a list")
        if not shortest <= len(value) <= longest:
            raise invalid(name, f"must have {shortest} to {longest} elements")
        for index, element in enumerate(value):
            item(element, f"{name}[{index}]")

    return check


def anything(value: Any, name: str) -> None:
    """For fields of products that this bank does not have."""


def text(longest: int = 10_000, required: bool = False) -> Field:
    return Field(_text(longest), required)


def string(required: bool = False) -> Field:
    """A string that may be empty."""
    return Field(_string, required)


def integer(low: int, high: int, required: bool = False) -> Field:
    return Field(_integer(low, high), required)


def number(required: bool = False) -> Field:
    return Field(_number, required)


def boolean(required: bool = False) -> Field:
    return Field(_boolean, required)


def day(required: bool = False) -> Field:
    return Field(_date, required)


def one_of(*allowed: str, required: bool = False) -> Field:
    return Field(_one_of(allowed), required)


def strings(longest: int = 500, shortest: int = 0, required: bool = False) -> Field:
    return Field(_list_of(_text(10_000), longest, shortest), required)


def choices(
    allowed: tuple[str, ...],
    longest: int = 100,
    shortest: int = 0,
    required: bool = False,
) -> Field:
    return Field(_list_of(_one_of(allowed), longest, shortest), required)


def group(members: Schema | None = None, required: bool = False) -> Field:
    """An object; without members whatever it holds is taken."""
    return Field(_object, required, members)


def groups(
    members: Schema, longest: int, shortest: int = 0, required: bool = False
) -> Field:
    """A list of objects that all have the same members."""

    def element(value: Any, name: str) -> None:
        _object(value, name)
        missing = [one for one, rule in members.items() if rule.required]
        lacking = [f"{name}.{one}" for one in missing if value.get(one) is None]
        if lacking:
            raise invalid(", ".join(lacking), "is required")
        foreign = [f"{name}.{one}" for one in value if one not in members]
        if foreign:
            raise invalid(", ".join(foreign)[:500], "is not recognized")
        _types(members, value, f"{name}.")

    return Field(_list_of(element, longest, shortest), required)


def unused(required: bool = False) -> Field:
    return Field(anything, required)
