"""What the control API shows of items."""

from typing import Any

from ..bank import Bank
from ..clock import iso
from ..item import Item, account_json, list_accounts


def item_summary(bank: Bank, item: Item) -> dict[str, Any]:
    held = list_accounts(bank.store.connection, item, everything=True)
    count = bank.store.connection.execute(
        "SELECT count(*) FROM transactions WHERE item = ? AND NOT removed",
        (item.number,),
    ).fetchone()[0]
    return {
        "access_token": item.access_token,
        "accounts": [
            {**account_json(one), "shared": one.account.shared} for one in held
        ],
        "created_at": iso(item.created_at),
        "error_code": item.error_code,
        "institution_id": item.institution_id,
        "institution_name": item.institution.name,
        "item_id": item.item_id,
        "transactions": count,
        "username": item.username,
        "webhook": item.webhook,
    }
