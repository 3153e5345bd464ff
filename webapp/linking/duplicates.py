"""Is this bank login linked already? Plaid's advice: institution, names, masks."""

import uuid
from collections.abc import Iterable
from typing import Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.models import BankAccount, PlaidItem
from webapp.models.plaid_item import UNLINKED


class Seen(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def mask(self) -> str | None: ...


ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:key)")


def take_turn(session: Session, user_id: uuid.UUID) -> None:
    """Two attempts of one person, finished at once, look one after the other.

    The second sees the first one's accounts. Lasts until the caller commits.
    """
    session.execute(ONE_AT_A_TIME, {"key": turn_key(user_id)})


def turn_key(id: uuid.UUID) -> int:
    """The advisory lock of a user or an item, the same as in a merge."""
    return int.from_bytes(id.bytes[8:], signed=True)


def find_same_login(
    session: Session,
    user_id: uuid.UUID,
    institution_id: str | None,
    accounts: Iterable[Seen],
    but: uuid.UUID | None = None,
) -> PlaidItem | None:
    """The user's item that has all of these accounts, other than `but`.

    A second login with other accounts at the same bank is no duplicate.
    """
    wanted = {(account.name, account.mask) for account in accounts}
    if not wanted or institution_id is None:
        return None
    rows = session.execute(
        select(PlaidItem, BankAccount.name, BankAccount.mask)
        .join(
            BankAccount,
            (BankAccount.user_id == PlaidItem.user_id)
            & (BankAccount.plaid_item_id == PlaidItem.id),
        )
        .where(
            PlaidItem.user_id == user_id,
            PlaidItem.institution_id == institution_id,
            PlaidItem.id.is_distinct_from(but),
            PlaidItem.state.not_in(UNLINKED),
            BankAccount.closed_at.is_(None),
        )
    )
    held: dict[PlaidItem, set[tuple[str, str | None]]] = {}
    for item, name, mask in rows:
        held.setdefault(item, set()).add((name, mask))
    return next((item for item, have in held.items() if wanted <= have), None)
