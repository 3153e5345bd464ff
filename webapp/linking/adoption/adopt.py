"""Adopting: old rows go on under the new login's ids. One transaction, set-based.

The old row takes over the bank's columns and Plaid's id of the new one, which is parked
with the old row's under the account that the link had made. So a later word of Plaid's
on its id reaches the adopted row, no id of ours changes, and swapping back undoes it.
"""

import uuid
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.extensions import TAKE_YOUR_TIME
from webapp.linking import duplicates
from webapp.linking.adoption.accounts import match_accounts
from webapp.linking.adoption.columns import (
    ACCOUNT_FACTS,
    FACTS,
    PARKED,
    listed,
    taken,
    took,
)
from webapp.linking.adoption.plan import SIDES, is_gone, read_plan, values_of
from webapp.linking.removal import close_accounts, disconnect
from webapp.models import Adoption
from webapp.sync.columns import USERS
from webapp.sync.run import Tools


class PlanChanged(Exception):
    """What the person agreed to is not what would happen now."""


INSERT = "INSERT INTO adopted_transactions (user_id, adoption_id, transaction_id, role"
PAIR = f"""
    {INSERT}, parked_id, plaid_transaction_id, took)
    SELECT :user_id, :adoption, o.id, 'paired', n.id, o.plaid_transaction_id, {took()}
    FROM pairs p
    JOIN transactions o ON o.user_id = :user_id AND o.id = p.old_id
    JOIN transactions n ON n.user_id = :user_id AND n.id = p.new_id
"""
PAIR_EXACT = text(f"""
    WITH {SIDES},
    pairs AS (
        SELECT (array_agg(id) FILTER (WHERE is_old))[1] AS old_id,
               (array_agg(id) FILTER (WHERE NOT is_old))[1] AS new_id
        FROM sides WHERE is_paired
        GROUP BY account, amount, currency, date, called, pending, nth)
    {PAIR}
""")
PAIR_MORE = text(f"""
    WITH pairs AS (
        SELECT * FROM unnest(CAST(:old_ids AS uuid[]), CAST(:new_ids AS uuid[]))
            AS p (old_id, new_id))
    {PAIR}
""")
GONE = text(f"""
    {INSERT}) SELECT :user_id, :adoption, id, 'gone'
    FROM unnest(CAST(:gone AS uuid[])) AS g (id)
""")
REST = text(f"""
    {INSERT}) SELECT :user_id, :adoption, t.id, 'kept'
    FROM transactions t
    WHERE t.user_id = :user_id AND t.bank_account_id = ANY (CAST(:old AS uuid[]))
    ON CONFLICT DO NOTHING
""")
SWAP = text(f"""
    WITH parked AS (
        UPDATE transactions AS n
        SET ({listed(FACTS)}) = ROW({listed(FACTS, "o.")}),
            plaid_transaction_id = {PARKED} n.id, removed_at = now(), changed_at = now()
        FROM adopted_transactions j
        JOIN transactions o ON o.user_id = j.user_id AND o.id = j.transaction_id
        WHERE j.user_id = :user_id AND j.adoption_id = :adoption
          AND n.user_id = j.user_id AND n.id = j.parked_id
        RETURNING n.id, j.transaction_id, j.took)
    -- `transactions` is read here as it was when the statement began
    UPDATE transactions AS o
    SET ({listed(FACTS)}) = ROW({listed(FACTS, "n.")}),
        plaid_transaction_id = n.plaid_transaction_id,
        ({listed(USERS)}) = ROW({taken()}), changed_at = now()
    FROM parked
    JOIN transactions n ON n.user_id = :user_id AND n.id = parked.id
    CROSS JOIN LATERAL jsonb_populate_record(
        NULL::transactions, coalesce(parked.took, '{{}}')) AS took
    WHERE o.user_id = :user_id AND o.id = parked.transaction_id
""")
BURY = text("""
    UPDATE transactions t SET removed_at = now(), changed_at = now()
    FROM adopted_transactions j
    WHERE j.user_id = :user_id AND j.adoption_id = :adoption AND j.role = 'gone'
      AND t.user_id = j.user_id AND t.id = j.transaction_id
""")
MOVE = text("""
    UPDATE transactions t SET bank_account_id = a.account_id
    FROM adopted_accounts a
    WHERE a.user_id = :user_id AND a.adoption_id = :adoption
      AND t.user_id = a.user_id AND t.bank_account_id = a.parked_id
      AND NOT EXISTS (
          SELECT FROM adopted_transactions j
          WHERE j.user_id = t.user_id AND j.parked_id = t.id
            AND j.adoption_id = a.adoption_id)
""")
ACCOUNTS = text("""
    INSERT INTO adopted_accounts
        (user_id, adoption_id, account_id, parked_id, plaid_account_id, was_closed_at,
         was_revoked_at, took_name)
    SELECT :user_id, :adoption, o.id, n.id, o.plaid_account_id, o.closed_at,
           o.revoked_at, CASE WHEN o.user_name IS NULL THEN n.user_name END
    FROM unnest(CAST(:old AS uuid[]), CAST(:new AS uuid[])) AS p (old_id, new_id)
    JOIN bank_accounts o ON o.user_id = :user_id AND o.id = p.old_id
    JOIN bank_accounts n ON n.user_id = :user_id AND n.id = p.new_id
""")
SWAP_ACCOUNTS = text(f"""
    WITH parked AS (
        UPDATE bank_accounts AS n
        SET ({listed(ACCOUNT_FACTS)}) = ROW({listed(ACCOUNT_FACTS, "o.")}),
            plaid_account_id = {PARKED} n.id, closed_at = now(), revoked_at = NULL
        FROM adopted_accounts j
        JOIN bank_accounts o ON o.user_id = j.user_id AND o.id = j.account_id
        WHERE j.user_id = :user_id AND j.adoption_id = :adoption
          AND n.user_id = j.user_id AND n.id = j.parked_id
        RETURNING n.id, j.account_id, j.took_name)
    UPDATE bank_accounts AS o
    SET ({listed(ACCOUNT_FACTS)}) = ROW({listed(ACCOUNT_FACTS, "n.")}),
        plaid_account_id = n.plaid_account_id, plaid_item_id = n.plaid_item_id,
        closed_at = n.closed_at, revoked_at = n.revoked_at,
        user_name = coalesce(o.user_name, parked.took_name)
    FROM parked
    JOIN bank_accounts n ON n.user_id = :user_id AND n.id = parked.id
    WHERE o.user_id = :user_id AND o.id = parked.account_id
""")


