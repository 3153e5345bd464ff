"""One transaction with all that is known of it, and the categories to choose from."""

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Relative:
    """The pending row that a transaction was, or the posted one that it became."""

    id: uuid.UUID
    date: dt.date
    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Detail:
    """A transaction; `amount` positive = money in. `name` is what the bank calls it."""

    id: uuid.UUID
    date: dt.date
    authorized_date: dt.date | None
    amount: Decimal
    currency: str
    pending: bool
    name: str
    description: str
    category_label: str | None
    payment_channel: str | None
    check_number: str | None
    removed_at: dt.datetime | None
    bank_facts: dict[str, Any]
    bank_name: str
    account_name: str
    mask: str | None
    user_category: str | None
    user_name: str | None
    note: str | None
    excluded: bool
    reviewed_at: dt.datetime | None
    was_pending: Relative | None
    has_become: Relative | None

    @property
    def title(self) -> str:
        return self.user_name or self.name

    @property
    def place(self) -> str | None:
        """'1 High Street, Bern, CH' as far as the bank says."""
        said = self.bank_facts.get("location") or {}
        parts = [said.get(name) for name in ("address", "city", "region", "country")]
        return ", ".join(part for part in parts if part) or None

    @property
    def counterparties(self) -> list[str]:
        said = self.bank_facts.get("counterparties") or []
        return [one["name"] for one in said if one.get("name")]


FIND = text("""
    SELECT t.id, t.date, t.authorized_date, t.amount, t.currency, t.pending,
           coalesce(t.merchant_name, t.name) AS name,
           coalesce(t.original_description, t.name) AS description,
           (SELECT label FROM categories
            WHERE code = coalesce(t.category_detailed, t.category_primary))
               AS category_label,
           t.payment_channel, t.check_number, t.removed_at, t.bank_facts,
           i.institution_name AS bank_name, coalesce(a.user_name, a.name)
               AS account_name, a.mask,
           t.user_category, t.user_name, t.note, t.excluded, t.reviewed_at,
           p.id AS p_id, p.date AS p_date, p.amount AS p_amount,
           p.currency AS p_currency,
           h.id AS h_id, h.date AS h_date, h.amount AS h_amount,
           h.currency AS h_currency
    FROM transactions t
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    JOIN plaid_items i ON i.user_id = a.user_id AND i.id = a.plaid_item_id
                      AND i.state <> 'removing'
    LEFT JOIN transactions p ON p.user_id = t.user_id
                            AND p.plaid_transaction_id = t.pending_transaction_id
    LEFT JOIN LATERAL (
        SELECT * FROM transactions h
        WHERE h.user_id = t.user_id
          AND h.pending_transaction_id = t.plaid_transaction_id
        ORDER BY h.id LIMIT 1) h ON true
    WHERE t.user_id = :user_id AND t.id = :id
""")


def find_transaction(
    session: Session, user_id: uuid.UUID, id: uuid.UUID
) -> Detail | None:
    """Also one that the bank took back; none of a bank that the person removed."""
    values = {"user_id": user_id, "id": id}
    row = session.execute(FIND, values).mappings().one_or_none()
    if row is None:
        return None
    found = dict(row)
    was_pending, has_become = _relative(found, "p_"), _relative(found, "h_")
    return Detail(**found, was_pending=was_pending, has_become=has_become)


def _relative(found: dict[str, Any], prefix: str) -> Relative | None:
    names = Relative.__dataclass_fields__
    taken = {name: found.pop(prefix + name) for name in names}
    return Relative(**taken) if taken["id"] else None


CATEGORIES = text("""
    SELECT p.label AS group_label, c.code, c.label
    FROM categories c JOIN categories p ON p.code = c.parent_code
    ORDER BY p.label, c.label
""")


def list_categories(session: Session) -> dict[str, list[tuple[str, str]]]:
    """Code and label of each, under the label of its group."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for row in session.execute(CATEGORIES):
        groups.setdefault(row.group_label, []).append((row.code, row.label))
    return groups
