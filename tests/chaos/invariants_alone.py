"""What must hold of a database by itself: half of the invariants, as SQL.

`check_all` of tests.chaos.invariants runs them all.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, text

from webapp.sync import schedule

OVERDUE = dt.timedelta(minutes=15)
# a user's row, by Plaid's id: what the person made of it
UserData = Mapping[tuple[Any, str], tuple[Any, ...]]


def no_id_twice(connection: Connection) -> list[str]:
    """I1: no two live rows have one transaction id of Plaid's, whoever owns them."""
    return lines(
        connection,
        """SELECT 'I1 ' || plaid_transaction_id || ' is live ' || count(*) || ' times'
           FROM transactions WHERE removed_at IS NULL
           GROUP BY plaid_transaction_id HAVING count(*) > 1""",
    )


def accounts_are_the_owners(connection: Connection) -> list[str]:
    """I4: a row's account, its item and its history belong to the row's own user."""
    return lines(
        connection,
        """SELECT 'I4 row ' || t.id || ' hangs on nothing of its user''s'
           FROM transactions t
           LEFT JOIN bank_accounts a
             ON a.user_id = t.user_id AND a.id = t.bank_account_id
           LEFT JOIN plaid_items i
             ON i.user_id = a.user_id AND i.id = a.plaid_item_id
           WHERE i.id IS NULL""",
    )


USER_DATA = text("""
    SELECT user_id, plaid_transaction_id, user_category, user_name, note, excluded,
           reviewed_at
    FROM transactions
    WHERE (user_category, user_name, note, excluded, reviewed_at)
          IS DISTINCT FROM (NULL, NULL, NULL, false, NULL)
""")
SUCCESSORS = text("""
    SELECT user_id, pending_transaction_id, plaid_transaction_id FROM transactions
    WHERE pending_transaction_id IS NOT NULL
""")


def made_by_users(connection: Connection) -> UserData:
    """What people made of their rows, tombstones included: the `before` of I7."""
    return {(row[0], row[1]): tuple(row[2:]) for row in connection.execute(USER_DATA)}


def user_data_is_kept(connection: Connection, before: UserData) -> list[str]:
    """I7: what a person made of a row is on it still, and on its posted successor (R3).

    A successor that had user data of its own keeps that. Rows of users who are gone
    with all they had do not count.
    """
    now = made_by_users(connection)
    users = set(connection.execute(text("SELECT id FROM users")).scalars())
    next_of = {(row[0], row[1]): row[2] for row in connection.execute(SUCCESSORS)}
    found = []
    for key, made in before.items():
        user, id = key
        if user not in users:
            continue
        if now.get(key) != made:
            found.append(f"I7 {id} had {made}, now {now.get(key)}")
        successor = (user, next_of[key]) if key in next_of else key
        if successor not in before and successor not in now:
            found.append(f"I7 {next_of[key]} did not take over {made} of {id}")
    return found


def no_item_is_stuck(
    connection: Connection, overdue: dt.timedelta = OVERDUE
) -> list[str]:
    """I8: nothing is overdue for long, no lease outlives twice its length (R6).

    An item that is laid to rest (a login is due, or it is revoked) is not overdue, nor
    is one that backs off.
    """
    return lines(
        connection,
        """SELECT 'I8 item ' || item_id || ' (' || state || ') was due at ' || next_at
                  || ', lease until ' || coalesce(lease_until::text, 'none')
           FROM plaid_items
           WHERE lease_until < now() - CAST(:lease AS interval)
              OR (next_at < now() - CAST(:overdue AS interval)
                  AND (lease_until IS NULL OR lease_until < now())
                  AND state NOT IN ('revoked', 'removed')
                  AND (state <> 'login_required' OR req_seq > seen_seq))""",
        lease=schedule.LEASE,
        overdue=overdue,
    )


def sequences_are_in_order(connection: Connection) -> list[str]:
    """I9: nothing is done that was not seen, nor seen that was not asked."""
    return lines(
        connection,
        """SELECT 'I9 item ' || item_id || ': done ' || done_seq || ', seen '
                  || seen_seq || ', asked ' || req_seq
           FROM plaid_items
           WHERE NOT (done_seq <= seen_seq AND seen_seq <= req_seq)""",
    )


def changes_lead_to_now(connection: Connection) -> list[str]:
    """What was kept of the bank's changes ends, column by column, in what is stored."""
    return lines(
        connection,
        """SELECT 'IC ' || t.plaid_transaction_id || '.' || last.key || ' is '
                  || (to_jsonb(t) -> last.key) || ', the last kept change says '
                  || min(last.value::text)
           FROM (SELECT c.user_id, c.transaction_id, became.key, became.value,
                        rank() OVER (PARTITION BY c.user_id, c.transaction_id,
                                     became.key ORDER BY c.changed_at DESC) AS place
                 FROM transaction_changes c, jsonb_each(c.became) AS became) AS last
           JOIN transactions t
             ON t.user_id = last.user_id AND t.id = last.transaction_id
           WHERE last.place = 1  -- one run may change a row twice at one instant
           GROUP BY t.user_id, t.id, last.key
           HAVING NOT bool_or(last.value = to_jsonb(t) -> last.key)""",
    )


ALONE = (
    no_id_twice,
    accounts_are_the_owners,
    sequences_are_in_order,
    changes_lead_to_now,
)


def lines(connection: Connection, statement: str, **values: Any) -> list[str]:
    return list(connection.execute(text(statement), values).scalars())
