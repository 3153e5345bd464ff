"""Where to go after signing in: a path on this site and nowhere else."""

import re
from urllib.parse import unquote, urlsplit

from flask import request
from werkzeug.urls import iri_to_uri

from webapp.htmx import wants_fragment

START = "/"
# Printable ASCII without a backslash, which browsers read as a slash. Control
# characters are out because browsers drop tabs and line feeds: /<tab>/evil is //evil.
PATH = re.compile(r"/(?!/)[!-\[\]-~]*")
LONGEST = 2000


def local_path(wanted: str | None) -> str:
    """`wanted` if it is a path on this site, however it is encoded; else the start."""
    if not wanted or len(wanted) > LONGEST or not PATH.fullmatch(wanted):
        return START
    decoded = unquote(wanted)
    while decoded != (again := unquote(decoded)):
        decoded = again
    if decoded.startswith("//") or re.search(r"[\\\x00-\x1f\x7f]", decoded):
        return START
    return wanted


def wanted_page() -> str | None:
    """The page to come back to: the one asked for, or the one a form or part is on."""
    if request.method == "GET" and not wants_fragment():
        path = iri_to_uri(request.full_path).removesuffix("?")
    else:
        page = urlsplit(request.referrer or "")
        path = page.path if page.netloc == request.host else START
        path += f"?{page.query}" if page.query and path != START else ""
    path = local_path(path)
    return None if path == START else path
