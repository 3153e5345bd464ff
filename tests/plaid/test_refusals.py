"""Whatever the bank answers but a good answer is a PlaidError of the right kind."""

import json
import socket
import struct

import pytest

from tests.bank import Bank, free_port
from tests.plaid.raw_server import sent, serving
from webapp.plaid.client import PlaidClient
from webapp.plaid.errors import KIND_OF, Kind, PlaidError


def refusal(plaid: PlaidClient) -> PlaidError:
    with pytest.raises(PlaidError) as caught:
        plaid.accounts_get("access-sandbox-1")
    return caught.value


# code: what is to be done about it, as Plaid's error reference groups them
MEANT = {
    "INTERNAL_SERVER_ERROR": Kind.RETRY,
    "PLANNED_MAINTENANCE": Kind.RETRY,
    "PRODUCT_NOT_READY": Kind.NOT_NOW,
    "INVALID_ACCOUNT_ID": Kind.NOT_NOW,
    "INSTITUTION_DOWN": Kind.INSTITUTION,
    "INSTITUTION_NOT_RESPONDING": Kind.INSTITUTION,
    "INSTITUTION_NOT_AVAILABLE": Kind.INSTITUTION,
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": Kind.RESTART,
    "ITEM_LOGIN_REQUIRED": Kind.USER,
    "INSUFFICIENT_CREDENTIALS": Kind.USER,
    "INVALID_CREDENTIALS": Kind.USER,
    "INVALID_MFA": Kind.USER,
    "ITEM_LOCKED": Kind.USER,
    "PASSWORD_RESET_REQUIRED": Kind.USER,
    "USER_SETUP_REQUIRED": Kind.USER,
    "ACCESS_NOT_GRANTED": Kind.USER,
    "NO_ACCOUNTS": Kind.USER,
    "ITEM_NOT_FOUND": Kind.DEAD,
    "INVALID_ACCESS_TOKEN": Kind.DEAD,
    "USER_PERMISSION_REVOKED": Kind.DEAD,
    "TRANSACTIONS_SYNC_LIMIT": Kind.WAIT,
    "ACCOUNTS_LIMIT": Kind.WAIT,
    "ITEM_GET_LIMIT": Kind.WAIT,
    "RATE_LIMIT": Kind.WAIT,
    **dict.fromkeys(
        "INVALID_API_KEYS UNAUTHORIZED_ENVIRONMENT UNAUTHORIZED_ROUTE_ACCESS "
        "INVALID_HEADERS INCOMPATIBLE_API_VERSION CREDITS_EXHAUSTED".split(),
        Kind.OPERATOR,
    ),
    **dict.fromkeys(
        "ITEM_NOT_SUPPORTED MFA_NOT_SUPPORTED UNSUPPORTED_RESPONSE "
        "PRODUCTS_NOT_SUPPORTED PRODUCT_NOT_ENABLED INSTITUTION_NO_LONGER_SUPPORTED "
        "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT".split(),
        Kind.UNSUPPORTED,
    ),
    **dict.fromkeys(
        "INVALID_INSTITUTION UNAUTHORIZED_INSTITUTION INVALID_BODY UNKNOWN_FIELDS "
        "INSTITUTION_REGISTRATION_REQUIRED INVALID_LINK_CUSTOMIZATION SANDBOX_ONLY "
        "INVALID_CONFIGURATION INVALID_LINK_TOKEN NO_LONGER_AVAILABLE".split(),
        Kind.OURS,
    ),
    "INSTITUTION_RATE_LIMIT": Kind.WAIT,
    "INVALID_FIELD": Kind.OURS,
    "MISSING_FIELDS": Kind.OURS,
    "INVALID_PRODUCT": Kind.OURS,
    "INVALID_PUBLIC_TOKEN": Kind.OURS,
    "NOT_FOUND": Kind.OURS,
}


@pytest.mark.parametrize("code", MEANT)
def test_each_code_asks_for_its_own_treatment(bank: Bank, plaid, code):
    bank.fault("/accounts/get", error_code=code)
    error = refusal(plaid)
    assert (error.code, error.kind) == (code, MEANT[code])
    assert error.request_id
    assert error.http_status >= 400


def test_every_code_of_the_table_is_known_here_or_means_the_same_by_hand():
    by_hand = "NETWORK UNREADABLE ITEM_CONCURRENTLY_DELETED INVALID_UPDATED_USERNAME"
    assert set(KIND_OF) - set(MEANT) == {
        *by_hand.split(),
        "OUR_KEY",
        "OUR_LIMIT",  # never Plaid's
        "ADDITIONAL_CONSENT_REQUIRED",
    }


