"""The rows of a run as SQL sees them: `incoming`, a temporary table or a few values.

A temporary table costs milliseconds before its first row and leaves dead rows in the
catalogue; values cost more with each row. Whole write and commit of so many new rows,
median of 40, ms on two busy cores (temporary table, values): 1 row 5.2 and 3.1, 10 rows
4.3 and 3.4, 20 rows 4.5 and 4.3, 40 rows 5.2 and 5.4, 100 rows 6.4 and 9.1.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from webapp.sync.copy_text import values_of
from webapp.sync.fetch import Fetched
from webapp.sync.raw import cursor_of
from webapp.sync.rows import COLUMNS
from webapp.sync.schedule import Claim

FEW = 20  # rows: some more, and the temporary table wins

CREATE = "CREATE TEMP TABLE incoming ({}) ON COMMIT DROP".format(
    ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
)
COPY = f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN"


def _as_values(names: Iterable[str]) -> str:
    arrays = ", ".join(f"CAST(:in_{name} AS {COLUMNS[name]}[])" for name in names)
    return f"incoming ({', '.join(names)}) AS (SELECT * FROM unnest({arrays})), "  # noqa: S608 - our own names


AS_VALUES, AS_IDS = _as_values(COLUMNS), _as_values(["seq", "plaid_transaction_id"])
ARE_KNOWN = text("""
    SELECT count(*) = cardinality(CAST(:ids AS text[])) FROM bank_accounts
    WHERE user_id = :user_id AND plaid_item_id = :item
      AND plaid_account_id = ANY (:ids)
""")


@dataclass(frozen=True)
class Incoming:
    """`clause` goes behind WITH, before anything else that stands there.

    `ids` is the same where only seq and plaid_transaction_id are read. `may_post` is
    False where no row says which pending one it was.
    """

    clause: str = ""
    ids: str = ""
    may_post: bool = True
    values: dict[str, object] = field(default_factory=dict, repr=False)


@cache
def statement(sql: str) -> TextClause:
    """The text, searched for its parameters once and not with every run."""
    return text(sql)


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
    may_post = any(columns["pending_transaction_id"])
    return Incoming(AS_VALUES, AS_IDS, may_post, values)


def copied(session: Session, fetched: Fetched) -> Incoming:
    """The rows as a table that lives as long as the transaction."""
    with cursor_of(session) as cursor:
        cursor.execute(CREATE)
        # no ANALYZE: it costs 80 ms for 10,000 rows, a third of the write, and the
        # merge has no plan to choose that would be better for it
        cursor.copy_expert(COPY, fetched.spool, size=1 << 18)
    return Incoming()
