"""The end of one's account: says what is lost, asks for the password, deletes."""

import logging

from flask import Response, current_app, flash, url_for
from flask_login import current_user, login_required

from webapp.auth import login, passwords, throttle
from webapp.auth.forms import LeaveForm
from webapp.auth.routes import bp, clear_browser, too_many
from webapp.extensions import db
from webapp.htmx import go_to, render
from webapp.linking.departure import delete_account
from webapp.sync.run import Tools

__all__ = ["bp"]

log = logging.getLogger(__name__)


@bp.get("/settings/deletion", endpoint="leave")
@login_required
def show_leave() -> Response:
    return _page(LeaveForm())


@bp.post("/settings/deletion", endpoint="delete_account")
@login_required
def leave() -> Response:
    form = LeaveForm()
    if not form.validate():
        return _page(form, 422)
    user_id, password_hash = current_user.id, current_user.password_hash
    attempts = throttle.leave_attempts(user_id)
    wait = throttle.count(attempts)
    # the count stays, and no connection is held while the hash takes its time
    db.session.commit()
    if wait:
        return too_many(_page, form, wait)
    if not passwords.verify(password_hash, form.password.data):
        form.password.errors = ["This is not your password."]
        return _page(form, 422)
    extensions = current_app.extensions
    tools = Tools(db.session(), extensions["plaid"], extensions["vault"])
    delete_account(tools, user_id)
    db.session.commit()
    log.info("User %s deleted their account", user_id)
    login.end()
    flash("Your account is closed, and everything in it is being deleted.")
    return clear_browser(go_to(url_for("auth.login")))


def _page(form: LeaveForm, status: int = 200) -> Response:
    return render("auth/leave.html", "auth/_leave_form.html", status, form=form)
