"""Flask-Login's side: who is signed in, and for how long.

The idle limit is the age of the signed cookie (PERMANENT_SESSION_LIFETIME), renewed by
every request; the absolute limit counts from `signed_in_at` inside of it.
"""

import datetime as dt
import uuid

from flask import Response, current_app, g, session, url_for
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy.exc import SQLAlchemyError

from webapp.auth.destination import wanted_page
from webapp.extensions import db
from webapp.htmx import go_to
from webapp.models import User


def init_app(manager: LoginManager) -> None:
    # it compares IP addresses, and phones change theirs
    manager.session_protection = None
    manager.user_loader(load_user)
    manager.unauthorized_handler(ask_to_log_in)


def load_user(user_id: str) -> User | None:
    if "user_cannot_be_read" in g or is_over(
        session.get("signed_in_at"), dt.datetime.now(dt.UTC)
    ):
        return None
    try:
        key = uuid.UUID(user_id)
    except ValueError:
        return None
    try:
        user = db.session.get(User, key)
    except SQLAlchemyError:
        # the error page asks who is there, too, and must not wait a second time
        g.user_cannot_be_read = True
        raise
    return user if user and user.is_active else None


def is_over(signed_in_at: int | None, now: dt.datetime) -> bool:
    """True when the session has reached its absolute limit."""
    if signed_in_at is None:
        return True
    limit = dt.timedelta(hours=current_app.config["SESSION_ABSOLUTE_HOURS"])
    return now >= dt.datetime.fromtimestamp(signed_in_at, dt.UTC) + limit


def start(user: User, now: dt.datetime) -> None:
    """Signs in. Nothing of the session before it survives: no fixation."""
    session.clear()
    session.permanent = True
    session["signed_in_at"] = int(now.timestamp())
    login_user(user)


def end() -> None:
    logout_user()
    session.clear()


def ask_to_log_in() -> Response:
    return go_to(url_for("auth.login", next=wanted_page()))
