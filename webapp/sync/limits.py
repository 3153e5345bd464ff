"""Plaid's limits on calls a minute, kept by token buckets in the database.

All processes of all machines take from the same buckets: one of the item and one of all
items together for each endpoint that Plaid limits. Each call is a short transaction of
its own, before the call is made; both buckets give, or neither.
"""

import hashlib
import random
import secrets
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import Engine, text

from webapp.plaid.errors import PlaidError


class Limit(NamedTuple):
    """Calls a minute; None where Plaid names no limit."""

    per_item: int | None
    per_client: int | None


# By plaid-python's names. Plaid's documentation of its rate limits; the sandbox's own.
LIMITS: dict[str, dict[str, Limit]] = {
    "production": {
        "transactions_sync": Limit(50, 2500),
        "transactions_refresh": Limit(2, 100),
        "transactions_recurring_get": Limit(20, 1000),
        "accounts_get": Limit(15, 15_000),
        "accounts_balance_get": Limit(5, 1200),
        "item_get": Limit(15, 5000),
        "item_remove": Limit(30, 2000),
        "institutions_get": Limit(None, 25),
        "institutions_get_by_id": Limit(None, 400),
        "institutions_search": Limit(None, 400),
    },
    "sandbox": {
        "transactions_sync": Limit(50, 1000),
        "transactions_refresh": Limit(2, 100),
        "transactions_recurring_get": Limit(20, 1000),
        "accounts_get": Limit(100, 5000),
        "accounts_balance_get": Limit(25, 100),
        "item_get": Limit(40, 5000),
        "item_remove": Limit(100, 500),
        "institutions_get": Limit(None, 10),
        "institutions_get_by_id": Limit(None, 400),
        "institutions_search": Limit(None, 400),
    },
}
USED = 0.8  # of what Plaid allows: others may use the same keys, and clocks differ
STEADY = 2 / 3  # of that as a steady flow, the rest at once
MINUTE = 60.0
# A call may reach Plaid so much later than another one that took its token with it.
ASTRAY = 3.0  # seconds
JITTER = 0.2  # seconds, so that those who wait do not come back together


class Bucket(NamedTuple):
    """`each` seconds bring one token; `most` of them are kept."""

    each: float
    most: float


def bucket(limit: int) -> Bucket:
    """In any sliding minute at most 80 % of the limit, also out of a full bucket."""
    allowed = limit * USED
    longest = (MINUTE + ASTRAY) / MINUTE
    flow = min(allowed * STEADY, (allowed - 1) / longest)  # a minute; one at once
    return Bucket(MINUTE / flow, allowed - flow * longest)


# A bucket is the instant at which it will be full again. The item's comes first: the
# one that all want is locked for the shortest time.
TAKE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:holders AS bytea[]), CAST(:each AS interval[]),
                             CAST(:depth AS interval[])) AS w (holder, each, depth)),
    taken AS (
        INSERT INTO plaid_buckets AS b (endpoint, holder, full_at)
        SELECT :endpoint, holder, now() + each FROM wanted ORDER BY holder DESC
        ON CONFLICT (endpoint, holder) DO UPDATE
        SET full_at = greatest(b.full_at, now()) + (excluded.full_at - now())
        WHERE greatest(b.full_at, now()) + (excluded.full_at - now())
              <= now() + (SELECT depth FROM wanted WHERE holder = b.holder)
        RETURNING 1)
    SELECT (SELECT count(*) FROM taken) = (SELECT count(*) FROM wanted) AS given,
           (SELECT extract(epoch FROM max(greatest(b.full_at, now()) + each - depth)
                                      - now())::float
            FROM plaid_buckets b JOIN wanted USING (holder)
            WHERE endpoint = :endpoint) AS wait,
           -- tokens that a server forgets as it crashes are far fewer than the margin
           set_config('synchronous_commit', 'off', true)
""")
SWEEP = text("""
    DELETE FROM plaid_buckets WHERE (endpoint, holder) IN (
        SELECT endpoint, holder FROM plaid_buckets WHERE full_at <= now()
        LIMIT 1000 FOR UPDATE SKIP LOCKED)
""")


class Limits:
    """The buckets of one set of limits, for all threads of a process."""

    def __init__(
        self, engine: Callable[[], Engine], limits: Mapping[str, Limit]
    ) -> None:
        self._engine, self._limits = engine, limits

    def admit(self, endpoint: str, access_token: str | None, patience: float) -> None:
        """Take a token for a call, waiting for it at most `patience` seconds.

        Raises PlaidError OUR_LIMIT: the call was not made.
        """
        limit = self._limits.get(endpoint)
        if limit is None:
            return
        ends = time.monotonic() + patience
        while (wait := self.take(endpoint, limit, access_token)) > 0:
            wait += random.uniform(0, JITTER)  # noqa: S311 - spreads load
            if time.monotonic() + wait > ends:
                raise PlaidError(
                    "OUR_LIMIT",
                    f"no call of {endpoint} is left for {wait:.1f} s",
                    display_message="Too much is asked of the bank service right now. "
                    "Please try again in a minute.",
                )
            time.sleep(wait)

    def take(self, endpoint: str, limit: Limit, access_token: str | None) -> float:
        """0 where the call may be made, or the seconds until it is worth asking."""
        wanted = []
        if limit.per_item and access_token:
            holder = hashlib.sha256(access_token.encode()).digest()
            wanted.append((holder, bucket(limit.per_item)))
        if limit.per_client:
            wanted.append((b"", bucket(limit.per_client)))
        values = {
            "endpoint": endpoint,
            "holders": [holder for holder, _ in wanted],
            "each": [f"{one.each:.6f} s" for _, one in wanted],
            "depth": [f"{one.each * one.most:.6f} s" for _, one in wanted],
        }
        with self._engine().connect() as connection, connection.begin() as transaction:
            given, wait, _ = connection.execute(TAKE, values).one()
            if not given:
                transaction.rollback()
            elif secrets.randbelow(1000) == 0:
                connection.execute(SWEEP)
        # another one may have been faster than what this statement saw
        return 0.0 if given else max(wait, 0.01)
