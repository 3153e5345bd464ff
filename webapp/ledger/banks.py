"""A person's banks and accounts: balances, state in words, freshness, net worth."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from webapp.models.bank_account import DEBT_TYPES
from webapp.models.plaid_item import HISTORY_COMPLETE, RESTING, ItemState

# A healthy bank is asked every 6 hours; twice that without an answer is behind.
CURRENT_FOR = dt.timedelta(hours=12)

SENTENCES = {
    ItemState.FIRST_SYNC: "Reading your history for the first time.",
    ItemState.HEALTHY: "Up to date.",
    ItemState.LOGIN_REQUIRED: "Your bank wants you to log in again. "
    "Until then nothing new comes in.",
    ItemState.EXPIRING: "Your bank's permission runs out soon. Renew it to go on.",
    ItemState.REVOKED: "The permission was ended at the bank. Log in again to go on.",
    ItemState.INSTITUTION_DOWN: "The bank is not answering. "
    "We keep asking; you need not do anything.",
    ItemState.ERROR: "Reading this bank does not work right now. We keep trying.",
    ItemState.QUARANTINED: "Reading this bank has failed many times. "
    "We try once a day.",
}
REPAIRABLE = (ItemState.LOGIN_REQUIRED, ItemState.EXPIRING, ItemState.REVOKED)
# Plaid writes the kinds of accounts in small letters
ACRONYMS = set(
    "cd ebt gic hra hsa ira isa lif lira lrif lrsp prif rdsp resp rlif rrif rrsp sarsep"
    " sep sipp tfsa ugma utma".split()
)
STILL_COMING = "The last weeks are here, older history is still coming."
STUMBLED = "The last try to read this bank did not work. We try again by ourselves."


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

    @property
    def is_debt(self) -> bool:
        return self.type in DEBT_TYPES

    @property
    def type_label(self) -> str:
        first, *more = (self.subtype or self.type).split()
        words = [first.capitalize(), *more]
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
    is_current: bool
    is_syncing: bool
    progress_words: str
    synced_at: dt.datetime | None
    updated_at: dt.datetime | None
    error: BankTrouble | None
    accounts: list[AccountLine]
    unreadable: int = 0  # transactions in quarantine

    @property
    def action(self) -> str | None:
        if self.state in REPAIRABLE:
            return "repair"
        return "wait" if self.state == ItemState.INSTITUTION_DOWN else None

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
class Freshness:
    """The day to which the figures are complete; None while a bank was never read."""

    complete_to: dt.date | None
    current: int
    total: int
    oldest_name: str | None


@dataclass(frozen=True)
class NetWorth:
    """Debts are a negative number; net is what is left."""

    currency: str
    assets: Decimal
    debts: Decimal

    @property
    def net(self) -> Decimal:
        return self.assets + self.debts


LIST = text("""
    SELECT i.id, i.institution_name, i.state, i.update_status, i.last_synced_at,
           i.bank_updated_at, i.last_error_code, i.last_error_message,
           i.last_request_id, n.logo, n.primary_color, r.rows_fetched,
           i.lease_until > now() AS is_leased,
           i.done_seq < i.req_seq AND coalesce(i.not_before <= now(), true) AS is_asked,
           a.id AS account_id, coalesce(a.user_name, a.name) AS account_name, a.mask,
           a.type, a.subtype, a.currency, a.current_balance, a.available_balance,
           a.hidden_at,
           (SELECT count(*) FROM quarantined_transactions q
            WHERE q.user_id = i.user_id AND q.plaid_item_id = i.id
              AND q.resolved_at IS NULL) AS unreadable
    FROM plaid_items i
    LEFT JOIN institutions n ON n.institution_id = i.institution_id
    LEFT JOIN LATERAL (
        SELECT rows_fetched FROM sync_runs s
        WHERE s.user_id = i.user_id AND s.plaid_item_id = i.id AND s.status = 'running'
        ORDER BY s.started_at DESC LIMIT 1) r ON i.lease_until > now()
    LEFT JOIN bank_accounts a ON a.user_id = i.user_id AND a.plaid_item_id = i.id
                             AND a.closed_at IS NULL
    WHERE i.user_id = :user_id AND i.state NOT IN ('removing', 'removed')
    ORDER BY lower(i.institution_name), i.id, a.type, a.name, a.id
""")


def list_banks(session: Session, user_id: uuid.UUID, now: dt.datetime) -> list[Bank]:
    """All linked banks with their open accounts, by name. One statement."""
    banks: dict[uuid.UUID, Bank] = {}
    for row in session.execute(LIST, {"user_id": user_id}):
        if row.id not in banks:
            banks[row.id] = _bank(row, now)
        if row.account_id is not None:
            banks[row.id].accounts.append(_account(row))
    return list(banks.values())


def find_bank(
    session: Session, user_id: uuid.UUID, id: uuid.UUID, now: dt.datetime
) -> Bank | None:
    return next((b for b in list_banks(session, user_id, now) if b.id == id), None)


def freshness(banks: list[Bank], zone: dt.tzinfo) -> Freshness:
    """How complete the figures are: the oldest bank decides."""
    ages = [(bank.updated_at, bank.name) for bank in banks if bank.updated_at]
    oldest, name = min(ages) if ages else (None, None)
    known = oldest is not None and len(ages) == len(banks)
    behind = [bank.name for bank in banks if not bank.is_current]
    return Freshness(
        complete_to=oldest.astimezone(zone).date() if oldest and known else None,
        current=len(banks) - len(behind),
        total=len(banks),
        oldest_name=name if name in behind else next(iter(behind), None),
    )


def net_worth(banks: Iterable[Bank]) -> list[NetWorth]:
    """By currency, the largest first; hidden accounts are not in it.

    The balance decides, not the kind of account: an overpaid card is something you
    have, an overdrawn account something you owe.
    """
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for bank in banks:
        for account in bank.accounts:
            if account.balance is not None and not account.is_hidden:
                sums[account.currency][account.balance < 0] += account.balance
    found = [NetWorth(currency, *pair) for currency, pair in sums.items()]
    return sorted(found, key=lambda line: (-abs(line.assets), line.currency))


def _bank(row: Row, now: dt.datetime) -> Bank:  # type: ignore[type-arg]
    state = ItemState(row.state)
    syncing = state not in RESTING and bool(row.is_leased or row.is_asked)
    sentence = SENTENCES.get(state, SENTENCES[ItemState.ERROR])
    if state == ItemState.HEALTHY and row.update_status != HISTORY_COMPLETE:
        sentence = STILL_COMING
    if state == ItemState.HEALTHY and row.last_error_code:
        sentence = STUMBLED
    return Bank(
        id=row.id,
        name=row.institution_name,
        logo=f"data:image/png;base64,{row.logo}" if row.logo else None,
        primary_color=row.primary_color,
        state=state,
        sentence=sentence,
        is_current=state in (ItemState.HEALTHY, ItemState.EXPIRING)
        and row.last_synced_at is not None
        and now - row.last_synced_at < CURRENT_FOR,
        is_syncing=syncing,
        progress_words=_progress(row.rows_fetched),
        synced_at=row.last_synced_at,
        updated_at=row.bank_updated_at or row.last_synced_at,
        error=_trouble(row) if row.last_error_code else None,
        accounts=[],
        unreadable=row.unreadable,
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
    )
    if not line.is_debt:
        return (
            line if line.balance is not None else replace(line, balance=line.available)
        )
    return line if line.balance is None else replace(line, balance=-line.balance)
