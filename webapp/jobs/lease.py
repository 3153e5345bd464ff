"""What the queues of items and of jobs have in common: lease, fence, back-off."""

import datetime as dt
import random
from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import CursorResult
from sqlalchemy.orm import Session

LEASE = dt.timedelta(seconds=60)
SHORTEST_BACKOFF = 30.0  # seconds
LONGEST_BACKOFF = 6 * 3600.0


class LeaseLost(Exception):
    """Another worker holds the work, or it was withdrawn: throw it away."""


class Interrupted(Exception):
    """Raised by a progress callback: the process must leave, the work is given back."""


def backoff(attempts: int) -> dt.timedelta:
    """min(2^n x 30 s, 6 h) with full jitter."""
    ceiling = min(SHORTEST_BACKOFF * 2 ** min(attempts, 12), LONGEST_BACKOFF)
    seconds = random.uniform(1, ceiling)  # noqa: S311 - spreads load, hides nothing
    return dt.timedelta(seconds=seconds)


def fenced(session: Session, statement: Any, values: Mapping[str, object]) -> None:
    """Raises LeaseLost where the statement reaches no row."""
    if count(session, statement, values) == 0:
        raise LeaseLost


def count(session: Session, statement: Any, values: Mapping[str, object]) -> int:
    """The number of rows that the statement wrote."""
    result = cast("CursorResult[Any]", session.execute(statement, values))
    return result.rowcount
