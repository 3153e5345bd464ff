"""What is refused, with which code, and in which order."""

import json
from typing import Any

import pytest

from .conftest import Bank

LINK: dict[str, Any] = {
    "client_name": "SmartBudget",
    "country_codes": ["US"],
    "language": "en",
    "products": ["transactions"],
    "user": {"client_user_id": "user-1"},
}


def code(answer: tuple[int, bytes]) -> str:
    return str(json.loads(answer[1])["error_code"])


def test_the_body_comes_first_then_the_keys_then_the_path(bank: Bank) -> None:
    assert code(bank.send("/nowhere", b"{")) == "INVALID_BODY"
    assert code(bank.send("/item/get", b"[]")) == "INVALID_BODY"
    assert code(bank.send("/nowhere", b"{}")) == "MISSING_FIELDS"
    wrong = {"client_id": "sandbox", "secret": "nope"}
    assert code(bank.send("/nowhere", json.dumps(wrong).encode())) == "INVALID_API_KEYS"
    headers = {"PLAID-CLIENT-ID": "sandbox", "PLAID-SECRET": "sandbox"}
    assert code(bank.send("/nowhere", b"{}", headers)) == "NOT_FOUND"
    assert code(bank.send("/item/get", b"{}", headers)) == "MISSING_FIELDS"


def test_fields_are_checked_before_the_token(bank: Bank) -> None:
    assert bank.refused("/item/get", odd=1) == "MISSING_FIELDS"
    assert bank.refused("/item/get", odd=1, access_token="x") == "UNKNOWN_FIELDS"
    assert bank.refused("/item/get", access_token=5) == "INVALID_FIELD"
    assert bank.refused("/item/get", access_token="x") == "INVALID_ACCESS_TOKEN"
    assert bank.refused("/item/get", access_token="") == "INVALID_ACCESS_TOKEN"


def test_oversized_bodies(bank: Bank) -> None:
    body = json.dumps({"access_token": "x" * 2_000_000}).encode()
    assert code(bank.send("/item/get", body)) == "INVALID_BODY"
    assert code(bank.send("/item/get", b"x" * 20_000_000)) == "INVALID_BODY"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_name": None}, "MISSING_FIELDS"),
        ({"products": []}, "MISSING_FIELDS"),
        ({"user": None}, "MISSING_FIELDS"),
        ({"user": {}}, "MISSING_FIELDS"),
        ({"user": {"client_user_id": "a@b.example"}}, "INVALID_FIELD"),
        ({"products": ["balance"]}, "INVALID_PRODUCT"),
        ({"products": ["transfer"]}, "INVALID_PRODUCT"),
        ({"products": ["nope"]}, "INVALID_FIELD"),
        ({"optional_products": ["transactions"]}, "INVALID_FIELD"),
        ({"country_codes": ["XX"]}, "INVALID_FIELD"),
        ({"country_codes": []}, "INVALID_FIELD"),
        ({"language": "xx"}, "INVALID_FIELD"),
        ({"transactions": {"days_requested": 731}}, "INVALID_FIELD"),
        ({"redirect_uri": "http://a.example/?x=1"}, "INVALID_FIELD"),
        ({"webhook": "nonsense"}, "INVALID_FIELD"),
        ({"institution_id": "ins_0"}, "INVALID_INSTITUTION"),
        ({"link_customization_name": "mine"}, "INVALID_LINK_CUSTOMIZATION"),
        ({"access_token": "x", "products": None}, "INVALID_ACCESS_TOKEN"),
        ({"colour": "red"}, "UNKNOWN_FIELDS"),
        ({"public_key": "old"}, "INCOMPATIBLE_API_VERSION"),
    ],
)
def test_link_tokens(bank: Bank, change: dict[str, Any], expected: str) -> None:
    assert bank.refused("/link/token/create", **{**LINK, **change}) == expected


