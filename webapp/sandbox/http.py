"""The bank over HTTP: Plaid's API, Link, the control API and a page for people."""

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

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
from .endpoint import ENDPOINTS, LARGEST_BODY, Answer, call, count, encode
from .errors import PlaidError
from .ids import request_id
from .link import bank_page
from .link import routes as link_routes
from .page import routes as page_routes

_PIECE = 1024 * 1024
_MOST_FORGOTTEN = 256 * _PIECE
_KEY_HEADERS = {
    "plaid-client-id": "HTTP_PLAID_CLIENT_ID",
    "plaid-secret": "HTTP_PLAID_SECRET",
}

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

    app.wsgi_app = _Door(bank, app)  # type: ignore[method-assign]
    return app


class _Door:
    """Where a call of the API comes in: past Flask, which would take half of the time.

    Flask gets all else, and every call while a fault is switched on.
    """

    def __init__(self, bank: Bank, app: Flask) -> None:
        self.bank, self.app, self.flask = bank, app, app.wsgi_app

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        path, is_post = environ["PATH_INFO"], environ["REQUEST_METHOD"] == "POST"
        if not is_post or path not in ENDPOINTS or self.bank.faults.list():
            return self.flask(environ, start_response)
        try:
            raw = _body(environ["wsgi.input"])
            answer = call(self.bank, path, _keys(environ), raw)
        except Exception:
            self.app.logger.exception("%s failed", path)
            error = PlaidError("INTERNAL_SERVER_ERROR")
            answer = Answer(error.status, encode(error.body(request_id())))
        length = ("Content-Length", str(len(answer.body)))
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        start_response(status, [("Content-Type", "application/json"), length])
        return [answer.body]


def _answer(bank: Bank, path: str) -> Response:
    """One call of the API, with whatever fault is switched on for it."""
    raw = _body(request.stream)
    started = time.perf_counter()
    fault = damage.take(bank, path, raw)
    if fault is not None:
        damage.before(bank, fault, raw)
        if fault.replaces:
            answer = damage.instead(fault)
            answer.item_id = damage.item_of(bank, raw)
            count(bank, path, answer, started)
            return damage.respond(fault, answer.status, answer.body)
    answer = call(bank, path, _keys(request.environ), raw)
    if fault is not None:
        return damage.after(fault, answer.status, answer.body)
    return _response(answer)


def _keys(environ: dict[str, Any]) -> dict[str, str]:
    """The client's keys, where they come as headers."""
    return {
        name: environ[variable]
        for name, variable in _KEY_HEADERS.items()
        if variable in environ
    }


def _body(stream: IO[bytes]) -> bytes:
    """At most one byte more than is allowed.

    The rest is read and forgotten: a client that is still sending hears no answer.
    """
    body = stream.read(LARGEST_BODY + 1)
    for _ in range(_MOST_FORGOTTEN // _PIECE):
        if not stream.read(_PIECE):
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
