"""A person's banks and accounts: balances, state in words, the age of what is known."""

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.ledger.standing import standing
from webapp.models.bank_account import DEBT_TYPES
from webapp.models.plaid_item import HISTORY_COMPLETE, RESTING, ItemState

# A healthy bank is asked every 6 hours; twice that without an answer is behind.
CURRENT_FOR = dt.timedelta(hours=12)

# Plaid writes the kinds of accounts in small letters
ACRONYMS = set(
    "cd ebt gic hra hsa ira isa lif lira lrif lrsp prif rdsp resp rlif rrif rrsp sarsep"
    " sep sipp tfsa ugma utma".split()
)

# Plaid's kinds of loan that say nothing without the word
PLAIN_LOANS = {"auto", "business", "commercial", "construction", "consumer", "student"}


@dataclass(frozen=True)
class AccountLine:
    """`balance` from the owner's view: owed is negative. None: the bank did not say."""

    id: uuid.UUID
    name: str
    mask: str | None
    type: str
    subtype: str | None
    balance: Decimal | None
    available: Decimal | None
    currency: str
    is_hidden: bool
    is_revoked: bool = False  # no longer shared: its last balance is nobody's any more

    @property
    def is_debt(self) -> bool:
        return self.type in DEBT_TYPES

    @property
    def type_label(self) -> str:
        first, *more = (self.subtype or self.type).split()
        words = [first.capitalize(), *more]
        if self.type == "loan" and self.subtype in PLAIN_LOANS:
            words.append("loan")
        return " ".join(w.upper() if w.lower() in ACRONYMS else w for w in words)


@dataclass(frozen=True)
class BankTrouble:
    """The bank's own words, for the fold underneath."""

    error_code: str
    display_message: str | None
    request_id: str | None


@dataclass(frozen=True)
class Bank:
    id: uuid.UUID
    name: str
    logo: str | None  # a data: URL
    primary_color: str | None
    state: str
    sentence: str
    action: str  # 'repair' or 'sync', see Standing
    button: str
    ends_at: dt.datetime | None  # the permission, where it runs out soon
    is_current: bool
    is_syncing: bool
    progress_words: str
    synced_at: dt.datetime | None
    updated_at: dt.datetime | None  # when the bank last told Plaid
    failed_at: dt.datetime | None  # Plaid's last try at the bank, if it failed since
    has_history: bool  # all that the bank gives, not only the last weeks
    error: BankTrouble | None
    accounts: list[AccountLine]
    unreadable: int = 0  # transactions in quarantine
    has_new_accounts: bool = False  # which the person may add
    counts_twice: bool = False  # beside a kept history of the same accounts

    @property
    def unreadable_words(self) -> str | None:
        if not self.unreadable:
            return None
        one = self.unreadable == 1
        rows = "1 transaction" if one else f"{self.unreadable:,} transactions"
        return (
            f"{rows} of this bank could not be read and {'is' if one else 'are'} in no"
            f" figure; we try again when the bank sends {'it' if one else 'them'} anew."
        )


@dataclass(frozen=True)
class KeptBank:
    """Disconnected by its owner, who kept what was read."""

    id: uuid.UUID
    name: str
    logo: str | None  # a data: URL
    removed_at: dt.datetime | None
    synced_at: dt.datetime | None  # its last balances
    transactions: int


LIST = text("""
    SELECT i.id, i.institution_name, i.state, i.update_status, i.last_synced_at,
           i.bank_updated_at, i.bank_failed_at, i.consent_expires_at,
           i.last_error_code, i.last_error_message, i.last_request_id,
           n.logo, n.primary_color, r.rows_fetched,
           i.lease_until > now() AS is_leased,
           i.done_seq < i.req_seq AND coalesce(i.not_before <= now(), true) AS is_asked,
           a.id AS account_id, coalesce(a.user_name, a.name) AS account_name, a.mask,
           a.type, a.subtype, a.currency, a.current_balance, a.available_balance,
           a.hidden_at, a.revoked_at, i.new_accounts_at,
           EXISTS (  -- the kept history of an earlier link, nothing decided about it
               SELECT FROM plaid_items o
               JOIN bank_accounts oa ON oa.user_id = o.user_id
                                    AND oa.plaid_item_id = o.id
               WHERE o.user_id = i.user_id AND o.state = 'removed'
                 AND o.institution_id = i.institution_id
                 AND o.created_at < i.created_at
                 AND oa.name = a.name AND oa.mask IS NOT DISTINCT FROM a.mask
                 AND NOT EXISTS (SELECT FROM adoptions d
                                 WHERE d.user_id = i.user_id AND d.new_item_id = i.id
                                   AND d.old_item_id = o.id)) AS counts_twice,
           (SELECT count(*) FROM quarantined_transactions q
            WHERE q.user_id = i.user_id AND q.plaid_item_id = i.id
              AND q.resolved_at IS NULL
              AND q.code <> 'PART_DROPPED') AS unreadable
    FROM plaid_items i
    LEFT JOIN institutions n ON n.institution_id = i.institution_id
    LEFT JOIN LATERAL (
        SELECT rows_fetched FROM sync_runs s
        WHERE s.user_id = i.user_id AND s.plaid_item_id = i.id AND s.status = 'running'
        ORDER BY s.started_at DESC LIMIT 1) r ON i.lease_until > now()
    LEFT JOIN bank_accounts a ON a.user_id = i.user_id AND a.plaid_item_id = i.id
                             AND (a.closed_at IS NULL OR a.revoked_at IS NOT NULL)
    WHERE i.user_id = :user_id AND i.state NOT IN ('removing', 'removed')
    ORDER BY lower(i.institution_name), i.id, a.revoked_at IS NOT NULL,
             array_position('{depository,credit,investment,brokerage,loan}', a.type),
             a.name, a.id
""")


