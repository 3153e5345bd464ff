"""Pages for whoever runs this installation; to everybody else there are none."""

from flask import Blueprint, Response, abort
from flask_login import current_user, login_required

from webapp.admin.queries import (
    MOST,
    list_broken_items,
    list_dead_jobs,
    list_open_breakers,
    list_quarantined,
)
from webapp.extensions import db
from webapp.htmx import render

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.before_request
@login_required
def admins_only() -> None:
    if not current_user.is_admin:
        abort(404)


@bp.get("/trouble")
def trouble() -> Response:
    session = db.session()
    return render(
        "admin/trouble.html",
        "admin/_trouble.html",
        quarantined=list_quarantined(session),
        breakers=list_open_breakers(session),
        items=list_broken_items(session),
        jobs=list_dead_jobs(session),
        most=MOST,
    )
