"""Routes of the control API: clock, settings, calls, faults, reset."""

import msgspec
from flask import Response, request
from msgspec.structs import replace

from ..ageing import age
from ..clock import iso, parse_iso
from ..error_codes import CODES
from ..errors import PlaidError
from ..faults import Fault
from ..item import list_items
from ..settings import Settings, save_settings
from . import webhooks, world
from .requests import control, given, reply, this_bank

_TABLES = (
    "items",
    "accounts",
    "transactions",
    "link_tokens",
    "link_sessions",
    "public_tokens",
    "webhooks",
)


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
    for item in list_items(bank.store.connection):
        age(bank, item)
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
    bank.mischief.clear()
    bank.limits.clear()
    bank.clock.set(None)
    bank.settings = replace(bank.started_with)
    save_settings(bank.store, bank.settings)
    if given().get("items"):
        with bank.store.writing() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608
    return reply({})


# Importing a module of routes registers them.
REGISTERED = (webhooks, world)
