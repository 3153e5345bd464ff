"""Error pages and fragments. None of them needs the database or a user."""

import logging

from flask import Flask, Response, current_app, make_response, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed

from webapp.extensions import DATABASE_DOWN
from webapp.htmx import wants_fragment
from webapp.logs import request_id
from webapp.plaid.errors import PlaidError

log = logging.getLogger(__name__)

# code -> what happened, what it means and what to do
WORDS = {
    400: ("That did not work", "The form was sent in a way we cannot read. "
          "Load the page again and send it once more."),
    403: ("Not allowed", "This is not open to your account."),
    404: ("Nothing here", "There is no such page, or it is not yours."),
    405: ("Nothing here", "This address does not take that kind of request."),
    413: ("Too large", "What you sent is larger than we accept."),
    422: ("Please check what you entered", "Something in the form is not right."),
    429: ("Too many tries", "Please wait a little before you try again."),
    500: ("Something broke on our side", "Your data is safe: nothing was half-done. "
          "Try again; if it stays, tell the operator the number below."),
    503: ("Not available right now", "The database or the bank service does not "
          "answer. Nothing is lost. Try again in a moment."),
}  # fmt: skip
PAGES = {400, 403, 404, 422, 429, 500, 503}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(CSRFError, expired_form)
    app.register_error_handler(PlaidError, plaid_error)
    for database_error in DATABASE_DOWN:
        app.register_error_handler(database_error, database_down)
    app.register_error_handler(InternalServerError, our_fault)


def http_error(error: HTTPException) -> Response:
    code = error.code or 500
    if code < 400:
        return error.get_response()  # type: ignore[return-value]
    response = error_page(code)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.allow.update(error.valid_methods)
    retry_after = getattr(error, "retry_after", None)
    if retry_after:
        response.headers["Retry-After"] = str(retry_after)
    return response


def expired_form(error: CSRFError) -> ResponseReturnValue:
    if wants_fragment() and not current_user.is_authenticated:
        # the session ended, and the token with it: log in, then come back
        return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
    return error_page(
        400,
        title="This form is out of date",
        message="You were away for a while. Go back, load the page again and resend.",
    )


def plaid_error(error: PlaidError) -> Response:
    log.warning("Plaid refused: %s (request %s)", error.code, error.request_id)
    return error_page(
        503,
        title="The bank service did not do it",
        message="Nothing was changed here.",
        plaid_error=error,
    )


def database_down(error: Exception) -> Response:
    log.error("Database not available: %s", type(error).__name__)
    response = error_page(503)
    response.headers["Retry-After"] = "5"
    return response


def our_fault(error: InternalServerError) -> Response:
    return error_page(500)


def error_page(code: int, **context: object) -> Response:
    """The page for `code`, or its fragment for htmx."""
    title, message = WORDS.get(code, WORDS[400 if code < 500 else 500])
    context = {
        "code": code,
        "title": title,
        "message": message,
        "request_id": request_id(),
        "plaid_error": None,
    } | context
    known = (
        code if code in PAGES else 404 if code == 405 else 400 if code < 500 else 500
    )
    name = "errors/_error.html" if wants_fragment() else f"errors/{known}.html"
    response = make_response(render_template(name, **context), code)
    response.vary.add("HX-Request")
    return response
