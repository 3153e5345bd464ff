"""Flask-Login's side: who is signed in, and for how long."""

import datetime as dt
import uuid

from flask import Response, flash, request, session, url_for
from flask_login import LoginManager, login_user, logout_user

from webapp.extensions import db
from webapp.htmx import go_to
from webapp.models import User


def init_app(manager: LoginManager) -> None:
    manager.login_view = "auth.login"
