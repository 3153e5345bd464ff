"""Whose a webhook is, the keys that say so, and what is read of its body."""

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.webhooks.signing import (
    EXPIRED_KID,
    KEY,
    KID,
    NAMES,
    OTHER_KEY,
    KeyServer,
    answer_for,
    base64url,
    body_of,
    forgeries,
    part,
    sign,
)
from webapp.plaid import webhook_body
from webapp.plaid.errors import PlaidError
from webapp.plaid.webhook import Refused, verify
from webapp.plaid.webhook_keys import FETCHES, UNKNOWN_FOR, Unavailable, WebhookKeys

BODY = body_of("item")
NOW = 1_790_000_000.0


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server, clock) -> WebhookKeys:
    return WebhookKeys(server.get, clock)


# The signature


def test_a_valid_one_passes(keys):
    verify(BODY, sign(BODY), keys.find, time.time())


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_one_is_refused(keys, name):
    body, header = forgeries(BODY)[name]
    with pytest.raises(Refused):
        verify(body, header, keys.find, time.time())


@pytest.mark.parametrize(
    ("age", "passes"), [(0, True), (300, True), (301, False), (-60, True), (-61, False)]
)
def test_the_age_of_a_signature(keys, age, passes):
    header = sign(BODY, now=NOW, age=age)
    if passes:
        verify(BODY, header, keys.find, NOW)
    else:
        with pytest.raises(Refused, match=r"too old|future"):
            verify(BODY, header, keys.find, NOW)


@pytest.mark.parametrize(
    "claims",
    [
        {"iat": None},
        {"iat": "1790000000"},
        {"iat": 1e400},
        {"request_body_sha256": None},
        {"request_body_sha256": ""},
        {"request_body_sha256": "\u00e9" * 64},
    ],
)
def test_odd_claims_are_refused(keys, claims):
    with pytest.raises(Refused):
        verify(BODY, sign(BODY, claims=claims), keys.find, time.time())


VALID = sign(BODY)
HEAD, CLAIMS, SIGNATURE = VALID.split(".")


@pytest.mark.parametrize(
    "header",
    [
        f"{HEAD}.{CLAIMS}",
        f"{VALID}.{SIGNATURE}",
        f"{HEAD}.{CLAIMS}.",
        f"{HEAD}.{CLAIMS}.{SIGNATURE}==",
        f"{HEAD}.{CLAIMS}.{SIGNATURE[:-2]}",
        f"{HEAD}.{CLAIMS}.{base64url(bytes(64))}",
        f" {VALID}",
        f"{part([])}.{CLAIMS}.{SIGNATURE}",
        f"{part({'alg': ['ES256'], 'kid': KID})}.{CLAIMS}.{SIGNATURE}",
        f"{base64url(b'[' * 3000)}.{CLAIMS}.{SIGNATURE}",
        VALID + "A" * 5000,
        sign(BODY, alg="es256"),
        sign(BODY, crit=["exp"]),
        sign(BODY, kid=KID + "\n"),
        sign(BODY, kid=None),
    ],
)
def test_odd_tokens_are_refused_without_a_look_for_the_key(server, keys, header):
    with pytest.raises(Refused):
        verify(BODY, header, keys.find, time.time())
    assert len(server.asked) <= 1
    assert server.asked in ([], [KID])


# The keys


def test_a_key_is_fetched_once(server, keys):
    for _ in range(3):
        keys.find(KID)
    assert server.asked == [KID]


def test_threads_that_want_the_same_key_fetch_it_once(server, keys):
    barrier = threading.Barrier(8)

    def find(_: int) -> object:
        barrier.wait()
        return keys.find(KID)

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(find, range(8)))) == 8
    assert server.asked == [KID]


def test_an_unknown_key_is_asked_for_again_after_five_minutes(server, keys, clock):
    for seconds in (0, UNKNOWN_FOR - 1):
        clock.seconds = 1000 + seconds
        with pytest.raises(Refused, match="unknown key"):
            keys.find(str(uuid.UUID(int=1)))
    assert len(server.asked) == 1
    clock.seconds = 1000 + UNKNOWN_FOR
    server.answers[str(uuid.UUID(int=1))] = answer_for("late")
    keys.find(str(uuid.UUID(int=1)))
    assert len(server.asked) == 2


