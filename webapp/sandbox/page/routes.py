"""Routes of the page: its text, its script, its style."""

from pathlib import Path

from flask import Blueprint, Response

from ..errors import PlaidError

page = Blueprint("page", __name__)
_FILES = Path(__file__).parent / "files"
_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@page.get("/")
def index() -> Response:
    return file("index.html")


@page.get("/_page/<name>")
def file(name: str) -> Response:
    if name not in {path.name for path in _FILES.iterdir()}:
        raise PlaidError("NOT_FOUND")
    path = _FILES / name
    response = Response(path.read_bytes(), content_type=_TYPES[path.suffix])
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
