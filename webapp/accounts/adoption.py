"""Bringing an old bank's history along: the dry run, the agreement, the way back."""

import uuid

from flask import Response, abort, flash, render_template, url_for
from flask_login import current_user, login_required

from webapp.accounts.disconnect import bp
from webapp.accounts.forms import AdoptionForm
from webapp.accounts.link import tools
from webapp.extensions import db
from webapp.htmx import go_to
from webapp.linking.adoption import offers
from webapp.linking.adoption.accounts import match_accounts
from webapp.linking.adoption.adopt import PlanChanged, adopt
from webapp.linking.adoption.offers import Offer
from webapp.linking.adoption.plan import read_plan
from webapp.linking.adoption.undo import NotUndoable, undo

MOST_SHOWN = 200  # doubtful pairs; the others are taken for the same


@bp.get("/<uuid:item_id>/adoption/<uuid:old_id>")
@login_required
def adoption(item_id: uuid.UUID, old_id: uuid.UUID) -> str:
    """What would happen. Nothing is changed by looking."""
    offer = _own_offer(item_id, old_id)
    accounts = match_accounts(db.session(), current_user.id, item_id, old_id)
    plan = read_plan(db.session(), current_user.id, accounts)
    return render_template(
        "accounts/adoption.html",
        offer=offer,
        plan=plan,
        doubtful=plan.doubtful[:MOST_SHOWN],
        form=AdoptionForm(agreed=plan.agreed),
    )


@bp.post("/<uuid:item_id>/adoption/<uuid:old_id>")
@login_required
def adopt_history(item_id: uuid.UUID, old_id: uuid.UUID) -> Response:
    offer = _own_offer(item_id, old_id)
    form = AdoptionForm()
    if not form.validate_on_submit():
        abort(400)
    try:
        made = adopt(
            tools(),
            current_user.id,
            item_id,
            old_id,
            form.agreed.data or "",
            form.apart.data or [],
        )
    except PlanChanged:
        db.session.rollback()
        flash("News came in from your bank meanwhile, so nothing was changed. Please "
              "look once more.", "warning")  # fmt: skip
        return go_to(url_for("accounts.adoption", item_id=item_id, old_id=old_id))
    if made is None:
        abort(404)
    db.session.commit()
    flash(f"Your old history of {offer.name} was brought along. You can undo it on the "
          "bank's card.", "success")  # fmt: skip
    return go_to(url_for("accounts.index"))


@bp.post("/<uuid:item_id>/adoption/<uuid:old_id>/refusal")
@login_required
def decline_history(item_id: uuid.UUID, old_id: uuid.UUID) -> Response:
    offers.decline(db.session(), _own_offer(item_id, old_id), current_user.id)
    db.session.commit()
    flash("Both histories stay as they are. The bank's card still has the way to it.")
    return go_to(url_for("accounts.index"))


@bp.post("/adoptions/<uuid:adoption_id>/undo")
@login_required
def undo_adoption(adoption_id: uuid.UUID) -> Response:
    try:
        made = undo(db.session(), current_user.id, adoption_id)
    except NotUndoable as reason:
        db.session.rollback()
        flash(str(reason), "warning")
        return go_to(url_for("accounts.index"))
    if made is None:
        abort(404)
    db.session.commit()
    flash("Undone: both histories are as they were, each with its own transactions.")
    return go_to(url_for("accounts.index"))


def _own_offer(item_id: uuid.UUID, old_id: uuid.UUID) -> Offer:
    offer = offers.find_offer(db.session(), current_user.id, item_id, old_id)
    if offer is None:
        abort(404)
    return offer