def test_a_thousand_random_kids_cause_five_look_ups_a_minute(server, keys, clock):
    keys.find(KID)
    for minute in range(2):
        clock.seconds = 1000 + 60.0 * minute
        for _ in range(1000):
            with pytest.raises((Refused, Unavailable)):
                keys.find(str(uuid.uuid4()))
    assert len(server.asked) == 2 * FETCHES
    keys.find(KID)  # what is known needs no look-up


@pytest.mark.parametrize(
    "error",
    [
        PlaidError("NETWORK", "no answer"),
        PlaidError("INVALID_API_KEYS", "ours", http_status=400),
        PlaidError("RATE_LIMIT", "slowly", http_status=429),
    ],
)
def test_a_look_up_that_fails_is_our_fault_and_not_remembered(server, keys, error):
    good = server.answers[KID]
    server.answers[KID] = error
    with pytest.raises(Unavailable, match=error.code):
        keys.find(KID)
    server.answers[KID] = good
    keys.find(KID)


@pytest.mark.parametrize("odd", [{"kty": "RSA"}, {"crv": "P-521"}, {"x": "AAAA"}])
def test_a_key_that_is_none_is_our_fault(server, keys, odd):
    for name, value in odd.items():
        setattr(server.answers[KID].key, name, value)
    with pytest.raises(Unavailable, match="UNREADABLE"):
        keys.find(KID)


def test_an_expired_key_is_refused_also_when_it_expires_later(server, clock):
    wall = Clock()
    server.answers[KID] = answer_for(KID, expired_at=1001)
    keys = WebhookKeys(server.get, clock, wall)
    keys.find(KID)
    wall.seconds = 1001
    with pytest.raises(Refused, match="expired"):
        keys.find(KID)
    assert server.asked == [KID]


def test_a_new_key_makes_the_old_ones_be_looked_at_again(server, keys):
    old = keys.find(KID)
    server.answers[KID] = answer_for(KID, KEY, expired_at=int(time.time()))
    new_kid = str(uuid.uuid4())
    server.answers[new_kid] = answer_for(new_kid, OTHER_KEY)
    assert keys.find(new_kid) != old
    with pytest.raises(Refused, match="expired"):
        keys.find(KID)
    assert server.asked == [KID, new_kid, KID]


def test_an_old_key_that_vanished_is_refused(server, keys):
    keys.find(KID)
    del server.answers[KID]
    server.answers[EXPIRED_KID] = answer_for(EXPIRED_KID)
    keys.find(EXPIRED_KID)
    with pytest.raises(Refused, match="unknown"):
        keys.find(KID)


def test_the_keys_of_the_bank(bank, plaid):
    keys = WebhookKeys(plaid.webhook_verification_key_get)
    keys.find(bank.control("webhooks/rotate-key")["kid"])
    with pytest.raises(Refused, match="unknown"):
        keys.find(str(uuid.uuid4()))
    assert bank.count_calls("/webhook_verification_key/get") == 2


# What it says


def test_what_is_read_of_a_body():
    said = webhook_body.read(
        body_of(
            "item", "PENDING_DISCONNECT", webhook_type="ITEM", reason="WHY",
            disconnect_time="2026-12-01T10:00:00Z", error={"error_code": "CODE"},
        )
    )  # fmt: skip
    assert (said.item_id, said.name) == ("item", "ITEM:PENDING_DISCONNECT")
    assert (said.error_code, said.reason) == ("CODE", "WHY")
    assert said.expires_at.isoformat() == "2026-12-01T10:00:00+00:00"
    assert said.is_known


@pytest.mark.parametrize(
    "odd",
    [
        {"error": "a text"},
        {"error": {"error_code": 5}, "reason": []},
        {"disconnect_time": "soon", "consent_expiration_time": 7},
        {"consent_expiration_time": "2026-12-01T10:00:00"},
    ],
)
def test_an_odd_member_loses_no_webhook(odd):
    said = webhook_body.read(body_of("item", **odd))
    assert (said.item_id, said.is_known) == ("item", True)
    assert (said.error_code, said.reason, said.expires_at) == (None, None, None)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b'{"webhook_type": 1}'])
def test_a_body_without_type_or_code_is_unreadable(raw):
    with pytest.raises(PlaidError, match="UNREADABLE"):
        webhook_body.read(raw)
