"""The one place that knows htmx's headers."""

from flask import Response, current_app, make_response, redirect, render_template
from htmx_flask import request


def wants_fragment() -> bool:
    """True for a request that swaps a part of a page.

    Boosted links and a restored history entry replace the whole page.
    """
    htmx = request.htmx
    return bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def render(page: str, partial: str, status: int = 200, **context: object) -> Response:
    """The fragment for htmx, else the page that includes that very fragment."""
    template = partial if wants_fragment() else page
    response = make_response(render_template(template, **context), status)
    response.vary.add("HX-Request")
    return response


def go_to(url: str) -> Response:
    """A redirect that htmx follows as a whole page, never into a fragment."""
    if wants_fragment():
        response = current_app.response_class(status=200)
        response.headers["HX-Redirect"] = url
    else:
        response = make_response(redirect(url, code=303))
    response.vary.add("HX-Request")
    return response
