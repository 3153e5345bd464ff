"""The whole history once more, and the proof that it gives the same rows.

A claim with its cursor forgotten in memory reads the bank from the beginning. The row
keeps the old cursor until the new one is written with the rows, so a crash, a refusal
or a failed proof loses nothing: all of it is one transaction.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.crypto import Vault
from webapp.jobs.lease import Interrupted
from webapp.models.plaid_item import HISTORY_COMPLETE
from webapp.sync import apply
from webapp.sync.claim import Claim
from webapp.sync.columns import CHANGING, USERS
from webapp.sync.fetch import Fetched
from webapp.sync.raw import cursor_of
from webapp.sync.rows import COLUMNS

# Where more rows than this are gone at once, something else is wrong: new ids, say.
MOST_GONE, MOST_GONE_SHARE = 10, 0.1


class NotProven(Interrupted):
    """Nothing of the replay stays."""


@dataclass(frozen=True)
class Proof:
    """How the rows of an item are after a replay, compared with those before it.

    Harmless are `changed` and `added` (the bank's news), `returned` from the dead,
    `buried` (the bank lists them no longer) and `left` (neither listed nor buried).
    The rest must be 0: `lost` and `doubled` rows, `rewritten` data of the user's,
    `unfounded` changes of rows that the bank did not list.
    """

    same: int
    changed: int
    added: int
    returned: int
    buried: int
    left: int
    lost: int
    doubled: int
    rewritten: int
    unfounded: int

    @property
    def holds(self) -> bool:
        return not (self.lost or self.doubled or self.rewritten or self.unfounded)

    def __str__(self) -> str:
        always = [
            (self.same, "rows the same"),
            (self.doubled, "doubled"),
            (self.lost, "lost"),
            (self.changed, "changed by the bank since"),
        ]
        sometimes = [
            (self.added, "new"),
            (self.returned, "back again"),
            (self.buried, "buried, for the bank lists them no longer"),
            (self.left, "left, though the bank lists them no longer"),
            (self.rewritten, "with other data of the user's"),
            (self.unfounded, "changed without the bank's word"),
        ]
        said = always + [part for part in sometimes if part[0]]
        return ", ".join(f"{number:,} {words}" for number, words in said)


OF_ITEM = """
    FROM transactions t
    JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
    WHERE a.user_id = :user_id AND a.plaid_item_id = :item
"""
BEFORE = text(f"CREATE TEMP TABLE before ON COMMIT DROP AS SELECT t.* {OF_ITEM}")
LISTED = "CREATE TEMP TABLE listed ({}) ON COMMIT DROP".format(
    ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
)
COPY = f"COPY listed ({', '.join(COLUMNS)}) FROM STDIN"
# What the bank names, be it a row that cannot be stored
NAMED = """
    SELECT plaid_transaction_id FROM listed
    UNION
    SELECT plaid_transaction_id FROM quarantined_transactions
    WHERE user_id = :user_id AND plaid_item_id = :item AND sync_run_id = :run
"""
# Only what a run of this very item wrote, in accounts that the bank still lists, not
# older than the oldest row that it still gives: of all else its silence says nothing
UNLISTED = text(f"""
    WITH named AS ({NAMED})
    SELECT t.plaid_transaction_id {OF_ITEM}
      AND t.removed_at IS NULL AND a.closed_at IS NULL
      AND t.date >= (SELECT min(date) FROM listed)
      AND EXISTS (SELECT FROM sync_runs r WHERE r.user_id = t.user_id
                  AND r.id = t.sync_run_id AND r.plaid_item_id = :item)
      AND NOT EXISTS (SELECT FROM named n
                      WHERE n.plaid_transaction_id = t.plaid_transaction_id)
""")  # noqa: S608
# Of what it holds the bank has just told all: what is still odd is held anew. Rows
# without an id stay: one that came again is not held twice, so nobody knows which did.
SETTLE = text("""
    UPDATE quarantined_transactions SET resolved_at = now()
    WHERE user_id = :user_id AND plaid_item_id = :item AND resolved_at IS NULL
      AND sync_run_id <> :run AND plaid_transaction_id IS NOT NULL
""")
HAS_NAMELESS = text("""
    SELECT EXISTS (SELECT FROM quarantined_transactions
                   WHERE user_id = :user_id AND plaid_item_id = :item
                     AND resolved_at IS NULL AND plaid_transaction_id IS NULL)
""")


def _columns(side: str, names: list[str]) -> str:
    return "({})".format(", ".join(f"{side}.{name}" for name in names))


def _differ(names: list[str]) -> str:
    return f"{_columns('b', names)} IS DISTINCT FROM {_columns('t', names)}"


COMPARE = text(f"""
    WITH named AS ({NAMED}),
    now AS (SELECT t.* {OF_ITEM}),
    t AS (SELECT now.*, n.plaid_transaction_id IS NOT NULL AS is_named
          FROM now LEFT JOIN named n USING (plaid_transaction_id)),
    compared AS (
        SELECT b.id IS NULL AS is_new,
               b.id IS NOT NULL AND b.plaid_transaction_id
                   IS DISTINCT FROM t.plaid_transaction_id AS is_lost,
               b.removed_at IS NULL AS was_live, t.removed_at IS NULL AS is_live,
               t.is_named, {_differ(CHANGING)} AS differs,
               {_differ(USERS)} AS is_rewritten
        FROM before b FULL JOIN t ON t.id = b.id),
    kept AS (SELECT * FROM compared WHERE NOT (is_new OR is_lost))
    SELECT count(*) FILTER (WHERE was_live = is_live
                            AND NOT (differs OR is_rewritten)) AS same,
           count(*) FILTER (WHERE was_live AND is_live AND differs) AS changed,
           count(*) FILTER (WHERE is_live AND NOT was_live) AS returned,
           count(*) FILTER (WHERE was_live AND NOT is_live) AS buried,
           count(*) FILTER (WHERE is_live AND NOT is_named) AS "left",
           count(*) FILTER (WHERE is_rewritten) AS rewritten,
           count(*) FILTER (WHERE NOT is_named
                            AND (differs OR is_live AND NOT was_live)) AS unfounded,
           (SELECT count(*) FROM compared WHERE is_new) AS added,
           (SELECT count(*) FROM compared WHERE is_lost) AS lost,
           -- live beside its pending row, which the bank names no longer
           (SELECT count(*) FROM t
            JOIN t AS p ON p.plaid_transaction_id = t.pending_transaction_id
            WHERE t.removed_at IS NULL AND p.removed_at IS NULL AND NOT p.is_named)
               AS doubled
    FROM kept
""")  # noqa: S608


class Replay:
    """Writes a full history and keeps the proof; `proof` is None until it has written.

    `gone` is how many rows the bank lists no longer where they were too many to bury.
    """

    def __init__(self, *, buries_many: bool = False) -> None:
        self.buries_many = buries_many
        self.proof: Proof | None = None
        self.gone = 0

    def write(
        self,
        session: Session,
        vault: Vault,
        held: Claim,
        run_id: uuid.UUID,
        fetched: Fetched,
    ) -> tuple[int, int, int]:
        """As apply.write_transactions. Raises NotProven."""
        values: dict[str, object] = {
            "user_id": held.user_id,
            "item": held.id,
            "run": run_id,
        }
        session.execute(BEFORE, values)
        with cursor_of(session) as cursor:
            cursor.execute(LISTED)
            cursor.copy_expert(COPY, fetched.spool, size=1 << 18)
        fetched.spool.seek(0)
        new, changed, removed = apply.write_transactions(
            session, vault, held, run_id, fetched
        )
        if fetched.status == HISTORY_COMPLETE:
            removed += self._bury(session, values)
            session.execute(SETTLE, values)
        self.proof = Proof(**session.execute(COMPARE, values).mappings().one())
        if not self.proof.holds:
            raise NotProven
        return new, changed, removed

    def _bury(self, session: Session, values: dict[str, object]) -> int:
        if session.execute(HAS_NAMELESS, values).scalar_one():
            return 0  # a row that is missing may be the one that came without its id
        gone = list(session.scalars(UNLISTED, values))
        live = text("SELECT count(*) FROM before WHERE removed_at IS NULL")
        most = max(MOST_GONE, session.execute(live).scalar_one() * MOST_GONE_SHARE)
        if len(gone) > most and not self.buries_many:
            self.gone = len(gone)
            raise NotProven
        return apply.bury(session, values, dict.fromkeys(gone, 0), None)
