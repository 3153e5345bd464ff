"""What a person writes on transactions: category, name, note, left out, reviewed.

Only the user's columns are written: no sync ever fights with an edit. Callers commit.
"""

import datetime as dt
import unicodedata
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

LONGEST_NAME = 200  # characters
LONGEST_NOTE = 2000


class EditError(ValueError):
    """What cannot be written: `field` is its name, the text a sentence for people."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Own:
    """What is a person's on a row. None: he wrote nothing, the bank's value counts."""

    user_category: str | None
    user_name: str | None
    note: str | None
    excluded: bool
    reviewed_at: dt.datetime | None


FIELDS = ("user_category", "user_name", "note", "excluded", "reviewed")

# Rows are locked in the order in which a sync writes them: neither waits for the other
# in a circle
EDIT = text("""
    WITH former AS (
        SELECT id, user_category, user_name, note, excluded, reviewed_at
        FROM transactions WHERE user_id = :user_id AND id = ANY (:ids)
        ORDER BY plaid_transaction_id FOR UPDATE),
    wanted AS (
        SELECT id,
               CASE WHEN 'user_category' = ANY (:given)
                    THEN CAST(:user_category AS text)
                    ELSE user_category END AS category,
               CASE WHEN 'user_name' = ANY (:given)
                    THEN CAST(:user_name AS text) ELSE user_name END AS name,
               CASE WHEN 'note' = ANY (:given)
                    THEN CAST(:note AS text) ELSE note END AS note,
               CASE WHEN 'excluded' = ANY (:given)
                    THEN CAST(:excluded AS boolean) ELSE excluded END AS excluded,
               CASE WHEN NOT 'reviewed' = ANY (:given) THEN reviewed_at
                    WHEN CAST(:reviewed AS boolean) THEN coalesce(reviewed_at, now())
                    END AS reviewed_at
        FROM former),
    written AS (
        UPDATE transactions t
        SET user_category = w.category, user_name = w.name, note = w.note,
            excluded = w.excluded, reviewed_at = w.reviewed_at
        FROM wanted w
        WHERE t.user_id = :user_id AND t.id = w.id
          AND (t.user_category, t.user_name, t.note, t.excluded, t.reviewed_at)
              IS DISTINCT FROM (w.category, w.name, w.note, w.excluded, w.reviewed_at)
        RETURNING t.id)
    SELECT former.* FROM former JOIN written USING (id)
""")


def edit(
    session: Session,
    user_id: uuid.UUID,
    ids: Iterable[uuid.UUID],
    wanted: Mapping[str, object],
) -> dict[uuid.UUID, Own]:
    """Write `wanted`, some of FIELDS, on the person's rows of these ids.

    An empty text, or None, gives a field back to the bank; `excluded` and `reviewed`
    are booleans. Other people's ids are passed over. Returns what stood on each row
    that changed, for an undo to put back. Raises EditError; then nothing is written.
    """
    given = {field: _clean(session, field, value) for field, value in wanted.items()}
    values = dict.fromkeys(FIELDS) | given
    rows = session.execute(
        EDIT, {"user_id": user_id, "ids": list(ids), "given": list(given), **values}
    )
    return {row.pop("id"): Own(**row) for row in map(dict, rows.mappings())}


def _clean(session: Session, field: str, value: object) -> object:
    if field in ("excluded", "reviewed"):
        if not isinstance(value, bool):
            raise EditError(field, "Say yes or no.")
        return value
    if field not in FIELDS:
        raise EditError(field, "Only the bank writes this.")
    if not isinstance(value, str | None):
        raise EditError(field, "Write a text.")
    written = _tidy(value or "", lines=field == "note")
    if not written:
        return None
    if field == "user_category":
        _check_category(session, written)
    longest = LONGEST_NOTE if field == "note" else LONGEST_NAME
    if len(written) > longest:
        raise EditError(field, f"Use at most {longest:,} characters.")
    return written


def _tidy(value: str, *, lines: bool) -> str:
    """Without blanks around it and without control characters: PostgreSQL takes no NUL.

    With `lines`, line feeds stay.
    """
    kept = "\n" if lines else ""
    return "".join(
        sign if sign in kept or unicodedata.category(sign) != "Cc" else " "
        for sign in value.replace("\r\n", "\n")
    ).strip()


IS_CATEGORY = text("SELECT EXISTS (SELECT FROM categories WHERE code = :code)")


def _check_category(session: Session, code: str) -> None:
    if not session.execute(IS_CATEGORY, {"code": code}).scalar_one():
        raise EditError("user_category", "There is no such category.")
