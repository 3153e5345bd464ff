"""Is this bank login linked already? Plaid's advice: institution, names, masks."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.models import BankAccount, ItemState, PlaidItem
from webapp.models.plaid_item import UNLINKED


class Seen(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def mask(self) -> str | None: ...
    @property
    def persistent_account_id(self) -> str | None: ...


@dataclass(frozen=True)
class Twin:
    """An item that has some of the accounts already; `is_whole`: it has all of them."""

    item: PlaidItem
    is_whole: bool


ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:key)")


def take_turn(session: Session, user_id: uuid.UUID) -> None:
    """Two attempts of one person, finished at once, look one after the other.

    The second sees the first one's accounts. Lasts until the caller commits.
    """
    session.execute(ONE_AT_A_TIME, {"key": turn_key(user_id)})


def turn_key(id: uuid.UUID) -> int:
    """The advisory lock of a user or an item, the same as in a merge."""
    return int.from_bytes(id.bytes[8:], signed=True)


def find_twin(
    session: Session,
    user_id: uuid.UUID,
    institution_id: str | None,
    accounts: Sequence[Seen],
    but: uuid.UUID | None = None,
) -> Twin | None:
    """The user's item, other than `but`, that has the most of these accounts.

    A second login with other accounts at the same bank is no twin. One account in
    common may be a joint one of two logins: the person is asked. A name without a mask
    is too little to ask for, unless all are known. A login that the person ended at the
    bank is no twin: repairing may not work, and its history can be adopted.
    """
    rows = session.execute(
        select(PlaidItem, BankAccount)
        .join(
            BankAccount,
            (BankAccount.user_id == PlaidItem.user_id)
            & (BankAccount.plaid_item_id == PlaidItem.id),
        )
        .where(
            PlaidItem.user_id == user_id,
            PlaidItem.id.is_distinct_from(but),
            PlaidItem.state.not_in([*UNLINKED, ItemState.REVOKED]),
            BankAccount.closed_at.is_(None),
        )
        .order_by(PlaidItem.created_at)
    )
    held: dict[PlaidItem, list[BankAccount]] = {}
    for item, account in rows:
        held.setdefault(item, []).append(account)
    best: tuple[int, Twin] | None = None
    for item, have in held.items():
        is_here = item.institution_id == institution_id and institution_id is not None
        known = [a for a in accounts if any(_is_same(a, b, is_here) for b in have)]
        is_whole = len(known) == len(accounts)
        counts = is_whole or any(a.mask or a.persistent_account_id for a in known)
        if known and counts and (best is None or len(known) > best[0]):
            best = len(known), Twin(item, is_whole)
    return best[1] if best else None


def _is_same(one: Seen, other: Seen, is_here: bool) -> bool:
    if one.persistent_account_id and other.persistent_account_id:
        return one.persistent_account_id == other.persistent_account_id
    return is_here and (one.name, one.mask) == (other.name, other.mask)
