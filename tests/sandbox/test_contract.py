"""plaid-python's strict models read all answers, errors and webhooks."""

import datetime
import json
from typing import Any

import plaid
import pytest
from plaid.model.country_code import CountryCode
from plaid.model.default_update_webhook import DefaultUpdateWebhook
from plaid.model.historical_update_webhook import HistoricalUpdateWebhook
from plaid.model.initial_update_webhook import InitialUpdateWebhook
from plaid.model.item_error_webhook import ItemErrorWebhook
from plaid.model.item_login_repaired_webhook import ItemLoginRepairedWebhook
from plaid.model.new_accounts_available_webhook import NewAccountsAvailableWebhook
from plaid.model.pending_disconnect_webhook import PendingDisconnectWebhook
from plaid.model.pending_expiration_webhook import PendingExpirationWebhook
from plaid.model.plaid_error import PlaidError
from plaid.model.products import Products
from plaid.model.recurring_transactions_update_webhook import (
    RecurringTransactionsUpdateWebhook,
)
from plaid.model.sync_updates_available_webhook import SyncUpdatesAvailableWebhook
from plaid.model.transactions_removed_webhook import TransactionsRemovedWebhook
from plaid.model.user_account_revoked_webhook import UserAccountRevokedWebhook
from plaid.model.user_permission_revoked_webhook import UserPermissionRevokedWebhook
from plaid.model.webhook_update_acknowledged_webhook import (
    WebhookUpdateAcknowledgedWebhook,
)
from plaid.model_utils import validate_and_convert_types

import webapp.sandbox.http  # noqa: F401 (registers the endpoints)
from webapp.sandbox.endpoint import ENDPOINTS
from webapp.sandbox.error_codes import CODES

from .conftest import Bank

US = [CountryCode("US")]
TODAY = datetime.datetime.now(datetime.UTC).date()
NAMES = {"item_public_token_create": "item_create_public_token"}
USERS = [
    ("user_good", "pass_good"),
    ("user_transactions_dynamic", "any"),
    ("user_demo_main", "any"),
    ("user_demo_card", "any"),
    ("user_ewa_user", "any"),
    ("user_yuppie", "any"),
    ("user_small_business", "any"),
    ("user_load_40", "any"),
    ("user_every_category", "any"),
    ("user_custom", "{}"),
]


def read(model: Any, body: dict[str, Any]) -> Any:
    """The client's own strict conversion, as it is done for its answers."""
    configuration = plaid.Configuration()
    return validate_and_convert_types(
        body, (model,), ["received"], True, True, configuration
    )


@pytest.fixture
def token(bank: Bank) -> str:
    public = bank.ok(
        "/sandbox/public_token/create",
        institution_id="ins_109508",
        initial_products=["transactions", "auth"],
        options={"webhook": "http://127.0.0.1:9/hook"},
    )["public_token"]
    exchanged = bank.ok("/item/public_token/exchange", public_token=public)
    return str(exchanged["access_token"])


def walk(bank: Bank, token: str) -> dict[str, Any]:
    """Each endpoint's path with a good body."""
    account = bank.ok("/accounts/get", access_token=token)["accounts"][0]["account_id"]
    item = {"access_token": token}
    link = {
        "client_name": "SmartBudget",
        "country_codes": US,
        "language": "en",
        "products": [Products("transactions")],
        "user": {"client_user_id": "user-1"},
    }
    row = {
        "amount": 4.25,
        "date_posted": TODAY,
        "date_transacted": TODAY,
        "description": "Coffee",
    }
    everything = {"include_optional_metadata": True, "include_status": True}
    get = {"country_codes": US, "options": {"include_optional_metadata": True}}
    webhook_key = "6c5516e1-92dc-479e-a8ff-5a51992e0001"
    sandbox = {"institution_id": "ins_43", "initial_products": [Products("auth")]}
    public = bank.ok(
        "/sandbox/public_token/create",
        institution_id="ins_109511",
        initial_products=["transactions"],
    )["public_token"]
    return {
        "/link/token/create": link,
        "/link/token/get": {"link_token": _link_token(bank)},
        "/sandbox/public_token/create": sandbox,
        "/item/public_token/exchange": {"public_token": public},
        "/item/public_token/create": item,
        "/item/get": item,
        "/item/webhook/update": {**item, "webhook": "http://127.0.0.1:9/other"},
        "/item/import": {
            "products": [Products("transactions")],
            "user_auth": {"auth_token": "b", "user_id": "a"},
        },
        "/accounts/get": item,
        "/accounts/balance/get": item,
        "/auth/get": item,
        "/institutions/get": {"count": 20, "offset": 0, **get},
        "/institutions/get_by_id": {
            "country_codes": US,
            "institution_id": "ins_132363",
            "options": everything,
        },
        "/institutions/search": {"query": "platypus", "country_codes": US},
        "/transactions/sync": {**item, "count": 20},
        "/transactions/get": {
            **item,
            "end_date": TODAY,
            "options": {"count": 15, "offset": 3, "include_original_description": True},
            "start_date": TODAY - datetime.timedelta(days=400),
        },
        "/transactions/refresh": item,
        "/transactions/recurring/get": item,
        "/webhook_verification_key/get": {"key_id": webhook_key},
        "/categories/get": {},
        "/sandbox/item/fire_webhook": {**item, "webhook_code": "DEFAULT_UPDATE"},
        "/sandbox/item/set_verification_status": {
            **item,
            "account_id": account,
            "verification_status": "verification_expired",
        },
        "/sandbox/transactions/create": {**item, "transactions": [row]},
        "/sandbox/item/reset_login": item,
        "/item/access_token/invalidate": item,
    }