def test_the_banks_words_arrive(bank: Bank, plaid):
    body = {
        "error_code": "ITEM_LOCKED",
        "error_type": "ITEM_ERROR",
        "error_message": "the account is locked",
        "display_message": "Unlock it at your bank.",
        "request_id": "m8MDnv9okwxFNBV",
        "suggested_action": None,
        "a_field_of_tomorrow": {"x": [1]},
    }
    bank.fault("/accounts/get", status=400, body=json.dumps(body))
    error = refusal(plaid)
    assert error.message == "the account is locked"
    assert error.display_message == "Unlock it at your bank."
    assert error.request_id == "m8MDnv9okwxFNBV"
    assert error.error_type == "ITEM_ERROR"
    assert error.http_status == 400


def test_an_error_without_message_and_number_keeps_its_code(bank: Bank, plaid):
    body = {"error_code": "ITEM_LOCKED", "error_message": None, "request_id": None}
    bank.fault("/accounts/get", status=400, body=json.dumps(body))
    error = refusal(plaid)
    assert (error.code, error.message, error.request_id) == ("ITEM_LOCKED", "", None)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, "<html>nginx</html>", Kind.RETRY),
        (502, "", Kind.RETRY),
        (503, '{"error": "no code in it"}', Kind.RETRY),
        (504, "[]", Kind.RETRY),
        (400, "Bad Request", Kind.RETRY),
        (404, "null", Kind.RETRY),
        (401, '{"error_code": 7}', Kind.RETRY),
        (429, "slow down", Kind.WAIT),
        (301, "", Kind.RETRY),
        (204, "", Kind.RETRY),
        (200, "", Kind.RETRY),
        (200, "null", Kind.RETRY),
        (200, "[1, 2]", Kind.RETRY),
        (200, "<html>captive portal</html>", Kind.RETRY),
        (200, '{"request_id": "r"}', Kind.RETRY),
        (200, '{"accounts": "none", "item": 4, "request_id": "r"}', Kind.RETRY),
        (200, '{"x": ' + "[" * 50_000, Kind.RETRY),
    ],
)
def test_what_is_no_answer_of_plaids_is_unreadable(
    bank: Bank, plaid, status, body, kind
):
    headers = {"Location": "http://127.0.0.1:9/"} if status == 301 else {}
    bank.fault("/accounts/get", status=status, body=body, headers=headers)
    error = refusal(plaid)
    assert error.kind is kind
    assert error.code == ("RATE_LIMIT" if status == 429 else "UNREADABLE")


def test_a_server_error_of_unknown_code_passes_by_itself(bank: Bank, plaid):
    for status, kind in ((500, Kind.RETRY), (400, Kind.OURS)):
        body = {"error_code": "SOMETHING_NEW", "error_message": "", "request_id": "r"}
        bank.fault("/accounts/get", status=status, body=json.dumps(body))
        assert refusal(plaid).kind is kind


def test_credits_exhausted_is_the_operators_matter_and_no_rate_limit(bank: Bank, plaid):
    body = {"error_code": "CREDITS_EXHAUSTED", "error_type": "RATE_LIMIT_EXCEEDED"}
    bank.fault("/accounts/get", status=429, body=json.dumps(body))
    assert refusal(plaid).kind is Kind.OPERATOR


@pytest.mark.parametrize("damage", [{"truncate": 40}, {"empty": True}])
def test_an_answer_cut_off_is_no_answer(bank: Bank, plaid, damage):
    made = bank.plaid(
        "/sandbox/public_token/create",
        institution_id="ins_109508",
        initial_products=["transactions"],
    )
    token = plaid.item_public_token_exchange(made["public_token"]).access_token
    bank.fault("/accounts/get", **damage)
    with pytest.raises(PlaidError) as caught:
        plaid.accounts_get(token)
    assert caught.value.kind is Kind.RETRY
    assert caught.value.code in ("NETWORK", "UNREADABLE")
    assert plaid.accounts_get(token).accounts, "the next call works"


def test_a_reset_connection_is_a_network_error():
    def answer(connection):
        hang_up_at_once = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hang_up_at_once)

    with serving(answer) as address:
        error = refusal(PlaidClient(address, "sandbox", "sandbox"))
    assert (error.code, error.kind) == ("NETWORK", Kind.RETRY)


def test_nobody_listening_is_a_network_error():
    plaid = PlaidClient(f"http://127.0.0.1:{free_port()}", "sandbox", "sandbox")
    error = refusal(plaid)
    assert (error.code, error.kind, error.http_status) == ("NETWORK", Kind.RETRY, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 twohundred OK\r\n\r\n",
    ],
)
def test_a_server_that_speaks_no_http_is_a_network_error(raw):
    with serving(sent(raw)) as address:
        error = refusal(PlaidClient(address, "sandbox", "sandbox"))
    assert (error.code, error.kind) == ("NETWORK", Kind.RETRY)
