"""Routes of the control API: clock, settings, calls, faults, reset."""

import ipaddress
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, request

from ..bank import Bank
from ..clock import iso, parse_iso
from ..endpoint import encode
from ..errors import CODES, PlaidError
from ..faults import Fault
from ..ids import request_id
from ..item import list_items
from ..settings import Settings, save_settings
from . import world

control = Blueprint("control", __name__, url_prefix="/_control")
_TABLES = (
    "items",
    "accounts",
    "transactions",
    "link_tokens",
    "link_sessions",
    "public_tokens",
    "webhooks",
)


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
    except msgspec.DecodeError as error:
        raise PlaidError("INVALID_BODY", str(error)) from error
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY", "body must be a JSON object")
    return body


@control.before_request
def only_this_machine() -> Response | None:
    """Another machine, or a web page open on this one, must not steer the bank."""
    peer = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104
    if not peer.is_loopback:
        return reply({"error": "the control API answers this machine only"}, 403)
    origin = request.headers.get("Origin")
    if origin and origin != request.host_url.rstrip("/"):
        return reply({"error": "the control API answers no other site"}, 403)
    return None


@control.errorhandler(PlaidError)
def refuse(error: PlaidError) -> Response:
    return reply(error.body(request_id()), error.status)


@control.errorhandler(msgspec.ValidationError)
def refuse_shape(error: msgspec.ValidationError) -> Response:
    return refuse(PlaidError("INVALID_FIELD", str(error)))


@control.get("/state")
def state() -> Response:
    bank = this_bank()
    items = [
        world.item_summary(bank, item) for item in list_items(bank.store.connection)
    ]
    return reply(
        {
            "faults": bank.faults.list(),
            "items": items,
            "now": iso(bank.clock.now()),
            "settings": bank.settings,
        }
    )


@control.post("/clock")
def clock() -> Response:
    bank, body = this_bank(), given()
    if "now" not in body:
        raise PlaidError("MISSING_FIELDS", "now is required: an instant or null")
    now = body["now"]
    try:
        bank.clock.set(None if now is None else parse_iso(now))
    except (TypeError, ValueError) as error:
        raise PlaidError("INVALID_FIELD", "now must be ISO 8601 or null") from error
    return reply({"now": iso(bank.clock.now())})


@control.get("/calls")
def calls() -> Response:
    report = this_bank().calls.report(
        request.args.get("endpoint"), request.args.get("item_id")
    )
    return reply(report)


@control.post("/calls/clear")
def clear_calls() -> Response:
    this_bank().calls.clear()
    return reply({})


@control.get("/faults")
def faults() -> Response:
    return reply({"faults": this_bank().faults.list()})


@control.post("/faults")
def add_fault() -> Response:
    fault = msgspec.convert(given(), Fault)
    if fault.error_code is not None and fault.error_code not in CODES:
        raise PlaidError("INVALID_FIELD", f"error_code {fault.error_code} is unknown")
    return reply({"fault": this_bank().faults.add(fault)})


@control.post("/faults/clear")
def clear_faults() -> Response:
    this_bank().faults.clear(given().get("id"))
    return reply({})


@control.post("/settings")
def settings() -> Response:
    bank = this_bank()
    merged = {**msgspec.to_builtins(bank.settings), **given()}
    bank.settings = msgspec.convert(merged, Settings)
    save_settings(bank.store, bank.settings)
    return reply({"settings": bank.settings})


@control.post("/reset")
def reset() -> Response:
    bank = this_bank()
    bank.calls.clear()
    bank.faults.clear()
    bank.limits.clear()
    bank.clock.set(None)
    bank.settings = Settings()
    save_settings(bank.store, bank.settings)
    if given().get("items"):
        with bank.store.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
    return reply({})
