"""A cookie that says: somebody has signed in to this address in this browser before.

It opens nothing. It only gives the browser a count of failed logins of its own, so
that strangers who guess from many places cannot lock the owner out (OWASP calls it a
device cookie).
"""

import datetime as dt
import hashlib
import hmac
import secrets

from flask import Response, current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer

LASTS = dt.timedelta(days=180)


def find(address: str) -> str | None:
    """This browser's random name, if it is known to this address."""
    try:
        kept = _serializer().loads(
            request.cookies.get(_cookie_name(), ""),
            max_age=int(LASTS.total_seconds()),
        )
    except BadData:
        return None
    found, name = kept
    return name if hmac.compare_digest(found, _fingerprint(address)) else None


def remember(response: Response, address: str) -> None:
    name = find(address) or secrets.token_urlsafe(16)
    response.set_cookie(
        _cookie_name(),
        _serializer().dumps([_fingerprint(address), name]),
        max_age=LASTS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _cookie_name() -> str:
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    return "__Host-known" if secure else "known"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], "known browser")


def _fingerprint(address: str) -> str:
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.new(
        key, b"known browser\n" + address.encode(), hashlib.sha256
    ).hexdigest()
