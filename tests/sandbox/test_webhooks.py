"""Webhooks: signed, retried, and fired by what causes them at Plaid."""

import json
import time
from collections.abc import Iterator
from email.utils import formatdate
from typing import Any

import pytest

from .conftest import Bank
from .receiver import Receiver, receiving, verify


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


class Linked:
    def __init__(self, bank: Bank, hook: Receiver, user: str = "user_load_6") -> None:
        self.bank = bank
        self.token = bank.link(user, webhook=hook.url)
        self.id = bank.ok("/item/get", access_token=self.token)["item"]["item_id"]

    def fire(self, code: str, **more: Any) -> None:
        self.bank.ok(
            "/sandbox/item/fire_webhook",
            access_token=self.token,
            webhook_code=code,
            **more,
        )

    def webhooks(self) -> list[dict[str, Any]]:
        """Those of the item, oldest first, without the one of the first month."""
        found = self.bank.get(f"/_control/webhooks?item_id={self.id}")["webhooks"]
        return [one for one in found if one["code"] != "INITIAL_UPDATE"]

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        return self.bank.control(f"items/{self.id}/{path}", **body)


def test_the_signature_stands_every_check(bank: Bank, hook: Receiver) -> None:
    Linked(bank, hook).fire("DEFAULT_UPDATE", options={"new_transactions": 4})
    body = hook.wait("DEFAULT_UPDATE")
    assert body["new_transactions"] == 4
    assert body["environment"] == "sandbox"
    raw, token = hook.got[hook.codes().index("DEFAULT_UPDATE")]
    assert raw.startswith(b'{\n  "')
    assert verify(bank, raw, token) == ""
    assert verify(bank, raw + b" ", token) == "hash"


@pytest.mark.parametrize("forgery", ["signature", "hash", "age", "kid", "algorithm"])
def test_a_forged_one_fails_its_check(bank: Bank, hook: Receiver, forgery: str) -> None:
    item = Linked(bank, hook)
    bank.control(
        "webhooks/mischief", kind="forge", forgery=forgery, code="LOGIN_REPAIRED"
    )
    item.fire("LOGIN_REPAIRED")
    hook.wait("LOGIN_REPAIRED")
    assert verify(bank, *hook.got[hook.codes().index("LOGIN_REPAIRED")]) == forgery


