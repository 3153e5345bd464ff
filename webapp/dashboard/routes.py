"""The dashboard at /."""

import datetime as dt

from flask import Blueprint, Response, request
from flask_login import current_user, login_required

from webapp import period as periods
from webapp.dashboard import queries
from webapp.extensions import db
from webapp.filters import today
from webapp.htmx import render
from webapp.period import Period, PeriodError

bp = Blueprint("dashboard", __name__)


@bp.get("/")
@login_required
def index() -> Response:
    error, status = None, 200
    try:
        period = Period.from_args(request.args, today())
    except PeriodError as problem:
        period, error, status = Period.named(periods.DEFAULT, today()), problem, 422
    locale = current_user.locale
    board = queries.board(
        db.session(),
        current_user.id,
        period,
        dt.datetime.now(dt.UTC),
        current_user.zone,
        locale,
    )
    return render(
        "dashboard/index.html",
        "dashboard/_board.html",
        status,
        board=board,
        period=queries.shown(period, locale, error),
        periods=list(periods.NAMES.items()),
        period_error=error,
    )
