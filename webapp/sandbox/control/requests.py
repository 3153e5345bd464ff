"""What all routes of the control API share: who may call, and how to answer."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, current_app, request

from ..bank import Bank
from ..endpoint import encode, parse
from ..errors import PlaidError
from ..ids import request_id

control = Blueprint("control", __name__, url_prefix="/_control")


def this_bank() -> Bank:
    bank: Bank = current_app.extensions["bank"]
    return bank


def reply(body: Any, status: int = 200) -> Response:
    return Response(encode(body), status, content_type="application/json")


def given() -> dict[str, Any]:
    """The request's JSON object; nothing at all is an empty one."""
    raw = request.get_data()
    try:
        body = msgspec.json.decode(raw) if raw else {}
    except (msgspec.DecodeError, RecursionError) as error:
        raise PlaidError("INVALID_BODY", str(error)) from error
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY", "body must be a JSON object")
    return body


def given_money() -> dict[str, Any]:
    """The same with every number that has a point as Decimal."""
    return parse(request.get_data() or b"{}")


@control.before_request
def only_this_machine() -> Response | None:
    """Another machine, or a web page open on this one, must not steer the bank."""
    peer = ipaddress.ip_address(request.remote_addr or "192.0.2.1")
    if not peer.is_loopback:
        return reply({"error": "the control API answers this machine only"}, 403)
    if not _is_here(urlsplit(request.host_url).hostname or ""):
        return reply({"error": "the control API answers to this machine's names"}, 403)
    origin = request.headers.get("Origin")
    if origin and origin != request.host_url.rstrip("/"):
        return reply({"error": "the control API answers no other site"}, 403)
    return None


def _is_here(name: str) -> bool:
    """Whether a Host is this machine, and not a name that someone pointed at it."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


@control.errorhandler(PlaidError)
def refuse(error: PlaidError) -> Response:
    return reply(error.body(request_id()), error.status)


@control.errorhandler(msgspec.ValidationError)
def refuse_shape(error: msgspec.ValidationError) -> Response:
    return refuse(PlaidError("INVALID_FIELD", str(error)))
