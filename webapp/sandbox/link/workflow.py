"""The walk through Link: which pane follows which, and what each does."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from ..bank import Bank
from ..errors import PlaidError
from ..institutions import find_institution
from ..worlds import check_password, open_world
from . import challenge, completion, panes
from .events import exit_metadata
from .token import LinkToken, Session, find_link_token, find_session, save_session
from .walk import Walk

Given = dict[str, Any]
_ERROR = ("error_type", "error_code", "error_message")


def start(
    bank: Bank, link_token: str, received_redirect_uri: str | None
) -> dict[str, Any]:
    """Begin, or come back from an OAuth bank. INVALID_LINK_TOKEN if too old."""
    link = find_link_token(bank.store, link_token)
    if link is None or bank.clock.now() > link.expires_at:
        raise PlaidError("INVALID_LINK_TOKEN")
    if received_redirect_uri:
        return _return(bank, link, received_redirect_uri)
    session = Session(
        link_session_id=str(uuid.uuid4()),
        link_token=link_token,
        started_at=bank.clock.now(),
        pane="consent",
        institution_id=link.institution_id,
    )
    walk = Walk(bank, link, session)
    if link.item_id is not None:
        item = walk.item
        if item is None or item.removed:
            raise PlaidError("INVALID_LINK_TOKEN")
        session.institution_id = item.institution_id
    walk.emit("OPEN")
    known = walk.institution if session.institution_id else None
    return walk.show(panes.consent(link, known))


def _return(bank: Bank, link: LinkToken, uri: str) -> dict[str, Any]:
    state = parse_qs(uri.partition("?")[2]).get("oauth_state_id", [""])[0]
    session = find_session(bank.store, oauth_state_id=state) if state else None
    if session is None or session.link_token != link.link_token or session.finished_at:
        raise PlaidError("INVALID_FIELD", "receivedRedirectUri has no known state")
    return _after_oauth(Walk(bank, link, session))


def step(bank: Bank, link_session_id: str, action: str, given: Given) -> dict[str, Any]:
    """What a button does. Returns the next pane, or how Link ends."""
    session = find_session(bank.store, link_session_id=link_session_id)
    link = find_link_token(bank.store, session.link_token) if session else None
    if session is None or link is None or bank.clock.now() > link.expires_at:
        raise PlaidError("INVALID_LINK_TOKEN")
    walk = Walk(bank, link, session)
    if action == "exit":
        return _exit(walk)
    if session.exit is not None:
        raise PlaidError("INVALID_LINK_TOKEN", "this session was left")
    known = _STEPS.get((session.pane, action))
    if known is None:
        raise PlaidError("INVALID_FIELD", f"{action} is not possible here")
    try:
        return known(walk, given)
    except PlaidError as error:
        return walk.fail(error)


def _continue(walk: Walk, given: Given) -> dict[str, Any]:
    item = walk.item
    if walk.session.institution_id is None:
        return walk.show(panes.institutions(walk.link, ""))
    if item is not None and item.error_code is None and walk.link.account_selection:
        walk.session.username, walk.session.password = item.username, item.password
        return completion.choose(walk)
    return _at_bank(walk)


def _search(walk: Walk, given: Given) -> dict[str, Any]:
    query = str(given.get("query", ""))[:100]
    walk.emit("SEARCH_INSTITUTION", institution_search_query=query)
    save_session(walk.bank.store, walk.session)
    pane = panes.institutions(walk.link, query)
    return {"link_session_id": walk.session.link_session_id, "pane": pane}


def _select(walk: Walk, given: Given) -> dict[str, Any]:
    bank = find_institution(str(given.get("value", "")))
    walk.session.institution_id = bank.institution_id
    if bank.down:
        walk.emit("SELECT_DOWN_INSTITUTION")
        raise PlaidError("INSTITUTION_DOWN")
    if not bank.supported:
        raise PlaidError("INSTITUTION_NO_LONGER_SUPPORTED")
    if bank.degraded:
        walk.emit("SELECT_DEGRADED_INSTITUTION")
    walk.emit("SELECT_INSTITUTION")
    return _at_bank(walk)


def _at_bank(walk: Walk) -> dict[str, Any]:
    """Where the person proves who they are: here, or at the bank's own page."""
    session = walk.session
    if walk.institution.oauth:
        session.oauth_state_id, session.oauth_done = str(uuid.uuid4()), False
        walk.emit("OPEN_OAUTH")
        return walk.show(panes.oauth(walk.institution, session, walk.link))
    return walk.show(panes.credentials(walk.institution, None))


