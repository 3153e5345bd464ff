"""Linking and repairing a bank: a page of its own, with no ledger data on it."""

import datetime as dt
import uuid

from flask import Response, abort, current_app, flash, render_template, request, url_for
from flask_login import current_user, login_required

from webapp.accounts.forms import ExitForm, SuccessForm
from webapp.accounts.routes import bp
from webapp.errors import error_page
from webapp.extensions import db
from webapp.htmx import go_to
from webapp.ledger.banks import list_banks
from webapp.linking import metadata, sessions
from webapp.linking.completion import Outcome, complete
from webapp.linking.sessions import Callbacks
from webapp.models import LinkStatus, PlaidItem, PlaidLinkSession
from webapp.models.plaid_item import UNLINKED
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync.run import Tools

# How an attempt that is over is told to whoever comes back to it.
OVER = {
    LinkStatus.CHOOSING: "This bank is linked already. Please say what you want.",
    LinkStatus.EXCHANGING: "Your bank is being linked right now. Give it a moment.",
    LinkStatus.LINKED: "This bank is linked.",
    LinkStatus.DUPLICATE: "This bank was linked already; nothing was changed.",
    LinkStatus.EXITED: "You left before the bank was linked. Nothing was changed.",
    LinkStatus.EXPIRED: "That took too long, so the bank's window expired. "
    "Nothing was linked; please start again.",
    LinkStatus.FAILED: "The bank could not be linked. Nothing was changed.",
}

TOO_OLD = "INVALID_LINK_TOKEN"  # Plaid's word when its window comes too late


def tools() -> Tools:
    extensions = current_app.extensions
    return Tools(db.session(), extensions["plaid"], extensions["vault"])


def callbacks() -> Callbacks:
    config = current_app.config
    return Callbacks(
        config["PLAID_COUNTRY_CODES"],
        config["PLAID_WEBHOOK_URL"],
        config["PLAID_REDIRECT_URI"],
    )


@bp.get("/link")
@login_required
def link() -> str:
    """What will happen, which banks are linked already, and the button that starts."""
    banks = list_banks(db.session(), current_user.id, dt.datetime.now(dt.UTC))
    return render_template("accounts/link.html", banks=banks)


@bp.post("/link")
@login_required
def start() -> Response:
    return open_window(None)


@bp.get("/<uuid:item_id>/repair")
@login_required
def repair(item_id: uuid.UUID) -> str:
    return render_template("accounts/repair.html", item=own_item(item_id))


@bp.post("/<uuid:item_id>/repair")
@login_required
def start_repair(item_id: uuid.UUID) -> Response:
    return open_window(own_item(item_id))


@bp.post("/<uuid:item_id>/accounts")
@login_required
def add_accounts(item_id: uuid.UUID) -> Response:
    """Update mode with the pane on which accounts are chosen."""
    return open_window(own_item(item_id), selects_accounts=True)


@bp.get("/link/<uuid:session_id>")
@login_required
def link_session(session_id: uuid.UUID) -> Response | str:
    """The page that opens Plaid Link for this attempt."""
    return _link_page(own_attempt(session_id), None)


@bp.get("/link/return")
@login_required
def link_return() -> Response | str:
    """Where a bank's own site sends the browser back: the same token goes on."""
    if not request.args.get("oauth_state_id"):
        abort(404)
    attempt = sessions.newest_open(db.session(), current_user.id)
    if attempt is None:
        return over(LinkStatus.EXPIRED)
    return _link_page(attempt, request.url)


@bp.post("/link/<uuid:session_id>/success")
@login_required
def link_success(session_id: uuid.UUID) -> Response:
    attempt = own_attempt(session_id)
    form = SuccessForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        said = metadata.success(form.metadata.data or "")
    except metadata.MetadataError:
        said = metadata.SuccessMetadata()  # only a hint: the bank's own word follows
    attempt.link_session_id = said.link_session_id
    outcome = complete(
        tools(),
        attempt,
        form.public_token.data or "",
        said,
        current_app.config["PLAID_COUNTRY_CODES"],
    )
    return tell(outcome, attempt)


