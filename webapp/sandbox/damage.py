"""What a fault switch does to one call."""

import errno
import os
import socket
import struct
import time
from collections.abc import Iterator

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
    changes = fault.set or fault.rows or fault.drop or fault.endless or fault.twice
    if changes and status == 200:
        body = _changed(fault, body)
    body += b" " * fault.pad
    return respond(fault, status, body)


def _changed(fault: Fault, body: bytes) -> bytes:
    fields = msgspec.json.decode(body)
    for name in ("added", "modified", "transactions"):
        for row in fields.get(name, []):
            row.update(fault.rows)
        if fault.twice and name in fields:
            fields[name] = [row for row in fields[name] for _ in range(2)]
    fields.update(fault.set)
    if fault.endless:
        fields["has_more"] = True
    for name in fault.drop:
        fields.pop(name, None)
    return encode(fields)


def respond(fault: Fault, status: int, body: bytes) -> Response:
    if fault.empty:
        body = b""
    stream: Iterator[bytes] | None = None
    if fault.reset:
        stream = _reset(request.environ.get("gunicorn.socket"))
    elif fault.truncate is not None:
        stream = _cut_short(body[: fault.truncate])
    elif fault.drip:
        stream = _dripping(body, fault.drip)
    headers = {**fault.headers, "Content-Length": str(len(body))}
    return Response(stream or body, status, headers, content_type=fault.content_type)


# These end inside the stream: Flask would answer an error raised any earlier, and
# gunicorn takes EPIPE for a client that has gone.


def _reset(connection: socket.socket | None) -> Iterator[bytes]:
    if connection is not None:
        linger = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # gunicorn would say goodbye in due form: it gets another socket to close.
        with socket.socket() as other:
            os.dup2(other.fileno(), connection.fileno())
    raise BrokenPipeError(errno.EPIPE, "reset by a fault switch")
    yield b""


def _cut_short(kept: bytes) -> Iterator[bytes]:
    yield kept
    raise BrokenPipeError(errno.EPIPE, "cut short by a fault switch")


def _dripping(body: bytes, seconds: float) -> Iterator[bytes]:
    for start in range(0, len(body), _CHUNK):
        yield body[start : start + _CHUNK]
        time.sleep(seconds)