def _credentials(walk: Walk, given: Given) -> dict[str, Any]:
    username = str(given.get("username", ""))
    password = str(given.get("password", ""))
    walk.emit("SUBMIT_CREDENTIALS")
    check_login(walk, username, password)
    pane = challenge.first(walk.session, walk.institution)
    if pane is not None:
        return walk.show(pane)
    return completion.choose(walk)


def check_login(walk: Walk, username: str, password: str) -> None:
    """Keep the login if it is right; raises what the bank answers if not."""
    check_password(username, password)
    item = walk.item
    if item is not None and item.username != username:
        raise PlaidError("INVALID_UPDATED_USERNAME")
    days = walk.link.days_requested or 90
    world = open_world(username, password, walk.bank.clock.today(), days)
    if world.force_error is not None:
        raise PlaidError(world.force_error)
    walk.session.username, walk.session.password = username, password
    walk.session.mfa = world.mfa or password
    walk.session.error_code = None


def _answer(walk: Walk, given: Given) -> dict[str, Any]:
    walk.emit("SUBMIT_MFA", mfa_type=walk.session.pane)
    pane = challenge.following(walk.session, walk.institution, given)
    if pane is not None:
        return walk.show(pane)
    return completion.choose(walk)


def _poll(walk: Walk, given: Given) -> dict[str, Any]:
    """While the bank's page is open in a window of its own."""
    if not walk.session.oauth_done:
        return {"link_session_id": walk.session.link_session_id, "wait": True}
    return _after_oauth(walk)


def _after_oauth(walk: Walk) -> dict[str, Any]:
    session = walk.session
    if not session.oauth_done:
        raise PlaidError("INVALID_FIELD", "the bank's page was not finished")
    if session.error_code:
        walk.emit("FAIL_OAUTH")
        return walk.fail(PlaidError(session.error_code))
    walk.emit("CLOSE_OAUTH")
    return completion.choose(walk)


def _accounts(walk: Walk, given: Given) -> dict[str, Any]:
    return completion.complete(walk, given)


def _finish(walk: Walk, given: Given) -> dict[str, Any]:
    session = walk.session
    return {"events": session.events, "success": session.success}


def _again(walk: Walk, given: Given) -> dict[str, Any]:
    if walk.session.institution_id is None or walk.institution.down:
        walk.session.institution_id = walk.link.institution_id
        return walk.show(panes.institutions(walk.link, ""))
    return _at_bank(walk)


def _exit(walk: Walk) -> dict[str, Any]:
    session, error = walk.session, None
    metadata = exit_metadata(session)
    known = {"exit_status": metadata["status"]}
    if session.error_code is not None:
        body = PlaidError(session.error_code).body("")
        known.update({name: body[name] for name in _ERROR})
        error = {name: body[name] for name in (*_ERROR, "display_message")}
    walk.emit("EXIT", **known)
    session.exit = {"error": error, "metadata": metadata}
    session.finished_at = walk.bank.clock.now()
    save_session(walk.bank.store, session)
    return {"events": session.events, "exit": session.exit}


_STEPS: dict[tuple[str, str], Callable[[Walk, Given], dict[str, Any]]] = {
    ("consent", "continue"): _continue,
    ("institutions", "search"): _search,
    ("institutions", "select"): _select,
    ("credentials", "submit"): _credentials,
    ("device", "submit"): _answer,
    ("code", "submit"): _answer,
    ("questions", "submit"): _answer,
    ("selections", "submit"): _answer,
    ("oauth", "poll"): _poll,
    ("accounts", "submit"): _accounts,
    ("done", "finish"): _finish,
    ("error", "again"): _again,
}