def adopt(
    tools: Tools,
    user_id: uuid.UUID,
    new_item: uuid.UUID,
    old_item: uuid.UUID,
    agreed: str,
    apart: Collection[uuid.UUID] = (),
) -> Adoption | None:
    """Do what the plan said, and end the old login. The caller commits.

    `apart` are old rows of doubtful pairs that are not the same as the new one. None
    where nothing matches. Raises PlanChanged where anything came in since the person
    saw the plan `agreed`.
    """
    session = tools.session
    take_turns(session, user_id, new_item, old_item)
    accounts = match_accounts(session, user_id, new_item, old_item)
    if not accounts:
        return None
    plan = read_plan(session, user_id, accounts)
    if plan.agreed != agreed:
        raise PlanChanged
    same = [pair for pair in plan.doubtful if pair.old.id not in apart]
    alone = [pair.old for pair in plan.doubtful if pair.old.id in apart]
    gone = [*plan.gone, *(r for r in alone if is_gone(r, plan.since[r.account]))]
    made = Adoption(
        user_id=user_id,
        id=uuid7(),
        new_item_id=new_item,
        old_item_id=old_item,
        status="adopted",
        matched=plan.total["matched"] + len(same),
        added=plan.total["added"] + len(alone),
        gone=len(gone),
        kept=plan.total["older"] + len(plan.gone) + len(alone) - len(gone),
    )
    session.add(made)
    session.flush()
    pairs = [*plan.sure, *same]
    values = values_of(user_id, accounts) | {"adoption": made.id}
    session.execute(ACCOUNTS, values)
    session.execute(PAIR_EXACT, values)
    old_ids, new_ids = [p.old.id for p in pairs], [p.new.id for p in pairs]
    session.execute(PAIR_MORE, values | {"old_ids": old_ids, "new_ids": new_ids})
    session.execute(GONE, values | {"gone": [row.id for row in gone]})
    session.execute(REST, values)
    for statement in (SWAP, BURY, MOVE, SWAP_ACCOUNTS):
        session.execute(statement, values)
    # accounts that matched none stay as kept history; no merge of the old login can
    # run beside, so its accounts may be closed in the same transaction
    disconnect(tools, user_id, old_item, keep_history=True)
    close_accounts(session, user_id, old_item)
    return made


ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(:key)")


def take_turns(session: Session, user_id: uuid.UUID, *items: uuid.UUID) -> None:
    """No merge of these items and no other adoption of this user runs beside.

    A merge that comes meanwhile gives up and its run is done again (apply.take_turn).
    """
    session.execute(TAKE_YOUR_TIME)
    duplicates.take_turn(session, user_id)
    for key in sorted(duplicates.turn_key(item) for item in items):
        session.execute(ONE_AT_A_TIME, {"key": key})
