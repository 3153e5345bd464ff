"""The bank over HTTP: Plaid's API, Link, the control API and a page for people."""

import time
from pathlib import Path
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from . import damage
from .api import (
    accounts,
    categories,
    institutions,
    items,
    recurring,
    refresh,
    sandbox,
    transactions,
    webhooks,
)
from .api import link as link_tokens
from .bank import Bank, open_bank
from .control import routes as control_routes
from .endpoint import LARGEST_BODY, Answer, call, count, encode
from .errors import PlaidError
from .ids import request_id
from .link import bank_page
from .link import routes as link_routes
from .page import routes as page_routes

_PIECE = 1024 * 1024
_MOST_FORGOTTEN = 256 * _PIECE

# Importing a module of the API registers its endpoints.
REGISTERED = (
    bank_page,
    accounts,
    categories,
    institutions,
    items,
    link_tokens,
    recurring,
    refresh,
    sandbox,
    transactions,
    webhooks,
)


def create_bank_app(directory: Path, behaviour: dict[str, Any] | None = None) -> Flask:
    app = Flask(__name__, static_folder=None)
    bank = open_bank(directory, behaviour or {})
    app.extensions["bank"] = bank
    app.register_blueprint(control_routes.control)
    app.register_blueprint(link_routes.link)
    app.register_blueprint(page_routes.page)
    app.register_error_handler(PlaidError, _plaid_error)
    app.register_error_handler(HTTPException, _http_error)

    @app.post("/")
    @app.post("/<path:path>")
    def plaid(path: str = "") -> Response:
        return _answer(bank, "/" + path)

    return app


def _answer(bank: Bank, path: str) -> Response:
    """One call of the API, with whatever fault is switched on for it."""
    raw = _body()
    started = time.perf_counter()
    fault = damage.take(bank, path, raw)
    if fault is not None:
        damage.before(bank, fault, raw)
        if fault.replaces:
            answer = damage.instead(fault)
            answer.item_id = damage.item_of(bank, raw)
            count(bank, path, answer, started)
            return damage.respond(fault, answer.status, answer.body)
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = call(bank, path, headers, raw)
    if fault is not None:
        return damage.after(fault, answer.status, answer.body)
    return _response(answer)


def _body() -> bytes:
    """At most one byte more than is allowed.

    The rest is read and forgotten: a client that is still sending hears no answer.
    """
    body = request.stream.read(LARGEST_BODY + 1)
    for _ in range(_MOST_FORGOTTEN // _PIECE):
        if not request.stream.read(_PIECE):
            break
    return body


def _response(answer: Answer) -> Response:
    return Response(answer.body, answer.status, content_type="application/json")


def _plaid_error(error: PlaidError) -> Response:
    """What a page raises; the API itself answers its own errors."""
    body = encode(error.body(request_id()))
    return Response(body, error.status, content_type="application/json")


def _http_error(error: HTTPException) -> Response:
    """Anything that is not a page or an endpoint is Plaid's NOT_FOUND."""
    broken = (error.code or 500) >= 500
    return _plaid_error(PlaidError("INTERNAL_SERVER_ERROR" if broken else "NOT_FOUND"))
