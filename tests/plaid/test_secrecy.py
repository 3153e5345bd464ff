"""No token, key or password of a person reaches a log line or the text of an error."""

import json
import traceback

import pytest

from tests.bank import Bank
from tests.plaid.raw_server import sent, serving
from tests.sync.linked import every_log_line, open_at_bank, public_token_of
from webapp.plaid.client import LinkRequest, PlaidClient
from webapp.plaid.decode import SyncPage, decode
from webapp.plaid.errors import PlaidError

CANARIES = {
    "client_id": "client-canary-5d1c",
    "secret": "secret-canary-91ab",
    "access_token": "access-sandbox-canary-77aa",
    "public_token": "public-sandbox-canary-31fe",
    "password": "password-canary-00ff",
}
CALLS = {
    "link_token_create": lambda plaid: plaid.link_token_create(
        LinkRequest("user-1", ["US"], access_token=CANARIES["access_token"])
    ),
    "exchange": lambda plaid: plaid.item_public_token_exchange(
        CANARIES["public_token"]
    ),
    "item_get": lambda plaid: plaid.item_get(CANARIES["access_token"]),
    "item_remove": lambda plaid: plaid.item_remove(CANARIES["access_token"]),
    "accounts_get": lambda plaid: plaid.accounts_get(CANARIES["access_token"]),
    "sync": lambda plaid: decode(
        plaid.transactions_sync(CANARIES["access_token"], "cursor"), SyncPage
    ),
    "institution": lambda plaid: plaid.institutions_get_by_id("ins_109508", ["US"]),
    "sandbox": lambda plaid: plaid.sandbox_public_token_create(
        "ins_109508", "user_custom", CANARIES["password"]
    ),
}
# what comes back where: the good server echoes nothing, the bad ones say odd things
BROKEN = {
    "refused": b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s",
    "garbled": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s",
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 9%d\r\n\r\n%s",
    "no http": b"%d %s",
}
REFUSAL = json.dumps({"error_code": "INVALID_FIELD", "error_message": "no"}).encode()


@pytest.mark.parametrize("broken", BROKEN)
def test_failed_calls_tell_no_secret(broken):
    answer = sent(BROKEN[broken] % (len(REFUSAL), REFUSAL))
    with every_log_line() as lines, serving(answer) as address:
        plaid = PlaidClient(address, CANARIES["client_id"], CANARIES["secret"])
        for call in CALLS.values():
            with pytest.raises(PlaidError) as caught:
                call(plaid)
            lines.extend(traceback.format_exception(caught.value))
    told = "\n".join(lines)
    assert told.count("PlaidError") >= len(CALLS)
    assert [name for name, canary in CANARIES.items() if canary in told] == []


def test_good_calls_tell_no_token(bank: Bank, plaid: PlaidClient):
    with every_log_line() as lines:
        link_token = plaid.link_token_create(LinkRequest("user-1", ["US"])).link_token
        public_token = public_token_of(bank)
        access_token = plaid.item_public_token_exchange(public_token).access_token
        plaid.accounts_get(access_token)
        plaid.transactions_sync(access_token, None)
        plaid.item_remove(access_token)
    told = "\n".join(lines)
    assert "plaid item_remove answered" in told
    for secret in (link_token, public_token, access_token):
        assert secret not in told


def test_an_error_that_quotes_what_it_could_not_read_is_cut_short(bank: Bank, plaid):
    """msgspec names the place and the types, never the value."""
    access_token, _ = open_at_bank(bank, "user_good", "pass_good")
    bank.fault("/accounts/get", set={"item": f"<{access_token}>"})
    with pytest.raises(PlaidError) as caught:
        plaid.accounts_get(access_token)
    assert access_token not in str(caught.value)


def test_the_client_shows_no_secret_of_its_own():
    plaid = PlaidClient("http://127.0.0.1:9", CANARIES["client_id"], CANARIES["secret"])
    assert CANARIES["secret"] not in repr(plaid)
