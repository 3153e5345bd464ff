"""A bank of its own for these tests: a real process on a free port."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plaid
import pytest
import urllib3
from plaid.api import plaid_api

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Bank:
    """A running bank: its address, Plaid's own client, and plain HTTP."""

    def __init__(self, port: int, process: subprocess.Popen[str], data: Path) -> None:
        self.port, self.process, self.data = port, process, data
        self.url = f"http://127.0.0.1:{port}"
        self.pool = urllib3.PoolManager(timeout=30, retries=False)
        configuration = plaid.Configuration(
            host=self.url, api_key={"clientId": "sandbox", "secret": "sandbox"}
        )
        self.client = plaid_api.PlaidApi(plaid.ApiClient(configuration))

    def send(
        self, path: str, body: bytes, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json", **(headers or {})}
        answer = self.pool.request("POST", self.url + path, body=body, headers=headers)
        return answer.status, answer.data

    def post(self, path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        """A call of the API with the right keys; status and answer."""
        keys = {"client_id": "sandbox", "secret": "sandbox"}
        status, answer = self.send(path, json.dumps({**keys, **body}).encode())
        return status, json.loads(answer)

    def ok(self, path: str, **body: Any) -> dict[str, Any]:
        status, answer = self.post(path, **body)
        assert status == 200, answer
        return answer

    def refused(self, path: str, **body: Any) -> str:
        status, answer = self.post(path, **body)
        assert status >= 400, answer
        assert answer["request_id"]
        return str(answer["error_code"])

    def get(self, path: str) -> dict[str, Any]:
        return dict(json.loads(self.pool.request("GET", self.url + path).data))

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        status, answer = self.send("/_control/" + path, json.dumps(body).encode())
        assert status == 200, answer
        return dict(json.loads(answer))

    def link(
        self,
        username: str = "user_good",
        password: str = "pass_good",
        institution: str = "ins_109508",
        days: int | None = 730,
        **options: Any,
    ) -> str:
        """A new item by /sandbox/public_token/create; its access token."""
        options["override_username"] = username
        options["override_password"] = password
        if days is not None:
            options["transactions"] = {"days_requested": days}
        public = self.ok(
            "/sandbox/public_token/create",
            institution_id=institution,
            initial_products=["transactions"],
            options=options,
        )
        token = self.ok(
            "/item/public_token/exchange", public_token=public["public_token"]
        )
        return str(token["access_token"])

    def sync(
        self, access_token: str, cursor: str = "", count: int = 500, **options: Any
    ) -> dict[str, Any]:
        """All pages from a cursor: added, modified, removed, accounts, next_cursor."""
        total: dict[str, Any] = {"added": [], "modified": [], "removed": []}
        more = True
        while more:
            page = self.ok(
                "/transactions/sync",
                access_token=access_token,
                cursor=cursor,
                count=count,
                **({"options": options} if options else {}),
            )
            for name in ("added", "modified", "removed"):
                total[name] += page[name]
            cursor, more = page["next_cursor"], page["has_more"]
        total.update(
            accounts=page["accounts"],
            next_cursor=cursor,
            status=page["transactions_update_status"],
        )
        return total


def start_bank(data: Path, *arguments: str, port: int | None = None) -> Bank:
    port = port or free_port()
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "webapp.sandbox",
            *("--port", str(port), "--data", str(data)),
            *arguments,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "listens on" in line, line
    return Bank(port, process, data)


def stop_bank(bank: Bank, how: signal.Signals = signal.SIGTERM) -> int:
    """Its exit code; a connection that is kept open would make it wait."""
    bank.pool.clear()
    bank.client.api_client.rest_client.pool_manager.clear()
    bank.process.send_signal(how)
    code = bank.process.wait(timeout=10)
    assert bank.process.stdout is not None
    bank.process.stdout.close()
    return code


@pytest.fixture(scope="session")
def bank_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    bank = start_bank(tmp_path_factory.mktemp("bank"), "--no-rate-limits")
    yield bank
    bank.client.api_client.close()
    assert stop_bank(bank) == 0


@pytest.fixture
def bank(bank_process: Bank) -> Bank:
    """The session's bank, empty and with nothing switched on."""
    bank_process.control("reset", items=True)
    return bank_process


@pytest.fixture(scope="module")
def bank_fuzz(bank_process: Bank) -> Iterator[tuple[Any, str]]:
    """A connection and the access token of an item that may come to harm."""
    from .test_fuzz import Wire

    bank_process.control("reset")
    wire = Wire(bank_process)
    yield wire, bank_process.link("user_load_5")
    wire.connection.close()