def test_keys_rotate(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    item.fire("LOGIN_REPAIRED")
    hook.wait("LOGIN_REPAIRED")
    raw, token = hook.got[hook.codes().index("LOGIN_REPAIRED")]
    kid = bank.control("webhooks/rotate-key")["kid"]
    assert verify(bank, raw, token) == "expired"
    answer = bank.ok("/webhook_verification_key/get", key_id=kid)
    assert answer["key"]["expired_at"] is None
    code = bank.refused("/webhook_verification_key/get", key_id="x")
    assert code == "INVALID_WEBHOOK_VERIFICATION_KEY_ID"


def test_history_is_announced_and_sync_only_when_armed(
    bank: Bank, hook: Receiver
) -> None:
    bank.control("settings", initial_delay=3600, historical_delay=2 * 3600)
    bank.control("clock", now="2026-03-02T12:00:00Z")
    item = Linked(bank, hook)
    page = bank.ok("/transactions/sync", access_token=item.token)
    assert page["transactions_update_status"] == "NOT_READY"
    bank.control("clock", now="2026-03-02T13:30:00Z")
    first = hook.wait("INITIAL_UPDATE", "SYNC_UPDATES_AVAILABLE")
    assert not first["historical_update_complete"]
    bank.control("clock", now="2026-03-02T14:30:00Z")
    last = hook.wait(
        "HISTORICAL_UPDATE", "SYNC_UPDATES_AVAILABLE", "SYNC_UPDATES_AVAILABLE"
    )
    assert last["historical_update_complete"]
    bank.control("settings", initial_delay=0, historical_delay=0)
    hook.got.clear()
    Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    assert "SYNC_UPDATES_AVAILABLE" not in hook.codes()


def test_new_days_are_announced(bank: Bank, hook: Receiver) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    item = Linked(bank, hook, "user_demo_card")
    bank.sync(item.token)
    bank.ok("/transactions/recurring/get", access_token=item.token)
    bank.control("clock", now="2026-03-06T12:00:00Z")
    hook.wait("SYNC_UPDATES_AVAILABLE", "TRANSACTIONS_REMOVED", "DEFAULT_UPDATE")
    hook.wait("RECURRING_TRANSACTIONS_UPDATE")


def test_login_and_address_events(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    bank.ok("/sandbox/item/reset_login", access_token=item.token)
    error = hook.wait("ERROR")["error"]
    assert (error["error_code"], error["status"]) == ("ITEM_LOGIN_REQUIRED", 400)
    assert "request_id" not in error
    code = bank.refused("/transactions/sync", access_token=item.token)
    assert code == "ITEM_LOGIN_REQUIRED"
    held = bank.ok("/item/get", access_token=item.token)["item"]
    assert held["error"]["error_code"] == "ITEM_LOGIN_REQUIRED"
    item.control("event", event="login_repaired")
    hook.wait("LOGIN_REPAIRED")
    bank.ok("/transactions/sync", access_token=item.token)
    bank.ok("/item/webhook/update", access_token=item.token, webhook=hook.url + "2")
    body = hook.wait("WEBHOOK_UPDATE_ACKNOWLEDGED")
    assert body["new_webhook_url"] == hook.url + "2"
    status = bank.ok("/item/get", access_token=item.token)["status"]
    assert status["last_webhook"]["code_sent"]


def test_what_befalls_an_item_is_told(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    item.control("event", event="pending_expiration", days=7)
    assert hook.wait("PENDING_EXPIRATION")["consent_expiration_time"]
    item.control("event", event="pending_disconnect")
    assert hook.wait("PENDING_DISCONNECT")["reason"] == "INSTITUTION_TOKEN_EXPIRATION"
    new = item.control(
        "accounts", name="New Pot", type="depository", subtype="savings",
        mask="7777", current=5.25,
    )  # fmt: skip
    hook.wait("NEW_ACCOUNTS_AVAILABLE")
    shown = bank.ok("/accounts/get", access_token=item.token)["accounts"]
    assert new["account_id"] not in {one["account_id"] for one in shown}
    item.control(f"accounts/{shown[0]['account_id']}/revoke")
    body = hook.wait("USER_ACCOUNT_REVOKED")
    assert body["account_id"] == shown[0]["account_id"]
    left = bank.ok("/accounts/get", access_token=item.token)["accounts"]
    assert len(left) == len(shown) - 1
    item.control("event", event="permission_revoked")
    hook.wait("USER_PERMISSION_REVOKED")
    code = bank.refused("/accounts/get", access_token=item.token)
    assert code == "USER_PERMISSION_REVOKED"


def test_consent_runs_out(bank: Bank, hook: Receiver) -> None:
    bank.control("clock", now="2026-03-02T12:00:00Z")
    item = Linked(bank, hook)
    item.control("event", event="pending_expiration", days=1)
    bank.control("clock", now="2026-03-03T13:00:00Z")
    hook.wait("ERROR")
    code = bank.refused("/accounts/get", access_token=item.token)
    assert code == "ITEM_LOGIN_REQUIRED"
    item.control("event", event="login_repaired")
    bank.ok("/accounts/get", access_token=item.token)


def test_a_login_lasts_thirty_days_where_that_is_switched_on(
    bank: Bank, hook: Receiver
) -> None:
    bank.control("settings", login_expires=True)
    bank.control("clock", now="2026-03-02T12:00:00Z")
    item = Linked(bank, hook)
    bank.control("clock", now="2026-03-31T12:00:00Z")
    bank.ok("/accounts/get", access_token=item.token)
    bank.control("clock", now="2026-04-01T13:00:00Z")
    code = bank.refused("/accounts/get", access_token=item.token)
    assert code == "ITEM_LOGIN_REQUIRED"
    hook.wait("ERROR")


def test_a_refused_one_is_sent_again(bank: Bank, hook: Receiver) -> None:
    bank.control("settings", webhook_speed=3000)
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    hook.answers[:] = [500, 404]
    item.fire("LOGIN_REPAIRED")
    hook.wait("LOGIN_REPAIRED", "LOGIN_REPAIRED", "LOGIN_REPAIRED")
    bodies = {body for body, _ in hook.got if b"LOGIN_REPAIRED" in body}
    assert len(bodies) == 1


def tried(item: Linked, code: str, times: int) -> dict[str, Any]:
    """The webhook of this code once it has been tried so often."""
    for _ in range(1000):
        found = [one for one in item.webhooks() if one["code"] == code]
        if found and found[-1]["attempts"] >= times:
            return found[-1]
        time.sleep(0.02)
    raise AssertionError(f"{code} was not tried {times} times")


def minutes(webhook: dict[str, Any]) -> int:
    return round((webhook["due_at"] - time.time()) / 60 * 2) // 2


def test_each_retry_waits_four_times_as_long(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    hook.answers[:] = [500, 503, 301, 404]
    item.fire("LOGIN_REPAIRED")
    waits = []
    for attempt in range(1, 5):
        one = tried(item, "LOGIN_REPAIRED", attempt)
        waits.append(round((one["due_at"] - time.time()) / 30))
        bank.control("webhooks/resend", number=one["number"])
    assert waits == [1, 4, 16, 64]
    assert hook.wait("LOGIN_REPAIRED")


@pytest.mark.parametrize(
    ("header", "wait"),
    [("7200", 120), ("999999", 240), ("soon", 0), (None, 0)],
)
def test_a_receiver_may_say_when(
    bank: Bank, hook: Receiver, header: str | None, wait: int
) -> None:
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    hook.answers, hook.retry_after = [429], header
    item.fire("LOGIN_REPAIRED")
    assert minutes(tried(item, "LOGIN_REPAIRED", 1)) == wait


def test_a_date_says_when_too(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    hook.retry_after = formatdate(time.time() + 3600, usegmt=True)
    hook.answers = [429]
    item.fire("LOGIN_REPAIRED")
    assert minutes(tried(item, "LOGIN_REPAIRED", 1)) == 60


def test_no_answer_in_time_is_none(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    bank.control("settings", webhook_timeout=0.1)
    hook.open.clear()
    item.fire("LOGIN_REPAIRED")
    one = tried(item, "LOGIN_REPAIRED", 1)
    assert one["status"] == "retrying after no answer"


@pytest.mark.parametrize(("good", "expected"), [(4, "given up"), (8, "retrying")])
def test_a_hopeless_receiver_gets_no_retries(
    bank: Bank, hook: Receiver, good: int, expected: str
) -> None:
    """Of a day's webhooks, those of linking among them, nine in ten have failed."""
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    for _ in range(good - 2):
        item.fire("LOGIN_REPAIRED")
    hook.wait(*["LOGIN_REPAIRED"] * (good - 2))
    hook.answers[:] = [500] * 60
    for _ in range(60):
        item.fire("ERROR")
    hook.wait(*["ERROR"] * 60)
    hook.answers[:] = [500]
    item.fire("PENDING_DISCONNECT")
    last = tried(item, "PENDING_DISCONNECT", 1)
    assert last["status"].startswith(expected)


def test_lost_doubled_and_reordered(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    hook.wait("INITIAL_UPDATE", "HISTORICAL_UPDATE")
    hook.got.clear()
    bank.control("webhooks/mischief", kind="lose", code="ERROR")
    bank.control("webhooks/mischief", kind="duplicate", code="LOGIN_REPAIRED")
    item.fire("ERROR")
    item.fire("LOGIN_REPAIRED")
    hook.wait("LOGIN_REPAIRED", "LOGIN_REPAIRED")
    assert "ERROR" not in hook.codes()
    hook.got.clear()
    bank.control("webhooks/mischief", kind="hold", times=2)
    item.fire("DEFAULT_UPDATE")
    item.fire("PENDING_DISCONNECT")
    while [one["status"] for one in item.webhooks()].count("held") < 2:
        time.sleep(0.02)
    bank.control("webhooks/release", reversed=True)
    hook.wait("DEFAULT_UPDATE", "PENDING_DISCONNECT")
    assert hook.codes() == ["PENDING_DISCONNECT", "DEFAULT_UPDATE"]
    bank.control("webhooks/resend", number=item.webhooks()[0]["number"])
    hook.wait("HISTORICAL_UPDATE")


FIREABLE = [
    "DEFAULT_UPDATE",
    "ERROR",
    "LOGIN_REPAIRED",
    "NEW_ACCOUNTS_AVAILABLE",
    "PENDING_DISCONNECT",
    "RECURRING_TRANSACTIONS_UPDATE",
    "SYNC_UPDATES_AVAILABLE",
    "USER_ACCOUNT_REVOKED",
    "USER_PERMISSION_REVOKED",
]


def test_every_code_can_be_fired(bank: Bank, hook: Receiver) -> None:
    item = Linked(bank, hook)
    for code in FIREABLE:
        item.fire(code)
    hook.wait(*FIREABLE)
    for body, _ in hook.got:
        assert json.loads(body)["item_id"] == item.id


def test_what_cannot_be_fired(bank: Bank, hook: Receiver) -> None:
    item, fire = Linked(bank, hook), "/sandbox/item/fire_webhook"
    code = bank.refused(
        fire, access_token=item.token, webhook_code="SMS_MICRODEPOSITS_VERIFICATION"
    )
    assert code == "SANDBOX_PRODUCT_NOT_ENABLED"
    code = bank.refused(fire, access_token=item.token, webhook_code="NEWS")
    assert code == "INVALID_FIELD"
    deaf = bank.link("user_load_1")
    code = bank.refused(fire, access_token=deaf, webhook_code="DEFAULT_UPDATE")
    assert code == "SANDBOX_WEBHOOK_INVALID"
