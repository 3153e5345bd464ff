"""The end of a connection, its history kept or not; and a way on from a dead one."""

import uuid

from flask import Response, abort, current_app, flash, render_template, url_for
from flask_login import current_user, login_required

from webapp.accounts.forms import RemovalForm
from webapp.accounts.link import tools
from webapp.accounts.routes import bp, own_bank
from webapp.extensions import db
from webapp.htmx import go_to
from webapp.ledger.banks import KeptBank, list_kept
from webapp.linking import refresh, removal
from webapp.models import PlaidItem
from webapp.plaid.errors import PlaidError

__all__ = ["bp"]

ANSWERS = {
    "asked": ("Your bank is being asked. Its news comes in within minutes.", "success"),
    "not offered": (
        "Asking the bank is not part of this installation's contract with Plaid, or not"
        " possible at this bank. Nothing is lost: its news comes by itself.",
        "info",
    ),
    "too often": (
        "This bank was asked a moment ago. Plaid allows it twice a minute.",
        "warning",
    ),
}


@bp.get("/<uuid:item_id>/removal", endpoint="removal")
@login_required
def show_removal(item_id: uuid.UUID) -> str:
    """What each way loses, and the buttons."""
    kept = _kept(item_id)
    bank = kept or own_bank(item_id)
    return render_template("accounts/removal.html", bank=bank, is_kept=kept is not None)


@bp.post("/<uuid:item_id>/removal")
@login_required
def remove(item_id: uuid.UUID) -> Response:
    kept = _kept(item_id)
    bank = kept or own_bank(item_id)
    form = RemovalForm()
    if not form.validate_on_submit():
        abort(400)
    keep = form.history.data == "keep"
    if kept is None:
        _disconnect(item_id, keep_history=keep)
    elif not keep:
        removal.erase(db.session(), current_user.id, item_id)
        db.session.commit()
    flash(
        f"{bank.name} is no longer connected. Its history stays."
        if keep
        else f"{bank.name} and everything that was read from it is deleted."
    )
    return go_to(url_for("accounts.index"))


@bp.get("/<uuid:item_id>/renewal", endpoint="renewal")
@login_required
def show_renewal(item_id: uuid.UUID) -> str:
    """Plaid cannot repair this one: it is linked anew, and what was read stays."""
    return render_template("accounts/renewal.html", bank=own_bank(item_id))


@bp.post("/<uuid:item_id>/renewal")
@login_required
def renew(item_id: uuid.UUID) -> Response:
    bank = own_bank(item_id)
    _disconnect(item_id, keep_history=True)
    flash(f"The history of {bank.name} is kept. Now link the bank anew.")
    return go_to(url_for("accounts.link"))


@bp.post("/<uuid:item_id>/news")
@login_required
def ask_bank(item_id: uuid.UUID) -> Response:
    """A paid call of Plaid's, where the installation has it switched on."""
    if not current_app.config["PLAID_REFRESH"]:
        abort(404)
    own_bank(item_id)
    item = db.session.get_one(PlaidItem, (current_user.id, item_id))
    try:
        words, category = ANSWERS[refresh.ask_bank(tools(), item)]
    except PlaidError as error:
        reason = error.display_message or f"Plaid said {error.code}."
        words, category = f"Your bank could not be asked. {reason}", "warning"
    flash(words, category)
    return go_to(url_for("accounts.index"))


def _disconnect(item_id: uuid.UUID, *, keep_history: bool) -> None:
    removal.disconnect(tools(), current_user.id, item_id, keep_history=keep_history)
    db.session.commit()


def _kept(item_id: uuid.UUID) -> KeptBank | None:
    kept = list_kept(db.session(), current_user.id)
    return next((bank for bank in kept if bank.id == item_id), None)
