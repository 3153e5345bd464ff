"""The bank's list of accounts becomes rows."""

import uuid

from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.plaid.decode import Account
from webapp.sync.columns import listed
from webapp.sync.raw import cursor_of
from webapp.sync.rows import NO_CURRENCY, in_minor_units

ACCOUNT_COLUMNS = [
    "persistent_account_id", "name", "official_name", "mask", "type", "subtype",
    "currency", "current_balance", "available_balance", "balance_limit",
]  # fmt: skip
WRITE_ACCOUNTS = f"""
    INSERT INTO bank_accounts AS a
        (user_id, id, plaid_item_id, plaid_account_id, {listed(ACCOUNT_COLUMNS)},
         last_synced_at)
    VALUES %s
    ON CONFLICT (user_id, plaid_account_id) DO UPDATE
    SET ({listed(ACCOUNT_COLUMNS)}) = ROW({listed(ACCOUNT_COLUMNS, "excluded.")}),
        plaid_item_id = excluded.plaid_item_id, last_synced_at = now(),
        closed_at = a.revoked_at
"""
CLOSE_ACCOUNTS = text("""
    UPDATE bank_accounts SET closed_at = now()
    WHERE user_id = :user_id AND plaid_item_id = :item AND closed_at IS NULL
      AND plaid_account_id <> ALL (:ids)
""")


def write_accounts(
    session: Session,
    user_id: uuid.UUID,
    item: uuid.UUID,
    new_ids: list[uuid.UUID],
    accounts: list[Account],
) -> None:
    """The bank's list of accounts as it is now; what is not in it any more is closed.

    `new_ids` has one id for each account, used where the account is new.
    Raises PlaidError UNREADABLE for a balance that no ledger can hold.
    """
    once = {  # one statement must not write a row twice
        a.account_id: (str(user_id), str(new_id), str(item), a.account_id, *_account(a))
        for new_id, a in zip(new_ids, accounts, strict=True)
    }
    rows = list(once.values())
    if rows:
        template = "({})".format(", ".join(["%s"] * len(rows[0]) + ["now()"]))
        with cursor_of(session) as cursor:
            execute_values(cursor, WRITE_ACCOUNTS, rows, template, page_size=1000)
    ids = [a.account_id for a in accounts]
    values = {"user_id": user_id, "item": item, "ids": ids}
    session.execute(CLOSE_ACCOUNTS, values)


def _account(a: Account) -> tuple[object, ...]:
    iso = a.balances.iso_currency_code
    currency = iso or a.balances.unofficial_currency_code or NO_CURRENCY
    balances = (a.balances.current, a.balances.available, a.balances.limit)
    rounded = [None if b is None else in_minor_units(b, iso) for b in balances]
    return (
        a.persistent_account_id, a.name, a.official_name, a.mask, a.type, a.subtype,
        currency, *rounded,
    )  # fmt: skip
