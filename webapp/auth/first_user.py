"""The first user of a live install: whoever can read the server's log.

The token is an HMAC of SECRET_KEY, so that every process of every machine knows it
without keeping it anywhere. It opens nothing once a user exists.
"""

import base64
import hashlib
import hmac
import logging

from flask import Flask, current_app
from sqlalchemy import exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from webapp.extensions import db
from webapp.models import User

log = logging.getLogger(__name__)
LOCK = 0x5B_F1257  # any number that no other advisory lock has


def is_awaited() -> bool:
    """True in live mode as long as nobody is there."""
    if current_app.config["APP_MODE"] != "live":
        return False
    return not db.session.scalar(select(exists().where(User.id.is_not(None))))


def claim() -> bool:
    """True for one caller at a time, until its transaction ends; then for nobody."""
    db.session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    return is_awaited()


def token() -> str:
    key = current_app.config["SECRET_KEY"].encode()
    digest = hmac.digest(key, b"webapp.auth.first_user", hashlib.sha256)
    return base64.b32encode(digest[:20]).decode()


def is_token(given: str) -> bool:
    return hmac.compare_digest(given.encode(), token().encode())


def tell() -> None:
    """Writes the token to the log, where only the operator reads it."""
    address = current_app.config["PUBLIC_URL"]
    log.warning(
        "No user yet. Register at %s/register, setup token %s", address, token()
    )


def announce(app: Flask) -> None:
    """Tells the token if the first user is awaited. Never stops the start."""
    with app.app_context():
        try:
            if is_awaited():
                tell()
        except SQLAlchemyError as error:
            log.warning(
                "Cannot see whether there is a user yet (%s). If there is none, opening"
                " /register writes the setup token here.",
                type(error).__name__,
            )
