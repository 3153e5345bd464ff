"""/item/*: exchange, health, webhook, rotation and removal."""

from typing import Any

from .. import opening
from ..clock import iso
from ..endpoint import Request, endpoint
from ..errors import PlaidError
from ..fields import choices, group, one_of, string, text
from ..ids import token
from ..item import Item, item_json, load_item
from ..products import PRODUCTS
from ..tokens import find_public_token, issue_public_token
from ..urls import check_webhook
from ..webhook import send

_REASONS = (
    "FRAUD_FIRST_PARTY",
    "FRAUD_FALSE_IDENTITY",
    "FRAUD_ABUSE",
    "FRAUD_OTHER",
    "CONNECTION_IS_NON_FUNCTIONAL",
    "OTHER",
)


@endpoint("/item/public_token/exchange", {"public_token": string(required=True)})
def exchange(request: Request) -> dict[str, Any]:
    """One use, thirty minutes. A token of update mode gives the same item again."""
    bank = request.bank
    with bank.store.writing() as connection:
        number = find_public_token(connection, request.body["public_token"], bank.clock)
        item = load_item(connection, number)
        if item is None or item.removed:
            raise PlaidError("INVALID_PUBLIC_TOKEN")
        request.known_item = item
        if item.access_token is None:
            with bank.editing(item.item_id) as (_, editable):
                editable.access_token = token("access")
            item = editable
        connection.execute(
            "UPDATE public_tokens SET used = 1 WHERE public_token = ?",
            (request.body["public_token"],),
        )
    return {"access_token": item.access_token, "item_id": item.item_id}


@endpoint("/item/public_token/create", item=True)
def create_public_token(request: Request) -> dict[str, Any]:
    """A token for Link's old update mode."""
    return {"public_token": issue_public_token(request.bank, request.item)}


@endpoint("/item/get", item=True)
def get(request: Request) -> dict[str, Any]:
    item = request.item
    created = {
        "consented_products": item.products,
        "created_at": iso(item.created_at),
    }
    return {"item": {**item_json(item), **created}, "status": _status(request, item)}


def _status(request: Request, item: Item) -> dict[str, Any]:
    status: dict[str, Any] = {"investments": None, "last_webhook": None}
    if item.has_transactions:
        success = item.last_success_at or _pulled_at(request, item)
        failure = item.last_failure_at
        status["transactions"] = {
            "last_failed_update": iso(failure) if failure else None,
            "last_successful_update": iso(success) if success else None,
        }
    if item.last_webhook_at and item.last_webhook_code:
        status["last_webhook"] = {
            "code_sent": item.last_webhook_code,
            "sent_at": iso(item.last_webhook_at),
        }
    return status


def _pulled_at(request: Request, item: Item) -> Any:
    now = request.bank.clock.now()
    return item.initial_at if now >= item.initial_at else None


@endpoint(
    "/item/remove",
    {
        "reason_code": one_of(*_REASONS),
        "reason_note": text(512),
    },
    item=True,
)
def remove(request: Request) -> dict[str, Any]:
    with request.bank.editing(request.item.item_id) as (connection, item):
        item.removed = True
        connection.execute("DELETE FROM transactions WHERE item = ?", (item.number,))
        connection.execute("DELETE FROM accounts WHERE item = ?", (item.number,))
    return {}


@endpoint("/item/webhook/update", {"webhook": string()}, item=True)
def update_webhook(request: Request) -> dict[str, Any]:
    webhook = request.body.get("webhook") or ""
    if webhook:
        check_webhook(webhook)
    with request.bank.editing(request.item.item_id) as (connection, item):
        item.webhook = webhook
        send(
            connection,
            item,
            "ITEM",
            "WEBHOOK_UPDATE_ACKNOWLEDGED",
            error=None,
            new_webhook_url=webhook,
        )
    return {"item": item_json(item)}


@endpoint("/item/access_token/invalidate", item=True)
def invalidate(request: Request) -> dict[str, Any]:
    with request.bank.editing(request.item.item_id) as (_, item):
        item.access_token = token("access")
    return {"new_access_token": item.access_token}


@endpoint(
    "/item/import",
    {
        "products": choices(PRODUCTS, shortest=1, required=True),
        "user_auth": group(
            {"user_id": text(required=True), "auth_token": text(required=True)},
            required=True,
        ),
        "institution_id": text(),
        "options": group({"webhook": string()}),
    },
)
def import_item(request: Request) -> dict[str, Any]:
    """An item without Link, as for clients that move over from elsewhere."""
    bank = request.bank
    webhook = request.options().get("webhook") or ""
    if webhook:
        check_webhook(webhook)
    item = opening.open_item(
        bank,
        institution_id=request.body.get("institution_id") or "ins_109508",
        username="user_good",
        password="pass_good",  # noqa: S106
        products=request.body["products"],
        webhook=webhook,
    )
    with bank.editing(item.item_id) as (_, editable):
        editable.access_token = token("access")
    request.known_item = editable
    return {"access_token": editable.access_token}
