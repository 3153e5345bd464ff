"""Every code of Plaid's webhooks about items and transactions, and what comes of it."""

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests import factories
from tests.linking.walk import start, succeed
from tests.sync.linked import (
    CHECKING_AND_SAVINGS,
    account_ids,
    ask_db,
    change_db,
    claim,
    live,
    reload,
    state_at_bank,
)
from tests.webhooks.conftest import asks, inbox, linked
from tests.webhooks.signing import body_of, sign
from tests.webhooks.test_bank import buy
from webapp.extensions import db
from webapp.plaid.webhook_body import KNOWN
from webapp.sync.run import sync_item
from webapp.worker import tools_of

pytestmark = pytest.mark.commits

NEXT_WEEK = "2030-05-01T12:00:00Z"
THEN = dt.datetime(2030, 5, 1, 12, tzinfo=dt.UTC)
LOGIN = {"error": {"error_code": "ITEM_LOGIN_REQUIRED", "error_type": "ITEM_ERROR"}}


@dataclass
class Effect:
    """What a webhook alone may do; the bank's API says that the item is well."""

    payload: dict[str, Any] = field(default_factory=dict)
    asks: int = 1
    run: str | None = "succeeded"
    state: str = "healthy"
    ends: dt.datetime | None = None
    new_accounts: bool = False
    revoked: bool = False


EFFECTS = {
    "TRANSACTIONS:SYNC_UPDATES_AVAILABLE": Effect(
        {"initial_update_complete": True, "historical_update_complete": True}
    ),
    "TRANSACTIONS:INITIAL_UPDATE": Effect({"new_transactions": 19, "error": None}),
    "TRANSACTIONS:HISTORICAL_UPDATE": Effect({"new_transactions": 231, "error": None}),
    "TRANSACTIONS:DEFAULT_UPDATE": Effect({"new_transactions": 3, "error": None}),
    "TRANSACTIONS:TRANSACTIONS_REMOVED": Effect(
        {"removed_transactions": ["bought"], "error": None}
    ),
    "TRANSACTIONS:RECURRING_TRANSACTIONS_UPDATE": Effect({"account_ids": ["first"]}),
    "ITEM:ERROR": Effect(LOGIN),
    "ITEM:LOGIN_REPAIRED": Effect(),
    "ITEM:PENDING_DISCONNECT": Effect(
        {"reason": "INSTITUTION_MIGRATION", "disconnect_time": NEXT_WEEK},
        state="expiring",
        ends=THEN,
    ),
    "ITEM:PENDING_EXPIRATION": Effect(
        {"consent_expiration_time": NEXT_WEEK}, state="expiring", ends=THEN
    ),
    "ITEM:NEW_ACCOUNTS_AVAILABLE": Effect({"error": None}, new_accounts=True),
    "ITEM:USER_PERMISSION_REVOKED": Effect(
        {"error": None}, run="failed", state="revoked"
    ),
    "ITEM:USER_ACCOUNT_REVOKED": Effect({"account_id": "first"}, revoked=True),
    "ITEM:WEBHOOK_UPDATE_ACKNOWLEDGED": Effect(
        {"new_webhook_url": "https://example.com", "error": None}, asks=0, run=None
    ),
}


def test_the_table_has_every_code():
    assert set(EFFECTS) == {f"{kind}:{code}" for kind, code in KNOWN}


@pytest.mark.parametrize("name", EFFECTS)
def test_code(app, site, item, told, bob, name):
    effect = EFFECTS[name]
    buy(site, item, posts="2026-01-01")
    site.delivered(item, "SYNC_UPDATES_AVAILABLE")
    site.work()
    ((bought, before),) = live(app, item).items()
    first, *others = account_ids(site.bank, item)
    meant = {"first": first, "bought": bought}
    payload = {k: as_meant(v, meant) for k, v in effect.payload.items()}
    asked, kept = asks(app, item), len(inbox(app))
    kind, code = name.split(":")
    body = body_of(item.item_id, webhook_type=kind, webhook_code=code, **payload)
    for _ in range(2):  # the same bytes twice are two asks and one effect
        assert told(body, sign(body)).status_code == 200
    assert asks(app, item) - asked == 2 * effect.asks
    assert [r.webhook_code for r in inbox(app)[kept:]] == [code] * 2
    assert site.work() == ([effect.run] if effect.run else [])
    assert [r.webhook_code for r in inbox(app) if not r.done] == []
    found = reload(app, item)
    assert found.state == effect.state
    assert found.consent_expires_at == effect.ends
    assert (found.new_accounts_at is not None) == effect.new_accounts
    closed = ask_db(
        app,
        "SELECT plaid_account_id, closed_at FROM bank_accounts"
        " WHERE revoked_at IS NOT NULL",
    )
    assert [row[0] for row in closed] == ([first] if effect.revoked else [])
    assert all(row.closed_at for row in closed)
    assert live(app, item).keys() == {bought}, "a payload moves no money"
    assert live(app, item)[bought].amount == before.amount
    assert others


