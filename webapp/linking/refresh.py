"""Having Plaid ask a bank for news now: a paid extra that the app lives without."""

import uuid

from sqlalchemy import text

from webapp.models import PlaidItem
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync.run import Tools, token_place

# What Plaid answers to somebody who has not bought it, or of a bank that cannot do it.
NOT_OFFERED = ("INVALID_PRODUCT", "UNAUTHORIZED_ROUTE_ACCESS", "PRODUCTS_NOT_SUPPORTED")

# For those whom no webhook tells: the bank needs about a minute.
LOOK_SOON = text("""
    UPDATE plaid_items SET next_at = least(next_at, now() + interval '1 minute')
    WHERE user_id = :user_id AND id = :id AND state NOT IN ('removing', 'removed')
""")


def ask_bank(tools: Tools, item: PlaidItem) -> str:
    """'asked', 'not offered' or 'too often'. Commits. Raises PlaidError otherwise."""
    key: dict[str, uuid.UUID] = {"user_id": item.user_id, "id": item.id}
    token = tools.vault.decrypt(item.access_token, token_place(item.id))
    tools.session.commit()  # no transaction stays open while Plaid is called
    try:
        tools.plaid.transactions_refresh(token)
    except PlaidError as error:
        if error.code in NOT_OFFERED:
            return "not offered"
        if error.kind is Kind.WAIT:
            return "too often"
        raise
    tools.session.execute(LOOK_SOON, key)
    tools.session.commit()
    return "asked"
