"""/link/token/*: what a client may ask of Link."""

import re
from datetime import timedelta
from typing import Any

from ..clock import iso
from ..endpoint import Request, endpoint, visit
from ..errors import PlaidError
from ..fields import (
    boolean,
    choices,
    group,
    integer,
    one_of,
    string,
    strings,
    text,
    unused,
)
from ..ids import token
from ..institutions import find_institution
from ..link.token import LinkToken, find_link_token, list_sessions, save_link_token
from ..products import COUNTRIES, DAYS_REQUESTED, ENABLED, LANGUAGES, PRODUCTS
from ..urls import check_redirect, check_webhook

_LIFE = timedelta(hours=4)
_UPDATE_LIFE = timedelta(minutes=30)
_LONGEST_NAME = 30
_PERSONAL = re.compile(r"@|^\+?[\d\s().-]{7,}$")
_OTHER_PRODUCTS = (
    "access_tokens android_package_name appearance_mode auth base_report card_switch "
    "cashflow_report consumer_report_permissible_purpose cra_enabled cra_options "
    "cra_report_parameter credit_partner_insights employment enable_multi_item_link "
    "eu_config financekit_supported hosted_link identity identity_verification "
    "income_verification institution_data investments investments_auth "
    "payment_configuration payment_initiation statements third_party_user_token "
    "transfer user_token"
)
_USER = {
    "client_user_id": text(required=True),
    **{
        name: unused()
        for name in (
            "address",
            "date_of_birth",
            "email_address",
            "email_address_verified_time",
            "id_number",
            "legal_name",
            "name",
            "phone_number",
            "phone_number_verified_time",
            "ssn",
        )
    },
}
_SCHEMA = {
    "client_name": text(required=True),
    "language": one_of(*LANGUAGES, required=True),
    "country_codes": choices(COUNTRIES, shortest=1, required=True),
    "user": group(_USER),
    "user_id": text(),
    "products": choices(PRODUCTS),
    "required_if_supported_products": choices(PRODUCTS),
    "optional_products": choices(PRODUCTS),
    "additional_consented_products": choices(PRODUCTS),
    "webhook": string(),
    "access_token": string(),
    "link_customization_name": text(),
    "redirect_uri": string(),
    "account_filters": group(),
    "institution_id": text(),
    "transactions": group({"days_requested": integer(*DAYS_REQUESTED)}),
    "update": group(
        {
            "account_selection_enabled": boolean(),
            "reauthorization_enabled": boolean(),
            "user": boolean(),
            "item_ids": strings(),
        }
    ),
    **{name: unused() for name in _OTHER_PRODUCTS.split()},
}
_LISTS = (
    "products",
    "required_if_supported_products",
    "optional_products",
    "additional_consented_products",
)


@endpoint("/link/token/create", _SCHEMA)
def create(request: Request) -> dict[str, Any]:
    body = request.body
    _check_user(body)
    if body.get("webhook"):
        check_webhook(body["webhook"])
    if body.get("redirect_uri"):
        check_redirect(body["redirect_uri"])
    if body.get("institution_id"):
        find_institution(body["institution_id"])
    if body.get("link_customization_name") not in (None, "default"):
        raise PlaidError("INVALID_LINK_CUSTOMIZATION")
    item_id = _check_update(request) if body.get("access_token") else None
    if item_id is None:
        _check_products(body)
    now = request.bank.clock.now()
    life = _UPDATE_LIFE if item_id else _LIFE
    given = body.get("transactions") or {}
    link = LinkToken(
        link_token=token("link"),
        created_at=now,
        expires_at=now + life,
        client_name=_shown_name(body["client_name"]),
        client_user_id=(body.get("user") or {}).get("client_user_id", ""),
        language=body["language"],
        country_codes=body["country_codes"],
        products=_products(body),
        webhook=body.get("webhook") or "",
        redirect_uri=body.get("redirect_uri") or None,
        institution_id=body.get("institution_id"),
        days_requested=given.get("days_requested"),
        item_id=item_id,
        account_selection=bool(
            (body.get("update") or {}).get("account_selection_enabled")
        ),
        account_filters=_plain(body.get("account_filters")),
    )
    save_link_token(request.bank.store, link)
    return {
        "expiration": iso(link.expires_at),
        "link_token": link.link_token,
    }


def _shown_name(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else "This Application"


def _plain(filters: dict[str, Any] | None) -> dict[str, Any]:
    """Of the filters, what Link looks at: subtypes by account type."""
    kept: dict[str, Any] = {}
    for kind, rule in (filters or {}).items():
        subtypes = rule.get("account_subtypes") if isinstance(rule, dict) else None
        if not isinstance(subtypes, list) or not all(
            isinstance(one, str) for one in subtypes
        ):
            raise PlaidError(
                "INVALID_FIELD",
                f"account_filters.{kind[:50]} must have account_subtypes",
            )
        kept[kind] = {"account_subtypes": subtypes}
    return kept


def _check_user(body: dict[str, Any]) -> None:
    user = body.get("user")
    if user is None:
        if not body.get("user_id"):
            raise PlaidError(
                "MISSING_FIELDS",
                "the following required fields are missing: user.client_user_id",
            )
        return
    if _PERSONAL.search(user["client_user_id"]):
        raise PlaidError(
            "INVALID_FIELD", "user.client_user_id must not be an e-mail or phone number"
        )


def _check_products(body: dict[str, Any]) -> None:
    if not any(body.get(name) for name in _LISTS[:2]):
        raise PlaidError(
            "MISSING_FIELDS", "the following required fields are missing: products"
        )
    seen: set[str] = set()
    for name in _LISTS:
        for product in body.get(name) or []:
            if product == "balance" or product not in ENABLED:
                raise PlaidError(
                    "INVALID_PRODUCT",
                    f"client is not authorized to access the following products: "
                    f'["{product}"]',
                )
            if product in seen:
                raise PlaidError(
                    "INVALID_FIELD", f"{product} appears in more than one product list"
                )
            seen.add(product)


def _products(body: dict[str, Any]) -> list[str]:
    found: list[str] = []
    for name in _LISTS[:3]:
        found += body.get(name) or []
    return found


def _check_update(request: Request) -> str:
    """The item to update; products and their options have no place here."""
    body = request.body
    for name in (*_LISTS[:3], "transactions"):
        if body.get(name):
            raise PlaidError(
                "INVALID_FIELD", f"{name} must not be given in update mode"
            )
    selection = (body.get("update") or {}).get("account_selection_enabled")
    if body.get("account_filters") and not selection:
        raise PlaidError(
            "INVALID_FIELD", "account_filters need update.account_selection_enabled"
        )
    request.known_item = visit(request.bank, body["access_token"])
    return request.item.item_id


@endpoint("/link/token/get", {"link_token": string(required=True)})
def get(request: Request) -> dict[str, Any]:
    link = find_link_token(request.bank.store, request.body["link_token"])
    if link is None:
        raise PlaidError("INVALID_LINK_TOKEN")
    return {
        "created_at": iso(link.created_at),
        "expiration": iso(link.expires_at),
        "link_sessions": list_sessions(request.bank.store, link.link_token),
        "link_token": link.link_token,
        "metadata": {
            "account_filters": link.account_filters,
            "client_name": link.client_name,
            "country_codes": link.country_codes,
            "initial_products": link.products,
            "language": link.language,
            "redirect_uri": link.redirect_uri,
            "webhook": link.webhook,
        },
    }
