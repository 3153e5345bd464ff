"""What a fault switch does to one call."""

import errno
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import msgspec
from flask import Response, request

from . import edits
from .bank import Bank
from .endpoint import Answer, encode
from .errors import PlaidError
from .faults import Fault
from .ids import request_id
from .item import find_item

_CHUNK = 512


def item_of(bank: Bank, raw: bytes) -> str | None:
    """The item that a raw body speaks of, if it is one that can be read."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    token = body.get("access_token") if isinstance(body, dict) else None
    if not isinstance(token, str) or not token:
        return None
    item = find_item(bank.store.connection, access_token=token)
    return item.item_id if item else None


def take(bank: Bank, path: str, raw: bytes) -> Fault | None:
    if not bank.faults.list():
        return None
    return bank.faults.take(path, item_of(bank, raw))


def before(bank: Bank, fault: Fault, raw: bytes) -> None:
    """Wait, and change the item's transactions if the switch says so."""
    if fault.latency:
        time.sleep(fault.latency)
    item_id = item_of(bank, raw) if fault.mutate else None
    if item_id:
        edits.touch(bank, item_id)


def instead(fault: Fault) -> Answer:
    """The answer of a switch that lets the real one never be made."""
    if fault.body is not None or fault.error_code is None:
        body = (fault.body or "").encode()
        return Answer(fault.status or 500, body, error_code=fault.error_code)
    error = PlaidError(fault.error_code, fault.error_message)
    status = fault.status or error.status
    return Answer(status, encode(error.body(request_id())), error_code=error.code)


def after(fault: Fault, status: int, body: bytes) -> Response:
    """The real answer, damaged."""
    changes = fault.set or fault.rows or fault.drop or fault.endless
    if changes and status == 200:
        body = _changed(fault, body)
    return respond(fault, status, body)


def _changed(fault: Fault, body: bytes) -> bytes:
    fields = msgspec.json.decode(body)
    for name in ("added", "modified", "transactions"):
        for row in fields.get(name, []):
            row.update(fault.rows)
    fields.update(fault.set)
    if fault.endless:
        fields["has_more"] = True
    for name in fault.drop:
        fields.pop(name, None)
    return encode(fields)


def respond(fault: Fault, status: int, body: bytes) -> Response:
    if fault.reset:
        _hang_up(reset=True)
    if fault.empty:
        body = b""
    headers: dict[str, Any] = {**fault.headers, "Content-Length": str(len(body))}
    if fault.truncate is not None:
        kept = body[: fault.truncate]
        return Response(
            _cut_short(kept), status, headers, content_type=fault.content_type
        )
    if fault.drip:
        stream = _dripping(body, fault.drip)
        return Response(stream, status, headers, content_type=fault.content_type)
    return Response(body, status, fault.headers, content_type=fault.content_type)


def _cut_short(kept: bytes) -> Iterator[bytes]:
    yield kept
    _hang_up(reset=False)


def _dripping(body: bytes, seconds: float) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
        time.sleep(seconds)


def _hang_up(*, reset: bool) -> None:
    """End the connection without an answer; gunicorn takes EPIPE for a lost client."""
    connection = request.environ.get("gunicorn.socket")
    if connection is not None and reset:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    raise BrokenPipeError(errno.EPIPE, "switched off by a fault")
