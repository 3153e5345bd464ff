"""The bank's columns, which change places, and the user's, which stay. As SQL."""

from webapp.sync.accounts import ACCOUNT_COLUMNS
from webapp.sync.columns import USERS
from webapp.sync.rows import COLUMNS

# of a transaction, but for Plaid's id: that one is unique and needs its own step
FACTS = [
    *(
        name
        for name in COLUMNS
        if name not in ("seq", "id", "plaid_account_id", "plaid_transaction_id")
    ),
    "sync_run_id",
]
ACCOUNT_FACTS = [*ACCOUNT_COLUMNS, "last_synced_at"]
# in the place of Plaid's id while a row is parked; no id of Plaid's has a colon
PARKED = "'adopted:' || "
# what is empty in a column of the user's that has no NULL
EMPTY = {"excluded": "false"}


def listed(names: list[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


def took() -> str:
    """JSON of what the old row (o) has not, and the new one (n) has."""
    members = ", ".join(
        f"'{name}', CASE WHEN o.{name} IS NOT DISTINCT FROM {_empty(name)}"
        f" AND n.{name} IS DISTINCT FROM {_empty(name)} THEN n.{name} END"
        for name in USERS
    )
    return f"nullif(jsonb_strip_nulls(jsonb_build_object({members})), '{{}}')"


def taken() -> str:
    """The user's columns of o, the empty ones filled from the record `took`."""
    return ", ".join(
        f"CASE WHEN o.{name} IS NOT DISTINCT FROM {_empty(name)}"
        f" THEN coalesce(took.{name}, {_empty(name)}) ELSE o.{name} END"
        for name in USERS
    )


def given_back() -> str:
    """The user's columns of o; empty again where nobody changed what was taken."""
    return ", ".join(
        f"CASE WHEN j.took ? '{name}' AND o.{name} IS NOT DISTINCT FROM took.{name}"
        f" THEN {_empty(name)} ELSE o.{name} END"
        for name in USERS
    )


def _empty(name: str) -> str:
    return EMPTY.get(name, "NULL")
