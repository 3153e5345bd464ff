"""Circuit breakers in the database: while Plaid or one bank fails, only a probe asks.

A row counts failures in a row; the first success deletes it. Enough of them open the
breaker: `schedule` then claims none of its items but one every half a minute, whoever
asks. All workers share the rows. Callers commit.
"""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from webapp.models import Breaker
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync.claim import Claim

log = logging.getLogger(__name__)
PLAID = "plaid"  # the breaker of all; the others bear an institution_id
OPENS_AFTER = 20  # failures in a row
PROBE_PAUSE = dt.timedelta(seconds=30)
# Items that failed while it was open come back within this time, not all at once.
SPREAD = dt.timedelta(seconds=60)

COUNT = text("""
    INSERT INTO breakers AS b
        (name, failures, opened_at, probe_at, error_code, request_id)
    VALUES (:name, 1, CASE WHEN :opens_after = 1 THEN now() END,
            CASE WHEN :opens_after = 1 THEN now() + :pause END, :code, :request_id)
    ON CONFLICT (name) DO UPDATE
    SET failures = b.failures + 1, error_code = excluded.error_code,
        request_id = excluded.request_id,
        opened_at = coalesce(b.opened_at,
            CASE WHEN b.failures + 1 >= :opens_after THEN now() END),
        probe_at = coalesce(b.probe_at,
            CASE WHEN b.failures + 1 >= :opens_after THEN now() + :pause END)
    RETURNING failures, opened_at IS NOT NULL AS is_open,
              coalesce(opened_at = now(), false) AS opened_now
""")
SHOW_DOWN = text("""
    UPDATE plaid_items SET state = 'institution_down'
    WHERE institution_id = :name
      AND state IN ('first_sync', 'healthy', 'expiring', 'error')
""")
CLEAR = text("""
    DELETE FROM breakers WHERE name IN (
        SELECT name FROM breakers WHERE name = ANY(:names)
        ORDER BY name <> :plaid FOR UPDATE) -- as failures lock them
    RETURNING name, opened_at, failing_since, now() - opened_at AS lasted
""")
# What rests waits for a person, what is in quarantine has other reasons to fail.
WAKE = text("""
    UPDATE plaid_items
    SET not_before = NULL, next_at = least(next_at, now() + random() * :spread)
    WHERE (:name = :plaid OR institution_id = :name)
      AND (failing_since >= :since OR state = 'institution_down')
      AND state NOT IN ('login_required', 'revoked', 'quarantined', 'removing',
                        'removed')
""")
PROBES_DUE = text("""
    SELECT name FROM breakers b
    WHERE probe_at <= now() AND (name = :plaid OR NOT EXISTS (
        SELECT FROM breakers WHERE name = :plaid AND opened_at IS NOT NULL))
    ORDER BY probe_at FOR UPDATE SKIP LOCKED
""")
PROBED = text("UPDATE breakers SET probe_at = now() + :pause WHERE name = :name")


def failed(session: Session, held: Claim, error: PlaidError) -> bool:
    """Count the failure. True where the breaker is open: the item is not to blame."""
    name = blamed(held, error)
    if name != PLAID and not error.code.startswith("OUR_") and held.is_watched:
        clear(session, [PLAID])  # it answered
    if name is None:
        return False
    values = {
        "name": name,
        "opens_after": 1 if error.kind is Kind.OPERATOR else OPENS_AFTER,
        "pause": PROBE_PAUSE,
        "code": error.code,
        "request_id": error.request_id,
    }
    counted = session.execute(COUNT, values).one()
    if counted.opened_now:
        log.error(
            "Breaker of %s opened after %d failures in a row: %s, request %s",
            name, counted.failures, error.code, error.request_id,
        )  # fmt: skip
        if name != PLAID:
            session.execute(SHOW_DOWN, {"name": name})
    return bool(counted.is_open)


def blamed(held: Claim, error: PlaidError) -> str | None:
    """The breaker that counts this failure; None where it is the item's own affair."""
    if error.code.startswith("OUR_"):
        return None
    if error.code.startswith("INSTITUTION_") and error.kind in (
        Kind.INSTITUTION,
        Kind.WAIT,
    ):
        return held.institution_id
    of_all = (Kind.RETRY, Kind.WAIT, Kind.OURS, Kind.OPERATOR)
    return PLAID if error.kind in of_all else None


def succeeded(session: Session, held: Claim) -> None:
    """Plaid and the bank work. No statement where nothing had failed at the claim."""
    if held.is_watched:
        clear(session, [PLAID, held.institution_id])


def clear(session: Session, names: Sequence[str | None]) -> int:
    """Close these breakers, also before they open; how many there were."""
    wanted = {"names": [name for name in names if name], "plaid": PLAID}
    rows = session.execute(CLEAR, wanted).all()
    for row in rows:
        if row.opened_at is not None:
            log.warning("Breaker of %s closed after %s", row.name, row.lasted)
            wake = {"name": row.name, "since": row.failing_since}
            session.execute(WAKE, {**wake, "plaid": PLAID, "spread": SPREAD})
    return len(rows)


def probes_due(session: Session) -> list[str]:
    """Open breakers that one run may try now, locked until the transaction ends."""
    return list(session.scalars(PROBES_DUE, {"plaid": PLAID}))


def probed(session: Session, name: str) -> None:
    session.execute(PROBED, {"name": name, "pause": PROBE_PAUSE})


def list_breakers(session: Session) -> list[Any]:
    return list(session.scalars(select(Breaker).order_by(Breaker.failing_since)))
