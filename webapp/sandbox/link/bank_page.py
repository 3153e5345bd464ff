"""The page of an OAuth bank: where a person signs in away from the app."""

from pathlib import Path
from urllib.parse import urlencode

from flask import Response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from ..errors import PlaidError
from ..institutions import logo
from .routes import bank_of_request, link, served
from .token import find_link_token, find_session, save_session
from .walk import Walk
from .workflow import check_login

_FILES = Path(__file__).parent / "files"


def _find_walk(state: str) -> Walk | None:
    """The session that waits for this page, if there is one."""
    bank = bank_of_request()
    session = find_session(bank.store, oauth_state_id=state) if state else None
    token = find_link_token(bank.store, session.link_token) if session else None
    if session is None or token is None or session.pane != "oauth":
        return None
    return Walk(bank, token, session)


@link.get("/link/oauth")
def sign_in() -> Response:
    walk = _find_walk(request.args.get("oauth_state_id", ""))
    return _page(walk, None) if walk else served("oauth-ended.html")


@link.post("/link/oauth")
def decide() -> AnyResponse:
    """Allow or refuse, then go back to where the app asked for."""
    form = request.form
    walk = _find_walk(form.get("oauth_state_id", ""))
    if walk is None:
        return served("oauth-ended.html")
    session = walk.session
    if form.get("decision") == "allow":
        try:
            check_login(walk, form.get("username", ""), form.get("password", ""))
        except PlaidError as error:
            return _page(walk, error.display or error.message)
    else:
        session.error_code = "ACCESS_NOT_GRANTED"
    session.oauth_done = True
    save_session(walk.bank.store, session)
    if walk.link.redirect_uri is None:
        return served("oauth-done.html")
    back = urlencode({"oauth_state_id": session.oauth_state_id})
    return redirect(f"{walk.link.redirect_uri}?{back}", 303)


def _page(walk: Walk, error: str | None) -> Response:
    body = render_template(
        "bank.html",
        app=walk.link.client_name,
        bank=walk.institution,
        error=error,
        logo=logo(walk.institution),
        state=walk.session.oauth_state_id,
    )
    return served("bank.html", body.encode())