@bp.post("/link/<uuid:session_id>/exit")
@login_required
def link_exit(session_id: uuid.UUID) -> Response:
    attempt = own_attempt(session_id)
    form = ExitForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        error = metadata.exit_error(form.error.data or "")
        said = metadata.exit_metadata(form.metadata.data or "")
    except metadata.MetadataError:
        abort(400)
    if not sessions.take(db.session(), attempt):
        db.session.refresh(attempt)
        return over(attempt.status_at(dt.datetime.now(dt.UTC)))
    code = error.error_code if error else ""
    if error is None or code in ("", TOO_OLD):
        status = LinkStatus.EXPIRED if code == TOO_OLD else LinkStatus.EXITED
        sessions.end(db.session(), attempt, status)
        db.session.commit()
        return over(status)
    refused = PlaidError(
        error.error_code[:100],
        error.error_message[:500],
        said.request_id or said.link_session_id,
        display_message=error.display_message,
    )
    sessions.end(db.session(), attempt, LinkStatus.FAILED, error=refused)
    db.session.commit()
    return _failed(refused)


def open_window(item: PlaidItem | None, *, selects_accounts: bool = False) -> Response:
    """Plaid Link for a new bank, or for `item` in update mode."""
    try:
        session_id = sessions.open_session(
            tools(),
            current_user.id,
            callbacks(),
            repair=item,
            selects_accounts=selects_accounts,
        )
    except PlaidError as error:
        if item is not None and error.kind is Kind.DEAD:
            return go_to(url_for("accounts.renewal", item_id=item.id))
        return _failed(error)
    return go_to(url_for("accounts.link_session", session_id=session_id))


def _link_page(attempt: PlaidLinkSession, returned_to: str | None) -> Response | str:
    status = attempt.status_at(dt.datetime.now(dt.UTC))
    if status is LinkStatus.CHOOSING:
        return go_to(url_for("accounts.choice", session_id=attempt.id))
    if status is not LinkStatus.CREATED:
        return over(status)
    vault = current_app.extensions["vault"]
    return render_template(
        "accounts/link_session.html",
        attempt=attempt,
        token=vault.decrypt(attempt.link_token, sessions.place(attempt.id)),
        received_redirect_uri=returned_to,
        success_form=SuccessForm(),
        exit_form=ExitForm(),
    )


def tell(outcome: Outcome, attempt: PlaidLinkSession) -> Response:
    if outcome.status == LinkStatus.CHOOSING:
        return go_to(url_for("accounts.choice", session_id=attempt.id))
    if outcome.status == LinkStatus.FAILED and outcome.error:
        return _failed(outcome.error)
    if outcome.status == LinkStatus.DUPLICATE and outcome.bank:
        flash(f"{outcome.bank} is linked already, and nothing was added.")
        return go_to(url_for("accounts.index"))
    if outcome.status == LinkStatus.LINKED and outcome.bank:
        is_repair = attempt.mode == "update"
        words = "is working again" if is_repair else "is linked"
        if is_repair and attempt.selects_accounts:  # nothing was broken
            words = "shares the accounts that you chose"
        flash(f"{outcome.bank} {words}. Its transactions are coming in.", "success")
        return go_to(url_for("accounts.index"))
    return over(outcome.status)


def over(status: LinkStatus) -> Response:
    flash(OVER[status], "info" if status != LinkStatus.EXPIRED else "warning")
    return go_to(url_for("accounts.index"))


def _failed(error: PlaidError) -> Response:
    """The bank's own words and number, and a way to try again."""
    is_silent = error.code in ("NETWORK", "UNREADABLE")
    did = "does not answer" if is_silent else "refused"
    return error_page(
        503 if is_silent else 422,
        title="Your bank was not linked",
        message=error.display_message
        or f"The bank service {did}. Nothing was changed; you can try again.",
        plaid_error=error,
        retry_url=url_for("accounts.link"),
    )


def own_attempt(session_id: uuid.UUID) -> PlaidLinkSession:
    attempt = sessions.find(db.session(), current_user.id, session_id)
    if attempt is None:
        abort(404)
    return attempt


def own_item(item_id: uuid.UUID) -> PlaidItem:
    item = db.session.get(PlaidItem, (current_user.id, item_id))
    if item is None or item.state in UNLINKED:
        abort(404)
    return item
