"""Attempts counted in PostgreSQL: all processes of all machines count together.

Fixed windows by the database's clock, one upsert a check. Callers commit at once: the
count stays whatever becomes of the request.
"""

import hashlib
import hmac
import ipaddress
import math
import secrets
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from flask import current_app
from sqlalchemy import text

from webapp.extensions import db

MINUTE = 60


class Limit(NamedTuple):
    kind: str
    attempts: int
    seconds: int


class Attempt(NamedTuple):
    limit: Limit
    value: str


# Failed logins (a successful one is given back). Whoever guesses from one IP is stopped
# after 5 at one address and 10 over all addresses. Since a stopped attempt is not
# counted any further, he cannot use up the address's own 10, and its owner gets in
# from any other IP. Two or more IPs together can: then only browsers in which the
# owner has signed in before get in, for they have a count of their own.
LOGIN_BY_IP = Limit("login by ip", 10, 5 * MINUTE)
LOGIN_BY_IP_TO_ADDRESS = Limit("login by ip to address", 5, 5 * MINUTE)
LOGIN_TO_ADDRESS = Limit("login to address", 10, 5 * MINUTE)
LOGIN_BY_KNOWN_BROWSER = Limit("login by known browser", 10, 5 * MINUTE)
# A household registers in one evening; a script that asks which addresses are taken,
# or fills the disk, does not get far.
REGISTER_BY_IP = Limit("register by ip", 5, 60 * MINUTE)
# Somebody at a browser that was left signed in does not guess for long.
LEAVE = Limit("leave", 5, 5 * MINUTE)

COUNT = text("""
    INSERT INTO rate_limits AS held (key, window_ends_at, attempts)
    VALUES (:key, now() + make_interval(secs => :seconds), 1)
    ON CONFLICT (key) DO UPDATE SET
        attempts = CASE WHEN held.window_ends_at <= now() THEN 1
                        ELSE held.attempts + 1 END,
        window_ends_at = CASE WHEN held.window_ends_at <= now()
                              THEN excluded.window_ends_at
                              ELSE held.window_ends_at END
    RETURNING attempts, extract(epoch FROM window_ends_at - now())::float
""")
GIVE_BACK = text("""
    UPDATE rate_limits SET attempts = attempts - 1
    WHERE key = :key AND window_ends_at > now() AND attempts > 0
""")
# rows somebody is counting in right now are skipped: no waiting, no deadlock
SWEEP = text("""
    DELETE FROM rate_limits WHERE key IN (
        SELECT key FROM rate_limits WHERE window_ends_at <= now()
        LIMIT 1000 FOR UPDATE SKIP LOCKED)
""")


def login_attempts(
    address: str, ip: str | None, known_browser: str | None
) -> list[Attempt]:
    if known_browser:
        return [Attempt(LOGIN_BY_KNOWN_BROWSER, f"{address} {known_browser}")]
    network = network_of(ip)
    # The widest of the attacker's own first: one IP that tries endless addresses
    # makes no more rows once it is stopped.
    return [
        Attempt(LOGIN_BY_IP, network),
        Attempt(LOGIN_BY_IP_TO_ADDRESS, f"{network} {address}"),
        Attempt(LOGIN_TO_ADDRESS, address),
    ]


def register_attempts(ip: str | None) -> list[Attempt]:
    return [Attempt(REGISTER_BY_IP, network_of(ip))]


def leave_attempts(user_id: uuid.UUID) -> list[Attempt]:
    return [Attempt(LEAVE, str(user_id))]


def network_of(ip: str | None) -> str:
    """An IPv4 address; of an IPv6 address the /64, all of which one line is given."""
    try:
        found = ipaddress.ip_address(ip or "")
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


def count(attempts: Sequence[Attempt]) -> int:
    """0, or the seconds to wait if one is one too many; those after it do not count.

    Always in the same order of kinds, so that two requests never wait for each other.
    """
    if secrets.randbelow(100) == 0:
        sweep()
    for attempt in attempts:
        limit = attempt.limit
        values = {"key": key(attempt), "seconds": limit.seconds}
        made, seconds_left = db.session.execute(COUNT, values).one()
        if made > limit.attempts:
            wait: int = math.ceil(seconds_left)
            return max(1, wait)
    return 0


def give_back(attempts: Sequence[Attempt]) -> None:
    """Takes the attempts out of the count again: they were none."""
    for attempt in attempts:
        db.session.execute(GIVE_BACK, {"key": key(attempt)})


def sweep() -> None:
    """Deletes some of the rows whose window is over."""
    db.session.execute(SWEEP)


def key(attempt: Attempt) -> bytes:
    """Keyed, so that a copy of the table tells neither addresses nor IPs."""
    secret = current_app.config["SECRET_KEY"].encode()
    message = f"{attempt.limit.kind}\n{attempt.value}".encode()
    return hmac.digest(secret, message, hashlib.sha256)
