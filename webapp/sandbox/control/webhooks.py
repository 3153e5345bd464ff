"""Routes of the control API: webhooks seen, lost, held, doubled, forged."""

import time
from typing import Any

import msgspec
from flask import Response, request

from ..errors import PlaidError
from ..mischief import KINDS, Mischief
from ..signing import FORGERIES, rotate
from .requests import control, given, reply, this_bank

_APART = 0.25


@control.get("/webhooks")
def list_webhooks() -> Response:
    item_id = request.args.get("item_id")
    rows = this_bank().store.connection.execute(
        "SELECT webhooks.*, items.item_id FROM webhooks"
        " LEFT JOIN items ON items.number = webhooks.item ORDER BY webhooks.number"
    )
    shown: list[dict[str, Any]] = [
        {
            "attempts": row["attempts"],
            "code": row["code"],
            "due_at": row["due_at"],
            "number": row["number"],
            "payload": msgspec.json.decode(row["body"]),
            "status": row["status"],
            "url": row["url"],
        }
        for row in rows
        if item_id in (None, row["item_id"])
    ]
    return reply({"webhooks": shown})


@control.post("/webhooks/mischief")
def add_mischief() -> Response:
    mischief = msgspec.convert(given(), Mischief)
    if mischief.kind not in KINDS:
        raise PlaidError("INVALID_FIELD", f"kind must be one of {', '.join(KINDS)}")
    if mischief.kind == "forge" and mischief.forgery not in FORGERIES:
        raise PlaidError(
            "INVALID_FIELD", f"forgery must be one of {', '.join(FORGERIES)}"
        )
    this_bank().mischief.add(mischief)
    return reply({"mischief": this_bank().mischief.list()})


@control.post("/webhooks/release")
def release() -> Response:
    """Send what is held; reversed, the last one goes first."""
    direction = -1 if given().get("reversed") else 1
    with this_bank().store.writing() as connection:
        rows = connection.execute(
            "SELECT * FROM webhooks WHERE status = 'held' ORDER BY number"
        ).fetchall()
        now = time.time()
        for place, row in enumerate(rows[::direction]):
            # Apart, so that senders cannot overtake; attempts mark it as let go.
            connection.execute(
                "DELETE FROM webhooks WHERE number = ?", (row["number"],)
            )
            connection.execute(
                "INSERT INTO webhooks (item, code, url, body, attempts, due_at,"
                " first_at, status) VALUES (?, ?, ?, ?, 1, ?, ?, 'waiting')",
                (
                    row["item"],
                    row["code"],
                    row["url"],
                    row["body"],
                    now + place * _APART,
                    now,
                ),
            )
    return reply({"released": len(rows)})


@control.post("/webhooks/resend")
def resend() -> Response:
    now, number = time.time(), given().get("number")
    if not isinstance(number, int):
        raise PlaidError("INVALID_FIELD", "number must be that of a webhook")
    with this_bank().store.writing() as connection:
        done = connection.execute(
            "UPDATE webhooks SET status = 'waiting', due_at = ?, first_at = ?,"
            " attempts = max(attempts, 1) WHERE number = ?",
            (now, now, number),
        )
    if done.rowcount == 0:
        raise PlaidError("INVALID_FIELD", "no such webhook")
    return reply({})


@control.post("/webhooks/rotate-key")
def rotate_key() -> Response:
    return reply({"kid": rotate(this_bank().store)})
