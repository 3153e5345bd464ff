"""Settings: mails on or off, and the way to the end of one's account."""

from flask import Blueprint, Response, current_app, flash, render_template, url_for
from flask_login import current_user, login_required

from webapp.extensions import db
from webapp.htmx import go_to
from webapp.settings.forms import MailForm

bp = Blueprint("settings", __name__, url_prefix="/settings")


@bp.get("/")
@login_required
def index() -> str:
    form = MailForm(bank_mails=current_user.bank_mails)
    is_sent = current_app.extensions["post"] is not None
    return render_template("settings/index.html", form=form, is_sent=is_sent)


@bp.post("/mails")
@login_required
def mails() -> Response:
    form = MailForm()
    if form.validate_on_submit():
        current_user.bank_mails = form.bank_mails.data
        db.session.commit()
        flash("Mails are on." if form.bank_mails.data else "Mails are off.", "success")
    return go_to(url_for("settings.index"))
