"""The steps of linking a bank, as a browser takes them."""

import json
import uuid
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from tests.factories import csrf_token
from tests.sync.linked import ask_db

PLATYPUS = {"institution_id": "ins_109508", "name": "First Platypus Bank"}


def csrf(client: FlaskClient) -> str:
    return csrf_token(client.get("/accounts/link").text)


def post(client: FlaskClient, path: str, **fields: str):
    return client.post(path, data={"csrf_token": csrf(client), **fields})


def start(client: FlaskClient, path: str = "/accounts/link") -> uuid.UUID:
    """A new attempt, up to the page on which Plaid Link opens."""
    answer = post(client, path)
    assert answer.status_code == 303, answer.text
    assert client.get(answer.location).status_code == 200
    return uuid.UUID(answer.location.rsplit("/", 1)[1])


def said(institution: dict | None = PLATYPUS, accounts: list[dict] = ()) -> str:
    """Link's metadata of a success."""
    shown = [
        {"id": "x", "name": a["name"], "mask": a["mask"], "type": a["type"]}
        for a in accounts
    ]
    return json.dumps(
        {
            "institution": institution,
            "accounts": shown,
            "link_session_id": "link-session-1",
            "transfer_status": None,
        }
    )


def succeed(
    client: FlaskClient,
    attempt: uuid.UUID,
    public_token: str = "",
    metadata: str | None = None,
):
    return post(
        client,
        f"/accounts/link/{attempt}/success",
        public_token=public_token,
        metadata=said() if metadata is None else metadata,
    )


def leave(client: FlaskClient, attempt: uuid.UUID, error: Any = None, **about: Any):
    metadata = {"status": "requires_credentials", "link_session_id": "s1", **about}
    return post(
        client,
        f"/accounts/link/{attempt}/exit",
        error=json.dumps(error) if error else "",
        metadata=json.dumps(metadata),
    )


def told(client: FlaskClient) -> str:
    """The page on which people land, with what it tells them."""
    return client.get("/accounts/").text


def attempt_row(app: Flask, attempt: uuid.UUID):
    statement = "SELECT * FROM plaid_link_sessions WHERE id = :id"
    return ask_db(app, statement, id=attempt)[0]


def items(app: Flask) -> list:
    return ask_db(app, "SELECT * FROM plaid_items ORDER BY created_at")


def accounts(app: Flask) -> list:
    return ask_db(app, "SELECT * FROM bank_accounts ORDER BY name")


def nothing_made(app: Flask) -> bool:
    return not items(app) and not accounts(app)
