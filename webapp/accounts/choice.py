"""A bank that is linked already, linked once more: what does the person want?"""

import datetime as dt
import uuid

from flask import Response, abort, current_app, flash, render_template
from flask_login import current_user, login_required

from webapp.accounts.adoption import bp
from webapp.accounts.forms import ChoiceForm
from webapp.accounts.link import open_window, over, own_attempt, own_item, tell, tools
from webapp.extensions import db
from webapp.ledger.banks import find_bank
from webapp.linking.decision import decide
from webapp.models import LinkStatus

__all__ = ["bp"]


@bp.get("/link/<uuid:session_id>/choice")
@login_required
def choice(session_id: uuid.UUID) -> Response | str:
    attempt, now = own_attempt(session_id), dt.datetime.now(dt.UTC)
    status = attempt.status_at(now)
    bank = attempt.plaid_item_id and find_bank(
        db.session(), current_user.id, attempt.plaid_item_id, now
    )
    if status is not LinkStatus.CHOOSING or bank is None:
        return over(status)
    return render_template(
        "accounts/choice.html", attempt=attempt, bank=bank, form=ChoiceForm()
    )


@bp.post("/link/<uuid:session_id>/choice")
@login_required
def choose(session_id: uuid.UUID) -> Response:
    attempt = own_attempt(session_id)
    form = ChoiceForm()
    if not form.validate_on_submit():
        abort(400)
    adds_accounts = attempt.selects_accounts
    countries = current_app.config["PLAID_COUNTRY_CODES"]
    is_second = form.answer.data == "second"
    outcome = decide(tools(), attempt, countries, is_second_login=is_second)
    if form.answer.data != "repair" or outcome.status is not LinkStatus.DUPLICATE:
        return tell(outcome, attempt)
    if outcome.item is None:
        abort(404)
    flash("Log in there once more. Nothing is linked twice.")
    return open_window(own_item(outcome.item), selects_accounts=adds_accounts)
