"""Which accounts of an old login are those of a new one."""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.models.plaid_item import HISTORY_COMPLETE

# Plaid's ids are all new after a re-link. An account is known by its persistent id
# where the bank gives one, else by bank, mask, kind and name. What fits twice fits not.
# Parked accounts stand for an old login that lives on elsewhere.
MATCHES = """
    SELECT o.plaid_item_id AS old_item, n.plaid_item_id AS new_item,
           o.id AS old_id, n.id AS new_id
    FROM (
        SELECT o.id AS old_id, n.id AS new_id,
               count(*) OVER (PARTITION BY o.id, ni.id) AS of_old,
               count(*) OVER (PARTITION BY n.id, oi.id) AS of_new
        FROM plaid_items ni
        JOIN plaid_items oi ON oi.user_id = ni.user_id AND oi.id <> ni.id
                           AND oi.created_at < ni.created_at
        JOIN bank_accounts n ON n.user_id = ni.user_id AND n.plaid_item_id = ni.id
        JOIN bank_accounts o ON o.user_id = oi.user_id AND o.plaid_item_id = oi.id
        WHERE ni.user_id = :user_id AND n.closed_at IS NULL AND oi.state <> 'removing'
          AND n.currency = o.currency
          AND CASE WHEN n.persistent_account_id = o.persistent_account_id THEN true
                   WHEN n.persistent_account_id <> o.persistent_account_id THEN false
                   ELSE oi.institution_id = ni.institution_id
                        AND n.mask IS NOT DISTINCT FROM o.mask AND n.name = o.name
                        AND n.type = o.type
                        AND n.subtype IS NOT DISTINCT FROM o.subtype END
          AND NOT EXISTS (
              SELECT FROM adopted_accounts j JOIN adoptions d
                ON d.user_id = j.user_id AND d.id = j.adoption_id
              WHERE j.user_id = o.user_id AND j.parked_id = o.id
                AND d.status = 'adopted')
    ) pairs
    JOIN bank_accounts o ON o.user_id = :user_id AND o.id = pairs.old_id
    JOIN bank_accounts n ON n.user_id = :user_id AND n.id = pairs.new_id
    WHERE of_old = 1 AND of_new = 1
"""
# Nothing is offered before the new login has its whole history: what came later would
# stand beside the old rows.
READY = "ni.update_status = :complete AND ni.state NOT IN ('removing', 'removed')"

PAIRS = text(f"""
    SELECT m.old_id, m.new_id, coalesce(o.user_name, o.name) AS name, o.mask
    FROM ({MATCHES}) m
    JOIN plaid_items ni ON ni.user_id = :user_id AND ni.id = m.new_item
    JOIN bank_accounts o ON o.user_id = :user_id AND o.id = m.old_id
    WHERE m.new_item = :new_item AND m.old_item = :old_item AND {READY}
    ORDER BY o.type, o.name, o.id
""")


@dataclass(frozen=True)
class MatchedAccount:
    """`old_id` stays, with the name that its owner knows; `new_id` is parked."""

    old_id: uuid.UUID
    new_id: uuid.UUID
    name: str
    mask: str | None


def match_accounts(
    session: Session, user_id: uuid.UUID, new_item: uuid.UUID, old_item: uuid.UUID
) -> list[MatchedAccount]:
    """Empty while the new login has not read its whole history."""
    values = {"user_id": user_id, "new_item": new_item, "old_item": old_item}
    found = session.execute(PAIRS, values | {"complete": HISTORY_COMPLETE})
    return [MatchedAccount(**row) for row in found.mappings()]