def _link_token(bank: Bank) -> str:
    body: dict[str, Any] = {
        "client_name": "SmartBudget",
        "country_codes": ["US"],
        "language": "en",
        "products": ["transactions"],
        "user": {"client_user_id": "user-1"},
    }
    return str(bank.ok("/link/token/create", **body)["link_token"])


def test_every_endpoint(bank: Bank, token: str) -> None:
    bodies = walk(bank, token)
    for path, body in bodies.items():
        name = path[1:].replace("/", "_")
        method = getattr(bank.client, NAMES.get(name, name))
        answer = method(body)
        assert answer.request_id
    fresh = bank.link("user_load_1")
    bank.ok("/sandbox/item/reset_login", access_token=fresh)
    error = bank.client.item_get({"access_token": fresh})["item"]["error"]
    assert error.error_code == "ITEM_LOGIN_REQUIRED"
    assert bank.client.item_remove({"access_token": fresh}).request_id
    reached = set(bank.get("/_control/calls")["counts"])
    assert {*bodies, "/item/remove"} <= reached
    assert ENDPOINTS.keys() == {*bodies, "/item/remove"}


@pytest.mark.parametrize(("username", "password"), USERS)
def test_every_user(bank: Bank, username: str, password: str) -> None:
    token = bank.link(username, password)
    accounts = bank.client.accounts_get({"access_token": token})["accounts"]
    assert accounts
    assert bank.client.item_get({"access_token": token}).item.item_id
    streams = bank.client.transactions_recurring_get({"access_token": token})
    assert streams.updated_datetime
    page = bank.client.transactions_sync({"access_token": token, "count": 25})
    assert page.added
    for row in page.added:
        one_code = (row.iso_currency_code is None) != (
            row.unofficial_currency_code is None
        )
        assert one_code
        assert row.personal_finance_category_icon_url
        assert row.location is not None


def test_every_error_code(bank: Bank, token: str) -> None:
    for code, (status, error_type, *_) in CODES.items():
        bank.control("faults", endpoint="/item/get", error_code=code)
        with pytest.raises(plaid.ApiException) as raised:
            bank.client.item_get({"access_token": token})
        assert raised.value.status == status
        error = read(PlaidError, json.loads(raised.value.body))
        assert error.error_code == code
        assert error.error_type.value == error_type
        assert error.request_id


MODELS = {
    "INITIAL_UPDATE": InitialUpdateWebhook,
    "HISTORICAL_UPDATE": HistoricalUpdateWebhook,
    "DEFAULT_UPDATE": DefaultUpdateWebhook,
    "TRANSACTIONS_REMOVED": TransactionsRemovedWebhook,
    "SYNC_UPDATES_AVAILABLE": SyncUpdatesAvailableWebhook,
    "RECURRING_TRANSACTIONS_UPDATE": RecurringTransactionsUpdateWebhook,
    "ERROR": ItemErrorWebhook,
    "LOGIN_REPAIRED": ItemLoginRepairedWebhook,
    "NEW_ACCOUNTS_AVAILABLE": NewAccountsAvailableWebhook,
    "PENDING_DISCONNECT": PendingDisconnectWebhook,
    "PENDING_EXPIRATION": PendingExpirationWebhook,
    "USER_ACCOUNT_REVOKED": UserAccountRevokedWebhook,
    "USER_PERMISSION_REVOKED": UserPermissionRevokedWebhook,
    "WEBHOOK_UPDATE_ACKNOWLEDGED": WebhookUpdateAcknowledgedWebhook,
}


def test_every_webhook(bank: Bank) -> None:
    bank.control("settings", webhooks=False)
    token = bank.link("user_transactions_dynamic", webhook="http://127.0.0.1:9/hook")
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    bank.sync(token)
    bank.ok("/transactions/refresh", access_token=token)
    bank.ok("/item/webhook/update", access_token=token, webhook="http://127.0.0.1:9/b")
    for code in ("RECURRING_TRANSACTIONS_UPDATE", "ERROR", "USER_ACCOUNT_REVOKED"):
        body = {"access_token": token, "webhook_code": code}
        bank.ok("/sandbox/item/fire_webhook", **body)
    account = {"name": "New", "type": "depository", "subtype": "savings"}
    bank.control(f"items/{item}/accounts", mask="1", current=1, **account)
    for event in (
        "history_ready",
        "login_repaired",
        "pending_expiration",
        "pending_disconnect",
        "permission_revoked",
    ):
        bank.control(f"items/{item}/event", event=event)
    sent = bank.get(f"/_control/webhooks?item_id={item}")["webhooks"]
    assert {one["code"] for one in sent} == MODELS.keys()
    for one in sent:
        read(MODELS[one["code"]], one["payload"])


def test_paths_that_are_not_there(bank: Bank) -> None:
    for path in ("/processor/accounts/get", "/liabilities/get", "/identity/get"):
        assert bank.refused(path) == "INVALID_PRODUCT"
    assert bank.refused("/nothing/here") == "NOT_FOUND"
    assert bank.post("/nothing/here")[0] == 404
