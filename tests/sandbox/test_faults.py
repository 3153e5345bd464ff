"""Fault switches: each damage is what it says, for as many calls as it says."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import urllib3

from webapp.sandbox.http import create_bank_app

from .conftest import Bank

GET = "/accounts/get"


@pytest.fixture
def token(bank: Bank) -> str:
    return bank.link("user_load_3")


def raw(bank: Bank, token: str, path: str = GET) -> tuple[int, bytes]:
    keys = {"client_id": "sandbox", "secret": "sandbox", "access_token": token}
    return bank.send(path, json.dumps(keys).encode())


def test_an_error_for_the_next_calls(bank: Bank, token: str) -> None:
    bank.control("faults", endpoint=GET, times=2, skip=1, error_code="INSTITUTION_DOWN")
    codes = [bank.post(GET, access_token=token)[1].get("error_code") for _ in range(4)]
    assert codes == [None, "INSTITUTION_DOWN", "INSTITUTION_DOWN", None]


def test_only_one_item(bank: Bank, token: str) -> None:
    other = bank.link("user_load_1")
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    bank.control("faults", item_id=item, times=None, error_code="ITEM_LOCKED")
    assert bank.refused(GET, access_token=token) == "ITEM_LOCKED"
    bank.ok(GET, access_token=other)
    bank.control("faults/clear")
    bank.ok(GET, access_token=token)


def test_html_and_limits(bank: Bank, token: str) -> None:
    bank.control("faults", status=502, body="<h1>Bad</h1>", content_type="text/html")
    assert raw(bank, token) == (502, b"<h1>Bad</h1>")
    bank.control("faults", error_code="RATE_LIMIT")
    assert raw(bank, token)[0] == 429
    bank.control("faults", error_code="INTERNAL_SERVER_ERROR")
    assert raw(bank, token)[0] == 500


def test_broken_bodies(bank: Bank, token: str) -> None:
    bank.control("faults", truncate=20)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw(bank, token)
    bank.control("faults", empty=True)
    assert raw(bank, token) == (200, b"")
    bank.ok(GET, access_token=token)


def test_rows_that_come_twice_and_blanks_at_the_end(bank: Bank, token: str) -> None:
    path = "/transactions/sync"
    bank.control("faults", endpoint=path, twice=True, pad=5000)
    status, body = raw(bank, token, path)
    assert (status, body[-5000:]) == (200, b" " * 5000)
    ids = [row["transaction_id"] for row in json.loads(body)["added"]]
    assert (len(ids), len(set(ids))) == (6, 3)


def opened(bank: Bank, token: str) -> socket.socket:
    """A connection on which a call was just made."""
    keys = {"client_id": "sandbox", "secret": "sandbox", "access_token": token}
    body = json.dumps(keys).encode()
    head = f"POST {GET} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", bank.port), timeout=10)
    connection.sendall(head.encode() + body)
    return connection


def test_a_reset_is_none_of_a_closed_connection(bank: Bank, token: str) -> None:
    bank.control("faults", reset=True)
    with opened(bank, token) as connection, pytest.raises(ConnectionResetError):
        connection.recv(100)
    bank.ok(GET, access_token=token)


def test_a_body_that_drips(bank: Bank) -> None:
    token = bank.link("user_good")
    bank.control("faults", drip=0.02)
    pieces = []
    with opened(bank, token) as connection:
        while b'"request_id"' not in b"".join(pieces):
            pieces.append(connection.recv(100_000))
    body = b"".join(pieces).partition(b"\r\n\r\n")[2]
    assert len(pieces) > 5
    assert len(body) > 5 * 512


@pytest.mark.parametrize(
    "switch",
    [
        {"latency": -1},
        {"drip": -0.1},
        {"status": 9},
        {"times": 0},
        {"headers": {"X": "a\r\nb"}},
        {"truncate": -1},
        {"nonsense": 1},
    ],
)
def test_a_switch_that_makes_no_sense(bank: Bank, switch: dict[str, Any]) -> None:
    answer = bank.send("/_control/faults", json.dumps(switch).encode())
    assert (answer[0], json.loads(answer[1])["error_code"]) == (400, "INVALID_FIELD")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("settings", {"webhook_speed": 0}),
        ("settings", {"initial_delay": -1}),
        ("settings", {"latency": -1}),
        ("clock", {"now": "0001-01-01T00:00:00Z"}),
        ("clock", {"now": "9999-12-31T00:00:00Z"}),
    ],
)
def test_behaviour_that_makes_no_sense(bank: Bank, path: str, body: Any) -> None:
    answer = bank.send(f"/_control/{path}", json.dumps(body).encode())
    assert (answer[0], json.loads(answer[1])["error_code"]) == (400, "INVALID_FIELD")


def test_odd_fields(bank: Bank, token: str) -> None:
    sync = "/transactions/sync"
    bank.control("faults", endpoint=sync, rows={"date": None}, drop=["next_cursor"])
    answer = json.loads(raw(bank, token, sync)[1])
    assert {row["date"] for row in answer["added"]} == {None}
    assert "next_cursor" not in answer
    bank.control("faults", endpoint=sync, endless=True)
    assert json.loads(raw(bank, token, sync)[1])["has_more"] is True


def test_a_mutation_at_a_page(bank: Bank, token: str) -> None:
    sync = "/transactions/sync"
    bank.control("faults", endpoint=sync, skip=1, mutate=True)
    first = bank.ok(sync, access_token=token, count=1)
    cursor = first["next_cursor"]
    code = bank.refused(sync, access_token=token, count=1, cursor=cursor)
    assert code == "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"


def test_a_bank_that_is_down_and_up_again(bank: Bank, token: str) -> None:
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    bank.control(f"items/{item}/event", event="bank_down")
    sync: dict[str, Any] = {"access_token": token}
    assert bank.refused("/transactions/sync", **sync) == "INSTITUTION_DOWN"
    assert bank.ok("/item/get", **sync)["item"]["error"] is None
    bank.control(f"items/{item}/event", event="bank_up")
    bank.ok("/transactions/sync", **sync)


def test_calls_are_counted_with_their_time(bank: Bank, token: str) -> None:
    bank.control("calls/clear")
    bank.ok(GET, access_token=token)
    bank.refused(GET, access_token="x")
    item = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    seen = bank.get(f"/_control/calls?endpoint={GET}")
    assert seen["counts"] == {GET: 2, "/item/get": 1}
    assert [one["status"] for one in seen["calls"]] == [200, 400]
    assert seen["calls"][0]["item_id"] == item
    assert seen["calls"][0]["at"] <= seen["calls"][1]["at"]


def test_a_slow_bank_is_slow_by_its_own_count(bank: Bank, token: str) -> None:
    bank.control("settings", latency=0.05)
    bank.control("calls/clear")
    bank.ok(GET, access_token=token)
    calls = bank.get("/_control/calls")["calls"]
    assert [call["milliseconds"] >= 50 for call in calls] == [True]


def test_another_machine_cannot_steer_the_bank(tmp_path: Path) -> None:
    client = create_bank_app(tmp_path).test_client()
    for host, peer, expected in (
        ("localhost", "127.0.0.1", 200),
        ("127.0.0.1:81", "::1", 200),
        ("127.0.0.1", "192.0.2.7", 403),
        ("rebound.example", "127.0.0.1", 403),
    ):
        answer = client.post(
            "/_control/calls/clear",
            headers={"Host": host},
            environ_base={"REMOTE_ADDR": peer},
        )
        assert answer.status_code == expected


def test_another_site_cannot_steer_the_bank(bank: Bank) -> None:
    headers = {"Origin": "http://evil.example"}
    assert bank.send("/_control/reset", b"{}", headers)[0] == 403
