"""/sandbox/*: what only a sandbox can do."""

from datetime import date
from typing import Any

from .. import edits, opening
from ..account import save_account
from ..ageing import login_expiry
from ..endpoint import Request, endpoint
from ..errors import PlaidError
from ..fields import (
    choices,
    day,
    group,
    groups,
    integer,
    number,
    one_of,
    string,
    text,
    unused,
)
from ..institutions import find_institution
from ..item import save_item
from ..products import DAYS_REQUESTED, ENABLED, PRODUCTS
from ..tokens import issue_public_token
from ..urls import check_webhook
from ..webhook import Changes, tell_changes, tell_error
from ..worlds import check_password
from .accounts import chosen
from .firing import FIREABLE, fire

_OPTIONS = group(
    {
        "webhook": string(),
        "override_username": string(),
        "override_password": string(),
        "transactions": group(
            {
                "start_date": day(),
                "end_date": day(),
                "days_requested": integer(*DAYS_REQUESTED),
            }
        ),
        "statements": unused(),
        "income_verification": unused(),
    }
)


@endpoint(
    "/sandbox/public_token/create",
    {
        "institution_id": text(required=True),
        "initial_products": choices(PRODUCTS, shortest=1, required=True),
        "options": _OPTIONS,
        "user_token": unused(),
        "user_id": unused(),
    },
)
def create_public_token(request: Request) -> dict[str, Any]:
    """Link without a person: the login is tried at once."""
    bank, options = request.bank, request.options()
    institution = find_institution(request.body["institution_id"])
    products = request.body["initial_products"]
    if not set(products) <= set(ENABLED):
        raise PlaidError("INVALID_PRODUCT")
    if options.get("webhook"):
        check_webhook(options["webhook"])
    username = options.get("override_username") or "user_good"
    password = options.get("override_password") or "pass_good"
    if institution.down:
        raise PlaidError("INSTITUTION_DOWN")
    if not institution.supported:
        raise PlaidError("INSTITUTION_NO_LONGER_SUPPORTED")
    check_password(username, password)
    item = opening.open_item(
        bank,
        institution_id=institution.institution_id,
        username=username,
        password=password,
        products=products,
        webhook=options.get("webhook") or "",
        days_requested=_days(request, options.get("transactions") or {}),
    )
    item.login_expires_at = login_expiry(bank)
    with bank.store.writing() as connection:
        save_item(connection, item)
    request.known_item = item
    return {"public_token": issue_public_token(bank, item)}


def _days(request: Request, given: dict[str, Any]) -> int | None:
    """start_date is the older way to say how far back to go."""
    if "days_requested" in given:
        return int(given["days_requested"])
    if "start_date" not in given:
        return None
    start = date.fromisoformat(given["start_date"])
    days = (request.bank.clock.today() - start).days + 1
    return max(1, min(days, DAYS_REQUESTED[1]))


@endpoint("/sandbox/item/reset_login", item=True)
def reset_login(request: Request) -> dict[str, Any]:
    with request.bank.editing(request.item.item_id) as (connection, item):
        item.error_code = "ITEM_LOGIN_REQUIRED"
        item.last_failure_at = request.bank.clock.now()
        tell_error(connection, item, item.error_code)
    return {"reset_login": True}


@endpoint(
    "/sandbox/item/fire_webhook",
    {
        "webhook_code": one_of(*FIREABLE, required=True),
        "webhook_type": text(),
        "options": group({"new_transactions": integer(0, 1_000_000)}),
    },
    item=True,
)
def fire_webhook(request: Request) -> dict[str, Any]:
    """Send a webhook without anything having happened."""
    item, code = request.item, request.body["webhook_code"]
    kind = request.body.get("webhook_type")
    if kind is not None and kind != FIREABLE[code]:
        raise PlaidError("INVALID_FIELD", f"webhook_type of {code} is {FIREABLE[code]}")
    if FIREABLE[code] not in ("ITEM", "TRANSACTIONS"):
        raise PlaidError("SANDBOX_PRODUCT_NOT_ENABLED")
    if FIREABLE[code] == "TRANSACTIONS" and not item.has_transactions:
        raise PlaidError("SANDBOX_PRODUCT_NOT_ENABLED")
    if not item.webhook:
        raise PlaidError("SANDBOX_WEBHOOK_INVALID")
    with request.bank.store.writing() as connection:
        fire(request.bank, connection, item, code, request.options())
    return {"webhook_fired": True}


@endpoint(
    "/sandbox/item/set_verification_status",
    {
        "account_id": text(required=True),
        "verification_status": one_of(
            "automatically_verified", "verification_expired", required=True
        ),
    },
    item=True,
    product="auth",
)
def set_verification_status(request: Request) -> dict[str, Any]:
    held = chosen(request, [request.body["account_id"]])
    held[0].account.verification_status = request.body["verification_status"]
    with request.bank.store.writing() as connection:
        save_account(connection, held[0])
    return {}


@endpoint(
    "/sandbox/transactions/create",
    {
        "transactions": groups(
            {
                "date_transacted": day(required=True),
                "date_posted": day(required=True),
                "amount": number(required=True),
                "description": text(required=True),
                "iso_currency_code": text(3),
                "account_id": text(),
            },
            longest=10,
            shortest=1,
            required=True,
        )
    },
    item=True,
    healthy=True,
    product="transactions",
)
def create_transactions(request: Request) -> dict[str, Any]:
    """Rows of one's own, by default on the checking account; webhooks follow."""
    bank, rows = request.bank, request.body["transactions"]
    for row in rows:
        _check_days(bank.clock.today(), row)
        if row.get("account_id"):
            chosen(request, [row["account_id"]])
    with bank.editing(request.item.item_id) as (connection, item):
        ids = edits.add(bank, connection, item, rows)
        tell_changes(bank, connection, item, Changes(added=len(ids)))
    return {}


def _check_days(today: date, row: dict[str, Any]) -> None:
    transacted = date.fromisoformat(row["date_transacted"])
    posted = date.fromisoformat(row["date_posted"])
    if not 0 <= (today - transacted).days <= DAYS_REQUESTED[1]:
        raise PlaidError(
            "INVALID_FIELD", "date_transacted must be within the last 730 days"
        )
    if posted < transacted or (posted - today).days > DAYS_REQUESTED[1]:
        raise PlaidError("INVALID_FIELD", "date_posted must follow date_transacted")
