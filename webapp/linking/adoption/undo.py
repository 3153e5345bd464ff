"""Undoing an adoption: what changed places changes back, to the row and the id.

What came in since under the new login's ids goes with the new login; what the user made
since stays on the row it was made on.
"""

import uuid

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.linking.adoption.adopt import take_turns
from webapp.linking.adoption.columns import (
    ACCOUNT_FACTS,
    FACTS,
    given_back,
    listed,
)
from webapp.models import Adoption
from webapp.sync.columns import USERS


class NotUndoable(Exception):
    """The reason is a sentence for the person."""


MOVE = text("""
    UPDATE transactions t SET bank_account_id = a.parked_id
    FROM adopted_accounts a
    WHERE a.user_id = :user_id AND a.adoption_id = :adoption
      AND t.user_id = a.user_id AND t.bank_account_id = a.account_id
      AND NOT EXISTS (
          SELECT FROM adopted_transactions j
          WHERE j.user_id = t.user_id AND j.transaction_id = t.id
            AND j.adoption_id = a.adoption_id)
""")
SWAP = text(f"""
    WITH back AS (
        UPDATE transactions AS o
        SET ({listed(FACTS)}) = ROW({listed(FACTS, "n.")}),
            plaid_transaction_id = j.plaid_transaction_id, removed_at = NULL,
            ({listed(USERS)}) = ROW({given_back()}), changed_at = now()
        FROM adopted_transactions j
        JOIN transactions n ON n.user_id = j.user_id AND n.id = j.parked_id
        CROSS JOIN LATERAL jsonb_populate_record(
            NULL::transactions, coalesce(j.took, '{{}}')) AS took
        WHERE j.user_id = :user_id AND j.adoption_id = :adoption
          AND o.user_id = j.user_id AND o.id = j.transaction_id
        RETURNING o.id, j.parked_id)
    -- `transactions` is read here as it was when the statement began
    UPDATE transactions AS n
    SET ({listed(FACTS)}) = ROW({listed(FACTS, "o.")}),
        plaid_transaction_id = o.plaid_transaction_id, removed_at = o.removed_at,
        changed_at = now()
    FROM back JOIN transactions o ON o.user_id = :user_id AND o.id = back.id
    WHERE n.user_id = :user_id AND n.id = back.parked_id
""")
UNBURY = text("""
    UPDATE transactions t SET removed_at = NULL, changed_at = now()
    FROM adopted_transactions j
    WHERE j.user_id = :user_id AND j.adoption_id = :adoption AND j.role = 'gone'
      AND t.user_id = j.user_id AND t.id = j.transaction_id
""")
SWAP_ACCOUNTS = text(f"""
    WITH back AS (
        UPDATE bank_accounts AS o
        SET ({listed(ACCOUNT_FACTS)}) = ROW({listed(ACCOUNT_FACTS, "n.")}),
            plaid_account_id = j.plaid_account_id, plaid_item_id = d.old_item_id,
            -- the old login has ended, and its accounts with it
            closed_at = coalesce(j.was_closed_at,
                CASE WHEN i.state IN ('removing', 'removed') THEN now() END),
            revoked_at = j.was_revoked_at,
            user_name = CASE WHEN o.user_name = j.took_name THEN NULL
                             ELSE o.user_name END
        FROM adopted_accounts j
        JOIN adoptions d ON d.user_id = j.user_id AND d.id = j.adoption_id
        JOIN plaid_items i ON i.user_id = j.user_id AND i.id = d.old_item_id
        JOIN bank_accounts n ON n.user_id = j.user_id AND n.id = j.parked_id
        WHERE j.user_id = :user_id AND j.adoption_id = :adoption
          AND o.user_id = j.user_id AND o.id = j.account_id
        RETURNING o.id, j.parked_id)
    UPDATE bank_accounts AS n
    SET ({listed(ACCOUNT_FACTS)}) = ROW({listed(ACCOUNT_FACTS, "o.")}),
        plaid_account_id = o.plaid_account_id, closed_at = o.closed_at,
        revoked_at = o.revoked_at
    FROM back JOIN bank_accounts o ON o.user_id = :user_id AND o.id = back.id
    WHERE n.user_id = :user_id AND n.id = back.parked_id
""")
MOVED_ON = text("""
    SELECT count(*) FROM adopted_accounts j
    JOIN adoptions d ON d.user_id = j.user_id AND d.id = j.adoption_id
    JOIN bank_accounts o ON o.user_id = j.user_id AND o.id = j.account_id
    WHERE j.user_id = :user_id AND j.adoption_id = :adoption
      AND o.plaid_item_id <> d.new_item_id
""")
END = text("""
    UPDATE adoptions SET status = 'undone', undone_at = now()
    WHERE user_id = :user_id AND id = :adoption
""")
FORGET = [
    text(f"DELETE FROM {table} WHERE user_id = :user_id AND adoption_id = :adoption")
    for table in ("adopted_transactions", "adopted_accounts")
]


def undo(
    session: Session, user_id: uuid.UUID, adoption_id: uuid.UUID
) -> Adoption | None:
    """Back to two histories; the caller commits. None where there is no such adoption.

    The old login stays ended: only the bank can bring it back. Raises NotUndoable.
    """
    made = session.get(Adoption, (user_id, adoption_id))
    if made is None:
        return None
    take_turns(session, user_id, made.new_item_id, made.old_item_id)
    session.refresh(made)
    if made.status != "adopted":
        raise NotUndoable("This was undone already.")
    values = {"user_id": user_id, "adoption": adoption_id}
    if session.execute(MOVED_ON, values).scalar_one():
        raise NotUndoable(
            "A later link has taken this history over. Undo that one first."
        )
    statements = (MOVE, SWAP, UNBURY, SWAP_ACCOUNTS, END, *FORGET)
    for statement in statements:
        session.execute(statement, values)
    session.refresh(made)
    return made
