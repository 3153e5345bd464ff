"""Register, log in, log out."""

import datetime as dt
import logging
import math
from collections.abc import Callable

from flask import Blueprint, Response, current_app, flash, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm

from webapp.auth import accounts, first_user, known_browser, login, passwords, throttle
from webapp.auth.destination import START, local_path
from webapp.auth.forms import FirstUserForm, LoginForm, RegisterForm
from webapp.extensions import db
from webapp.htmx import go_to, render
from webapp.models import User

log = logging.getLogger(__name__)
bp = Blueprint("auth", __name__)


@bp.get("/login", endpoint="login")
def show_login() -> Response:
    if current_user.is_authenticated:
        return go_to(_destination())
    return _login_page(LoginForm())


@bp.post("/login")
def log_in() -> Response:
    form = LoginForm()
    if not form.validate():
        return _login_page(form, 422)
    email, password = form.email.data, form.password.data
    address = accounts.normalised(email) or email
    attempts = throttle.login_attempts(
        address, request.remote_addr, known_browser.find(address)
    )
    wait = throttle.count(attempts)
    user = accounts.find(address)
    password_hash = user.password_hash if user else None
    # the count stays, and no connection is held while the hash takes its time
    db.session.commit()
    if wait:
        return too_many(_login_page, form, wait)
    if not passwords.verify(password_hash, password) or not user or not user.is_active:
        log.info("Login refused")
        form.form_errors = ["E-mail or password is not right."]
        return _login_page(form, 422)
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    throttle.give_back(attempts)
    return _sign_in(user)


@bp.get("/register", endpoint="register")
def show_register() -> Response:
    if current_user.is_authenticated:
        return go_to(_destination())
    if first_user.is_awaited():
        first_user.tell()
        return _register_page(FirstUserForm())
    if not _is_open():
        return _closed_page()
    return _register_page(RegisterForm())


@bp.post("/register")
def create_account() -> Response:
    is_first = first_user.is_awaited()
    if not is_first and not _is_open():
        return _closed_page(403)
    form = FirstUserForm() if is_first else RegisterForm()
    if not form.validate():
        return _register_page(form, 422)
    wait = throttle.count(throttle.register_attempts(request.remote_addr))
    db.session.commit()
    if wait:
        return too_many(_register_page, form, wait)
    if is_first and not first_user.claim():
        return _closed_page(403)
    try:
        user = accounts.register(
            email=form.email.data,
            password=form.password.data,
            first_name=form.first_name.data,
            last_name=form.last_name.data,
            time_zone=form.time_zone.data,
            is_admin=is_first,
        )
    except accounts.AddressTaken:
        form.email.errors = ["This address has an account already. Log in instead."]
        return _register_page(form, 422)
    log.info("Registered user %s", user.id)
    return _sign_in(user)


@bp.post("/logout")
def logout() -> Response:
    login.end()
    flash("You are logged out.")
    return clear_browser(go_to(url_for("auth.login")))


def clear_browser(response: Response) -> Response:
    """The Back button finds nothing on a shared computer."""
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _sign_in(user: User) -> Response:
    now = dt.datetime.now(dt.UTC)
    address = user.email
    user.last_login_at = now
    db.session.commit()
    login.start(user, now)
    response = go_to(_destination())
    known_browser.remember(response, address)
    return response


def _destination() -> str:
    return local_path(request.args.get("next"))


def _next() -> str | None:
    """`next` for the links and forms of a page, None where it is the start anyway."""
    path = _destination()
    return None if path == START else path


def _is_open() -> bool:
    return bool(current_app.config["REGISTRATION"] == "open")


def _login_page(form: FlaskForm, status: int = 200) -> Response:
    return render(
        "auth/login.html",
        "auth/_login_form.html",
        status,
        form=form,
        next=_next(),
        can_register=_is_open() or first_user.is_awaited(),
    )


def _register_page(form: FlaskForm, status: int = 200) -> Response:
    return render(
        "auth/register.html",
        "auth/_register_form.html",
        status,
        form=form,
        next=_next(),
    )


def _closed_page(status: int = 200) -> Response:
    return render("auth/closed.html", "auth/_closed.html", status)


def too_many(
    page: Callable[[FlaskForm, int], Response], form: FlaskForm, wait: int
) -> Response:
    minutes = math.ceil(wait / 60)
    plural = "" if minutes == 1 else "s"
    form.form_errors = [
        f"Too many tries. Wait {minutes} minute{plural}, then try again."
    ]
    response = page(form, 429)
    response.headers["Retry-After"] = str(wait)
    return response
