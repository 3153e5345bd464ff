"""/sandbox/*: what only a sandbox can do."""

from datetime import date
from typing import Any

from .. import opening
from ..endpoint import Request, endpoint, login_expiry
from ..errors import PlaidError
from ..fields import choices, day, group, integer, string, text, unused
from ..institutions import find_institution
from ..item import save_item
from ..products import DAYS_REQUESTED, ENABLED, PRODUCTS
from ..tokens import issue_public_token
from ..urls import check_webhook
from ..worlds import check_password

_OPTIONS = group(
    {
        "webhook": string(),
        "override_username": string(nullable=True),
        "override_password": string(nullable=True),
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
    request._item = item
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