def as_meant(value: Any, meant: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [meant.get(one, one) for one in value]
    return meant.get(value, value) if isinstance(value, str) else value


# What the table is too small for


def test_an_account_no_longer_shared_says_so_and_the_others_go_on(app, site, alice):
    hers = linked(app, site, alice)
    client = factories.signed_in(app, alice)
    first, second = account_ids(site.bank, hers)
    buy(site, hers)
    site.delivered(hers, "SYNC_UPDATES_AVAILABLE")
    site.work()
    count = len(live(app, hers))
    site.bank.control(f"items/{hers.item_id}/accounts/{first}/revoke")
    site.delivered(hers, "USER_ACCOUNT_REVOKED")
    site.work()
    assert "You stopped sharing it at your bank" in client.get("/accounts/").text
    open_now = "SELECT plaid_account_id FROM bank_accounts WHERE closed_at IS NULL"
    assert [row[0] for row in ask_db(app, open_now)] == [second]
    assert len(live(app, hers)) == count, "its history stays"
    assert reload(app, hers).state == "healthy"
    # update mode: the bank's list counts again, whatever it says
    attempt = start(client, f"/accounts/{hers.id}/accounts")
    succeed(client, attempt, "not-to-be-used")
    assert "You stopped sharing" not in client.get("/accounts/").text
    site.work()
    assert [row[0] for row in ask_db(app, open_now)] == [second]


def test_new_accounts_are_offered_added_and_read(app, site, alice):
    hers = linked(app, site, alice)
    client = factories.signed_in(app, alice)
    opened = {"name": "Brand New", "type": "depository", "subtype": "cd",
              "mask": "8888", "current": 5}  # fmt: skip
    site.bank.control(f"items/{hers.item_id}/accounts", **opened)
    site.delivered(hers, "NEW_ACCOUNTS_AVAILABLE")
    site.work()
    page = client.get("/accounts/").text
    assert "New accounts at" in page
    assert "Brand New" not in page
    attempt = start(client, f"/accounts/{hers.id}/accounts")
    share_everything(site, client, attempt)
    succeed(client, attempt, "not-to-be-used")
    assert site.work() == ["succeeded"]
    page = client.get("/accounts/").text
    assert "New accounts at" not in page
    assert "Brand New" in page


def share_everything(site, client, attempt) -> None:
    """Plaid Link's walk in update mode, step by step: every account is ticked."""
    shown = client.get(f"/accounts/link/{attempt}").text
    config = json.loads(shown.split('id="link-config">')[1].split("</script>")[0])
    said = site.bank.post("/link/workflow/start", {"link_token": config["token"]})
    session = said["link_session_id"]

    def step(action: str, **more: Any) -> Any:
        body = {"link_session_id": session, "action": action, **more}
        return site.bank.post("/link/workflow/step", body)

    step("continue")
    pane = step("submit", username="user_custom", password=CHECKING_AND_SAVINGS)["pane"]
    assert pane["pane"] == "accounts", "the pane on which accounts are chosen"
    step("submit", values=[one["value"] for one in pane["boxes"]])
    assert step("finish")["success"]


@pytest.mark.parametrize("way", ["at the bank", "here"])
def test_a_revoked_login_wakes_up_again(app, site, alice, way):
    hers = linked(app, site, alice)
    site.happens(hers, "permission_revoked")
    site.delivered(hers, "USER_PERMISSION_REVOKED")
    site.work()
    assert reload(app, hers).state == "revoked"
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert site.work() == [], "it sleeps"
    if way == "here":
        client = factories.signed_in(app, alice)
        attempt = start(client, f"/accounts/{hers.id}/repair")
        site.happens(hers, "login_repaired")
        site.delivered(hers, "LOGIN_REPAIRED")
        succeed(client, attempt, "not-to-be-used")
    else:
        site.happens(hers, "login_repaired")
        site.delivered(hers, "LOGIN_REPAIRED")
    buy(site, hers)
    assert site.work()[0] == "succeeded"
    assert reload(app, hers).state == "healthy"
    assert len(live(app, hers)) == 1


def test_a_repair_that_the_bank_denies_leaves_it_revoked(app, site, item, told):
    site.happens(item, "permission_revoked")
    site.delivered(item, "USER_PERMISSION_REVOKED")
    site.work()
    body = body_of(item.item_id, webhook_type="ITEM", webhook_code="LOGIN_REPAIRED")
    told(body, sign(body))
    assert site.work() == ["failed"]
    assert reload(app, item).state == "revoked"
    assert site.work() == []


# The inbox is cleaned, our address kept


def test_what_was_settled_ninety_days_ago_goes(app, site, item, told):
    body = body_of(item.item_id)
    for days in (100, 91, 89, None):
        told(body, sign(body))
        if days is not None:
            aged = (
                "UPDATE webhook_events SET processed_at = now() - make_interval(days"
                " => :d), received_at = now() - make_interval(days => :d)"
                " WHERE processed_at IS NULL"
            )
            assert change_db(app, aged, d=days) == 1
    # the first is there already: the bank's echo of our address
    oldest = next(r for r in inbox(app) if r.webhook_code == "SYNC_UPDATES_AVAILABLE")
    unsettled = "UPDATE webhook_events SET processed_at = NULL WHERE id = :i"
    change_db(app, unsettled, i=oldest.id)
    assert site.work() == ["succeeded"]
    left = [row for row in inbox(app) if row.webhook_code == "SYNC_UPDATES_AVAILABLE"]
    ages = {(dt.datetime.now(dt.UTC) - row.received_at).days for row in left}
    assert ages == {100, 89, 0}, "what no run had settled was settled first"
    assert all(row.done for row in left)


def test_the_bank_is_told_an_address_that_changed(app, site, item):
    """As when PUBLIC_URL is set anew: the next run of each bank moves it."""
    moved = site.url.replace("127.0.0.1", "localhost")
    assert state_at_bank(site.bank, item.item_id)["webhook"] == site.url
    held = claim(app, item)
    with app.app_context():
        tools = replace(tools_of(site.app), session=db.session(), webhook=moved)
        assert sync_item(tools, held) == "succeeded"
    assert state_at_bank(site.bank, item.item_id)["webhook"] == moved
    assert site.bank.count_calls("/item/webhook/update", item.item_id) == 2
