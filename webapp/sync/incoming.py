"""The rows of a run as SQL sees them: `incoming`, a temporary table or a few values.

A temporary table costs milliseconds before its first row and leaves dead rows in the
catalogue; values cost more with each row. Whole write and commit of so many new rows,
median of 40, ms on two busy cores (temporary table, values): 1 row 5.4 and 2.1, 10 rows
3.0 to 6.2 and 3.1, 40 rows 3.6 to 6.5 and 5.3, 100 rows 7.3 and 10.2.
"""

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.sync.copy_text import values_of
from webapp.sync.fetch import Fetched
from webapp.sync.raw import cursor_of
from webapp.sync.rows import COLUMNS
from webapp.sync.schedule import Claim

FEW = 10  # rows: from there on the temporary table wins on a quiet machine

CREATE = "CREATE TEMP TABLE incoming ({}) ON COMMIT DROP".format(
    ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
)
COPY = f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN"
_ARRAYS = ", ".join(f"CAST(:in_{name} AS {kind}[])" for name, kind in COLUMNS.items())
AS_VALUES = f"incoming ({', '.join(COLUMNS)}) AS (SELECT * FROM unnest({_ARRAYS})), "  # noqa: S608 - our own names
ARE_KNOWN = text("""
    SELECT count(*) = cardinality(CAST(:ids AS text[])) FROM bank_accounts
    WHERE user_id = :user_id AND plaid_item_id = :item
      AND plaid_account_id = ANY (:ids)
""")


@dataclass(frozen=True)
class Incoming:
    """`clause` goes behind WITH, before anything else that stands there."""

    clause: str = ""
    values: dict[str, object] = field(default_factory=dict, repr=False)


def few(session: Session, held: Claim, fetched: Fetched) -> Incoming | None:
    """The rows as values; None where they are many or of an unknown account."""
    if fetched.lines > FEW:
        return None
    rows = [values_of(line.decode()) for line in fetched.spool]
    fetched.spool.seek(0)
    columns = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    ids = list(set(columns["plaid_account_id"]))
    whose = {"user_id": held.user_id, "item": held.id, "ids": ids}
    if not session.execute(ARE_KNOWN, whose).scalar_one():
        return None
    values: dict[str, object] = {f"in_{n}": list(c) for n, c in columns.items()}
    return Incoming(AS_VALUES, values)


def copied(session: Session, fetched: Fetched) -> Incoming:
    """The rows as a table that lives as long as the transaction."""
    with cursor_of(session) as cursor:
        cursor.execute(CREATE)
        # no ANALYZE: it costs 80 ms for 10,000 rows, a third of the write, and the
        # merge has no plan to choose that would be better for it
        cursor.copy_expert(COPY, fetched.spool, size=1 << 18)
    return Incoming()