def list_banks(session: Session, user_id: uuid.UUID, now: dt.datetime) -> list[Bank]:
    """All linked banks with their open accounts, by name. One statement."""
    banks: dict[uuid.UUID, Bank] = {}
    for row in session.execute(LIST, {"user_id": user_id}):
        if row.id not in banks:
            banks[row.id] = _bank(row, now)
        if row.counts_twice:
            banks[row.id] = replace(banks[row.id], counts_twice=True)
        if row.account_id is not None:
            banks[row.id].accounts.append(_account(row))
    return list(banks.values())


def find_bank(
    session: Session, user_id: uuid.UUID, id: uuid.UUID, now: dt.datetime
) -> Bank | None:
    return next((b for b in list_banks(session, user_id, now) if b.id == id), None)


KEPT = text("""
    SELECT i.id, i.institution_name AS name, n.logo, i.removed_at,
           i.last_synced_at AS synced_at,
           (SELECT count(*) FROM transactions t
            JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
            WHERE a.user_id = i.user_id AND a.plaid_item_id = i.id
              AND t.removed_at IS NULL) AS transactions
    FROM plaid_items i
    LEFT JOIN institutions n ON n.institution_id = i.institution_id
    WHERE i.user_id = :user_id AND i.state = 'removed'
      AND EXISTS (SELECT FROM bank_accounts a  -- not all brought along elsewhere
                  WHERE a.user_id = i.user_id AND a.plaid_item_id = i.id)
    ORDER BY lower(i.institution_name), i.id
""")


def list_kept(session: Session, user_id: uuid.UUID) -> list[KeptBank]:
    """Banks that are no longer linked and whose history stayed, by name."""
    rows = session.execute(KEPT, {"user_id": user_id}).mappings()
    return [KeptBank(**{**row, "logo": _logo(row["logo"])}) for row in rows]


def _logo(image: str | None) -> str | None:
    return f"data:image/png;base64,{image}" if image else None


def _bank(row: Row, now: dt.datetime) -> Bank:  # type: ignore[type-arg]
    state = ItemState(row.state)
    syncing = state not in RESTING and bool(row.is_leased or row.is_asked)
    found = standing(state, row.update_status, row.last_error_code)
    updated_at = row.bank_updated_at or row.last_synced_at
    failed = row.bank_failed_at and (not updated_at or row.bank_failed_at > updated_at)
    return Bank(
        id=row.id,
        name=row.institution_name,
        logo=_logo(row.logo),
        primary_color=row.primary_color,
        state=state,
        sentence=found.sentence,
        action=found.action,
        button=found.button,
        ends_at=row.consent_expires_at if state == ItemState.EXPIRING else None,
        is_current=state in (ItemState.HEALTHY, ItemState.EXPIRING)
        and row.last_synced_at is not None
        and now - row.last_synced_at < CURRENT_FOR,
        is_syncing=syncing,
        progress_words=_progress(row.rows_fetched),
        synced_at=row.last_synced_at,
        updated_at=updated_at,
        failed_at=row.bank_failed_at if failed else None,
        has_history=row.update_status == HISTORY_COMPLETE,
        error=_trouble(row) if row.last_error_code else None,
        accounts=[],
        unreadable=row.unreadable,
        has_new_accounts=row.new_accounts_at is not None,
    )


def _progress(rows: int | None) -> str:
    return f"{rows:,} transactions read so far" if rows else "Reading your transactions"


def _trouble(row: Row) -> BankTrouble:  # type: ignore[type-arg]
    return BankTrouble(row.last_error_code, row.last_error_message, row.last_request_id)


def _account(row: Row) -> AccountLine:  # type: ignore[type-arg]
    line = AccountLine(
        id=row.account_id,
        name=row.account_name,
        mask=row.mask,
        type=row.type,
        subtype=row.subtype,
        balance=row.current_balance,
        available=row.available_balance,
        currency=row.currency,
        is_hidden=row.hidden_at is not None,
        is_revoked=row.revoked_at is not None,
    )
    if line.is_revoked:
        return replace(line, balance=None, available=None)
    if not line.is_debt:
        return (
            line if line.balance is not None else replace(line, balance=line.available)
        )
    return line if line.balance is None else replace(line, balance=-line.balance)
