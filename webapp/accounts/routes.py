"""Banks: the list, sync now, removal. Linking is in `link.py`."""

import datetime as dt
import uuid

from flask import Blueprint, Response, abort, current_app, flash, url_for
from flask_login import current_user, login_required

from webapp.extensions import db
from webapp.htmx import go_to, render, wants_fragment
from webapp.ledger.banks import Bank, find_bank, list_banks
from webapp.linking.removal import disconnect
from webapp.models.plaid_item import RESTING
from webapp.sync import schedule
from webapp.sync.run import Tools

bp = Blueprint("accounts", __name__, url_prefix="/accounts")


@bp.get("/")
@login_required
def index() -> Response:
    banks = list_banks(db.session(), current_user.id, dt.datetime.now(dt.UTC))
    return render("accounts/index.html", "accounts/_banks.html", banks=banks)


@bp.get("/<uuid:item_id>/status")
@login_required
def status(item_id: uuid.UUID) -> Response:
    return _card(_own_bank(item_id))


@bp.post("/<uuid:item_id>/syncs")
@login_required
def sync(item_id: uuid.UUID) -> Response:
    if _own_bank(item_id).state in RESTING:  # asking would be in vain
        return go_to(url_for("accounts.repair", item_id=item_id))
    schedule.ask(db.session(), current_user.id, item_id, by_person=True)
    db.session.commit()
    if wants_fragment():
        return _card(_own_bank(item_id))
    flash("We are asking your bank for news. It takes a few seconds.")
    return go_to(url_for("accounts.index"))


@bp.post("/<uuid:item_id>/removal")
@login_required
def remove(item_id: uuid.UUID) -> Response:
    bank = _own_bank(item_id)
    disconnect(_tools(), current_user.id, item_id, keep_history=False)
    db.session.commit()
    flash(f"{bank.name} was removed.")
    return go_to(url_for("accounts.index"))


def _tools() -> Tools:
    extensions = current_app.extensions
    return Tools(db.session(), extensions["plaid"], extensions["vault"])


def _own_bank(item_id: uuid.UUID) -> Bank:
    """The signed-in person's bank; somebody else's is not found."""
    now = dt.datetime.now(dt.UTC)
    bank = find_bank(db.session(), current_user.id, item_id, now)
    if bank is None:
        abort(404)
    return bank


def _card(bank: Bank) -> Response:
    return render("accounts/status.html", "accounts/_item.html", bank=bank)
