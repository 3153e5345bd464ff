"""/accounts/* and /auth/get."""

from typing import Any

from ..account import HeldAccount, account_json, list_accounts
from ..endpoint import Request, endpoint
from ..errors import PlaidError
from ..fields import group, strings, text
from ..item import item_json

_OPTIONS = group({"account_ids": strings()})


def chosen(request: Request, ids: list[str] | None) -> list[HeldAccount]:
    """The shared accounts, or those asked for; INVALID_ACCOUNT_ID for a foreign one."""
    held = list_accounts(request.bank.store.connection, request.item)
    if not ids:
        return held
    known = {one.account_id: one for one in held}
    if not set(ids) <= known.keys():
        raise PlaidError("INVALID_ACCOUNT_ID")
    return [one for one in held if one.account_id in ids]


def _answer(request: Request) -> dict[str, Any]:
    accounts = chosen(request, request.options().get("account_ids"))
    return {
        "accounts": [account_json(one) for one in accounts],
        "item": item_json(request.item),
    }


@endpoint("/accounts/get", {"options": _OPTIONS}, item=True, healthy=True)
def get(request: Request) -> dict[str, Any]:
    return _answer(request)


@endpoint(
    "/accounts/balance/get",
    {"options": group({"account_ids": strings(), "min_last_updated_datetime": text()})},
    item=True,
    healthy=True,
)
def balance_get(request: Request) -> dict[str, Any]:
    return _answer(request)


@endpoint("/auth/get", {"options": _OPTIONS}, item=True, healthy=True, product="auth")
def auth_get(request: Request) -> dict[str, Any]:
    accounts = chosen(request, request.options().get("account_ids"))
    numbered = [
        one for one in accounts if one.account.subtype in ("checking", "savings")
    ]
    if not numbered:
        raise PlaidError("NO_AUTH_ACCOUNTS")
    routing = request.item.institution.routing_numbers[0]
    ach = [
        {
            "account": f"11112222333{one.account.mask or '0000'}",
            "account_id": one.account_id,
            "routing": routing,
            "wire_routing": "021000021",
        }
        for one in numbered
    ]
    return {
        "accounts": [account_json(one) for one in numbered],
        "item": item_json(request.item),
        "numbers": {"ach": ach, "bacs": [], "eft": [], "international": []},
    }