def test_null_is_the_same_as_nothing(bank: Bank) -> None:
    nothing = {"webhook": None, "redirect_uri": None, "update": None, "user_id": None}
    assert bank.ok("/link/token/create", **LINK, **nothing)["link_token"]
    token = bank.link("user_load_2")
    page = bank.ok(
        "/transactions/sync", access_token=token, cursor=None, count=None, options=None
    )
    assert len(page["added"]) == 2
    assert bank.refused("/item/get", access_token=token, odd=None) == "UNKNOWN_FIELDS"


def test_update_mode_takes_no_products(bank: Bank) -> None:
    token = bank.link("user_load_1")
    body = {**LINK, "access_token": token}
    assert bank.refused("/link/token/create", **body) == "INVALID_FIELD"
    del body["products"]
    assert bank.ok("/link/token/create", **body)["link_token"]


def test_public_tokens_serve_once_and_grow_old(bank: Bank) -> None:
    made = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    public = bank.ok("/sandbox/public_token/create", **made)["public_token"]
    exchange = "/item/public_token/exchange"
    bank.ok(exchange, public_token=public)
    assert bank.refused(exchange, public_token=public) == "INVALID_PUBLIC_TOKEN"
    assert bank.refused(exchange, public_token="x") == "INVALID_PUBLIC_TOKEN"
    bank.control("clock", now="2026-01-01T00:00:00Z")
    public = bank.ok("/sandbox/public_token/create", **made)["public_token"]
    bank.control("clock", now="2026-01-01T00:31:00Z")
    assert bank.refused(exchange, public_token=public) == "INVALID_PUBLIC_TOKEN"


def test_tokens_die_when_removed_or_rotated(bank: Bank) -> None:
    token = bank.link("user_load_1")
    new = bank.ok("/item/access_token/invalidate", access_token=token)
    assert bank.refused("/item/get", access_token=token) == "INVALID_ACCESS_TOKEN"
    token = new["new_access_token"]
    bank.ok("/item/remove", access_token=token)
    assert bank.refused("/item/remove", access_token=token) == "ITEM_NOT_FOUND"


@pytest.mark.parametrize(
    ("username", "password", "expected"),
    [
        ("user_good", "wrong", "INVALID_CREDENTIALS"),
        ("nobody", "pass_good", "INVALID_CREDENTIALS"),
        ("user_good", "error_ITEM_LOCKED", "ITEM_LOCKED"),
        ("user_good", "error_INSTITUTION_DOWN", "INSTITUTION_DOWN"),
        ("user_good", "error_NONSENSE", "INVALID_CREDENTIALS"),
        ("user_load_99999999", "x", "INVALID_CREDENTIALS"),
    ],
)
def test_logins(bank: Bank, username: str, password: str, expected: str) -> None:
    made = {"institution_id": "ins_109508", "initial_products": ["transactions"]}
    options = {"override_username": username, "override_password": password}
    path = "/sandbox/public_token/create"
    assert bank.refused(path, **made, options=options) == expected


def test_institutions(bank: Bank) -> None:
    path = "/institutions/get_by_id"
    us = {"country_codes": ["US"]}
    assert bank.refused(path, institution_id="ins_0", **us) == "INVALID_INSTITUTION"
    assert bank.refused(path, institution_id="ins_43", **us) == "INVALID_INSTITUTION"
    one = bank.ok(
        path,
        institution_id="ins_109508",
        options={"include_optional_metadata": True},
        **us,
    )["institution"]
    assert one["logo"].startswith("iVBOR")
    assert one["connection_availability"] == "SUPPORTED"
    made = {"institution_id": "ins_132361", "initial_products": ["transactions"]}
    assert bank.refused("/sandbox/public_token/create", **made) == "INSTITUTION_DOWN"


def test_rate_limits_are_on_unless_switched_off(bank: Bank) -> None:
    token = bank.link("user_load_1")
    bank.control("settings", rate_limits=True)
    codes = [
        bank.post("/transactions/sync", access_token=token)[1].get("error_code")
        for _ in range(51)
    ]
    assert codes[-1] == "TRANSACTIONS_SYNC_LIMIT"
    assert codes[:50] == [None] * 50
    bank.control("settings", rate_limits=False)
    bank.ok("/transactions/sync", access_token=token)
