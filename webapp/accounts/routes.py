"""Banks: the list, sync now. Linking is in `link.py`, its end in `disconnect.py`."""

import datetime as dt
import uuid

from flask import Blueprint, Response, abort, flash, url_for
from flask_login import current_user, login_required

from webapp.extensions import db
from webapp.htmx import go_to, render, wants_fragment
from webapp.ledger.banks import Bank, find_bank, list_banks, list_kept
from webapp.ledger.freshness import freshness
from webapp.linking.adoption.offers import list_adoptions
from webapp.models.plaid_item import RESTING
from webapp.sync import schedule

bp = Blueprint("accounts", __name__, url_prefix="/accounts")


@bp.get("/")
@login_required
def index() -> Response:
    banks = list_banks(db.session(), current_user.id, dt.datetime.now(dt.UTC))
    adoptions = list_adoptions(db.session(), current_user.id)
    return render(
        "accounts/index.html",
        "accounts/_banks.html",
        banks=banks,
        kept=list_kept(db.session(), current_user.id),
        fresh=freshness(banks, current_user.zone),
        adoptions=adoptions,
    )


@bp.get("/<uuid:item_id>/status")
@login_required
def status(item_id: uuid.UUID) -> Response:
    return _card(item_id)


@bp.post("/<uuid:item_id>/syncs")
@login_required
def sync(item_id: uuid.UUID) -> Response:
    if own_bank(item_id).state in RESTING:  # asking would be in vain
        return go_to(url_for("accounts.repair", item_id=item_id))
    schedule.ask(db.session(), current_user.id, item_id, by_person=True)
    db.session.commit()
    if wants_fragment():
        return _card(item_id)
    flash("We are asking your bank for news. It takes a few seconds.")
    return go_to(url_for("accounts.index"))


def own_bank(item_id: uuid.UUID) -> Bank:
    """The signed-in person's bank; somebody else's is not found."""
    now = dt.datetime.now(dt.UTC)
    bank = find_bank(db.session(), current_user.id, item_id, now)
    if bank is None:
        abort(404)
    return bank


def _card(item_id: uuid.UUID) -> Response:
    banks = list_banks(db.session(), current_user.id, dt.datetime.now(dt.UTC))
    bank = next((bank for bank in banks if bank.id == item_id), None)
    if bank is None:
        abort(404)
    return render(
        "accounts/status.html",
        "accounts/_card.html",
        bank=bank,
        fresh=freshness(banks, current_user.zone),
        adoptions=list_adoptions(db.session(), current_user.id),
    )
