"""Routes of Link: the script for the host page, the frame, and its steps."""

from pathlib import Path
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, request

from ..bank import Bank
from ..endpoint import encode
from ..errors import PlaidError
from ..ids import request_id
from . import panes, workflow

link = Blueprint("link", __name__)
_FILES = Path(__file__).parent / "files"
_BASE = "/link/v2/stable/"
_NAMES = frozenset(path.name for path in _FILES.iterdir())
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
# The frame runs only its own files; anyone may embed it, as with the real one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; base-uri 'none'"
)


@link.get(_BASE + "<name>")
def file(name: str) -> Response:
    """The script for the host page and the files of the frame."""
    if name not in _NAMES:
        raise PlaidError("NOT_FOUND")
    return served(name)


def served(name: str, body: bytes | None = None) -> Response:
    """One of Link's files, or `body` in its place, with the headers they all have."""
    path = _FILES / name
    body = path.read_bytes() if body is None else body
    response = Response(body, content_type=_TYPES[path.suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    # The script is loaded by pages of other origins that may isolate themselves.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _given() -> dict[str, Any]:
    try:
        body = msgspec.json.decode(request.get_data())
    except (msgspec.DecodeError, RecursionError):
        raise PlaidError("INVALID_BODY") from None
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY")
    return body


def _reply(body: Any) -> Response:
    return Response(encode(body), content_type="application/json")


@link.post("/link/workflow/start")
def start() -> Response:
    given = _given()
    token = given.get("link_token")
    received = given.get("received_redirect_uri")
    return _reply(
        workflow.start(
            bank_of_request(),
            token if isinstance(token, str) else "",
            received if isinstance(received, str) else None,
        )
    )


@link.post("/link/workflow/step")
def step() -> Response:
    given = _given()
    session, action = given.get("link_session_id"), given.get("action")
    return _reply(
        workflow.step(
            bank_of_request(),
            session if isinstance(session, str) else "",
            action if isinstance(action, str) else "",
            given,
        )
    )


@link.errorhandler(PlaidError)
def failed(error: PlaidError) -> Response:
    """A session that cannot go on: the frame shows why and offers only to leave."""
    body = error.body(request_id())
    return _reply({"error": body, "pane": panes.failed(None, body, again=False)})


def bank_of_request() -> Bank:
    bank: Bank = current_app.extensions["bank"]
    return bank
