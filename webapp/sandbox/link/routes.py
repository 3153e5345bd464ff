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
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
# The frame runs only its own files; anyone may embed it, as with the real one.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'"
)


@link.get(_BASE + "link-initialize.js")
def script() -> Response:
    return _file("link-initialize.js")


@link.get(_BASE + "link.html")
def frame() -> Response:
    return _file("link.html")


@link.get(_BASE + "link.js")
def frame_script() -> Response:
    return _file("link.js")


@link.get(_BASE + "link.css")
def frame_style() -> Response:
    return _file("link.css")


def _file(name: str) -> Response:
    path = _FILES / name
    response = Response(path.read_bytes(), content_type=_TYPES[path.suffix])
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
            _bank(),
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
            _bank(),
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


def _bank() -> Bank:
    bank: Bank = current_app.extensions["bank"]
    return bank
