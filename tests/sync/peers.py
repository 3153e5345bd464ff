"""What the tests named after other projects share: the bank edited, webhooks told."""

from contextlib import contextmanager

from tests.sync.linked import ask_db
from tests.webhooks.signing import KeyServer
from webapp.plaid.webhook_keys import WebhookKeys


@contextmanager
def receiving(app):
    """Posts a webhook to the app; the keys are the tests' own."""
    before, client = app.extensions["webhook_keys"], app.test_client()
    app.extensions["webhook_keys"] = WebhookKeys(KeyServer().get)

    def post(body: bytes, header: str) -> int:
        headers = {"Plaid-Verification": header}
        kind = "application/json"
        return client.post(
            "/webhooks/plaid", data=body, headers=headers, content_type=kind
        ).status_code

    yield post
    app.extensions["webhook_keys"] = before


def buys(bank, item, amount="12.34", *, pending: bool = False) -> str:
    """A purchase at the bank; its id there."""
    bought = {
        "amount": float(amount),
        "date_transacted": "2026-01-01",
        "date_posted": "2999-01-01" if pending else "2026-01-02",
        "description": "A shop",
    }
    path = f"items/{item.item_id}/transactions"
    return str(bank.control(path, transactions=[bought])["ids"][0])


def happens(bank, item, name: str, **more) -> None:
    bank.control(f"items/{item.item_id}/event", event=name, **more)


def shown(app) -> list[str]:
    """Ids of Plaid's that pages and sums see: the ledger's."""
    found = "SELECT plaid_transaction_id FROM ledger JOIN transactions USING (id)"
    return [id for (id,) in ask_db(app, found)]
