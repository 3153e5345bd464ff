"""Who can log in at the simulated banks, and what they find there."""

import re
from datetime import date

from ..error_codes import CODES
from ..errors import PlaidError
from . import custom, demo_card, demo_main, dynamic, good, load, taxonomy, yuppie
from .world import Account, World

__all__ = ["Account", "World", "open_world"]

_LOAD = re.compile(r"user_load_([0-9]{1,7})")
_NAMED = {
    "user_demo_main": demo_main.world,
    "user_demo_card": demo_card.world,
    "user_ewa_user": demo_main.world,
    "user_yuppie": yuppie.world,
    "user_small_business": demo_main.world,
    "user_transactions_dynamic": dynamic.world,
    "user_every_category": taxonomy.world,
}


def check_password(username: str, password: str) -> None:
    """Raise what a bank says to a wrong password, or to one that asks for an error."""
    if password.startswith("error_"):
        code = password.removeprefix("error_")
        raise PlaidError(code if code in CODES else "INVALID_CREDENTIALS")
    right = bool(password)
    if username == "user_good":
        right = password == "pass_good" or password.startswith("mfa_")  # noqa: S105
    if not right:
        raise PlaidError("INVALID_CREDENTIALS")


def open_world(username: str, password: str, created_on: date, days: int) -> World:
    """The world behind a login, as seen from the day of linking.

    PlaidError INVALID_CREDENTIALS where there is none.
    """
    if username == "user_custom":
        return custom.world(password, created_on)
    if username == "user_good":
        return good.world(created_on)
    if username in _NAMED:
        return _NAMED[username](created_on)
    match = _LOAD.fullmatch(username)
    if match and int(match[1]) <= load.MOST:
        return load.world(int(match[1]), created_on, days)
    raise PlaidError("INVALID_CREDENTIALS")
