"""One sync of one item, end to end: record, fetch, apply, or fail with the reason."""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.crypto import DecryptionError, Place, Vault
from webapp.extensions import TAKE_YOUR_TIME
from webapp.jobs.lease import Interrupted as Interrupted
from webapp.models.plaid_item import HISTORY_COMPLETE, ItemState
from webapp.plaid.client import PlaidClient
from webapp.plaid.decode import AccountsAnswer, ItemAnswer
from webapp.plaid.errors import PlaidError
from webapp.sync import apply, failure, inbox, notice, record, schedule
from webapp.sync.accounts import write_accounts
from webapp.sync.fetch import NEWS_EVERY, Fetched, begin, fetch, result
from webapp.sync.inbox import Heard
from webapp.sync.record import Written
from webapp.sync.schedule import Claim, LeaseLost

log = logging.getLogger(__name__)

MANY = 10_000  # rows, whose merge takes seconds even where nothing else runs

OnProgress = Callable[[Fetched], None]
# Rows into the database, in the caller's transaction: how many new, changed, removed
Write = Callable[[Session, Vault, Claim, uuid.UUID, Fetched], tuple[int, int, int]]


@dataclass(frozen=True)
class Tools:
    """What a run works with."""

    session: Session
    plaid: PlaidClient
    vault: Vault
    webhook: str | None = None  # where Plaid shall tell of news
    sends_mail: bool = False  # to an owner whom a bank needs


def token_place(item: uuid.UUID) -> Place:
    return Place("plaid_items", item, "access_token")


def sync_item(
    tools: Tools,
    held: Claim,
    on_progress: OnProgress = lambda fetched: None,
    write: Write = apply.write_transactions,
) -> str:
    """Sync the claimed item and give the claim back. Returns the run's status.

    Commits: the run's record, its progress, and all that it wrote in one transaction.
    """
    heard = inbox.take(tools.session, held)
    run_id = record.begin(tools.session, held)
    tools.session.commit()
    try:
        token = tools.vault.decrypt(held.access_token, token_place(held.id))
        progress = _Progress(tools.session, held, run_id, on_progress)
        item = _item_first(tools, token, heard, progress)
        with_rows = fetch(tools.plaid, token, held.cursor, progress.note)
        try:
            meanwhile = partial(progress.note, with_rows)
            asked = begin(tools.plaid.accounts_get, token)  # while the item is told
            item = item or result(begin(tools.plaid.item_get, token), meanwhile)
            accounts = result(asked, meanwhile)
            _tell_address(tools, token, item, meanwhile)
            status = _write(
                tools, held, run_id, with_rows, item, accounts, heard, write
            )
        finally:
            with_rows.close()
    except DecryptionError as error:
        ours = PlaidError("OUR_KEY", str(error))
        status = _fail(tools, held, run_id, ours, heard)
    except PlaidError as error:
        status = _fail(tools, held, run_id, error, heard)
    except LeaseLost:
        status = _superseded(tools.session, held, run_id)
    except Interrupted:
        tools.session.rollback()
        schedule.release(tools.session, held)
        tools.session.commit()
        status = _superseded(tools.session, held, run_id)
    return status


class _Progress:
    """Keeps the lease alive and tells how far the run is, also while a call lasts."""

    def __init__(
        self, session: Session, held: Claim, run_id: uuid.UUID, then: OnProgress
    ) -> None:
        self.session, self.held, self.run_id, self.then = session, held, run_id, then
        self.renewed = self.told = time.monotonic()

    def note(self, fetched: Fetched) -> None:
        now = time.monotonic()
        half = self.held.lease.total_seconds() / 2
        if now - self.renewed > half:
            schedule.renew(self.session, self.held)
            self.renewed = now
        if now - self.told > NEWS_EVERY:
            record.tell(self.session, self.held, self.run_id, fetched)
            self.told = now
        self.session.commit()
        self.then(fetched)


def _item_first(
    tools: Tools, token: str, heard: Heard, progress: _Progress
) -> ItemAnswer | None:
    """Plaid's word on the item where a webhook spoke of it. Raises PlaidError."""
    if not heard.concerns_item:
        return None
    nothing_yet = partial(progress.note, Fetched(BytesIO()))
    item = result(begin(tools.plaid.item_get, token), nothing_yet)
    inbox.check(heard, item)
    return item


def _tell_address(
    tools: Tools, token: str, item: ItemAnswer, meanwhile: Callable[[], None]
) -> None:
    """Our address for webhooks, where Plaid has another; without it a run works too."""
    if not tools.webhook or item.item.webhook == tools.webhook:
        return
    telling = begin(tools.plaid.item_webhook_update, token, tools.webhook)
    try:
        result(telling, meanwhile)
    except PlaidError as error:
        log.warning("Webhook address of %s not set: %s", item.item.item_id, error.code)


def _write(
    tools: Tools,
    held: Claim,
    run_id: uuid.UUID,
    fetched: Fetched,
    item: ItemAnswer,
    accounts: AccountsAnswer,
    heard: Heard,
    write: Write,
) -> str:
    session = tools.session
    began = time.perf_counter()
    schedule.take_turn(session, held)
    if fetched.rows > MANY:
        session.execute(TAKE_YOUR_TIME)
    new_ids = [uuid7() for _ in accounts.accounts]
    write_accounts(session, held.user_id, held.id, new_ids, accounts.accounts)
    written = Written()
    if fetched.is_ready:
        written = Written(*write(session, tools.vault, held, run_id, fetched))
    write_ms = _ms(time.perf_counter() - began)
    record.succeed(session, held, run_id, fetched, written, write_ms)
    if fetched.is_ready:
        inbox.settle(session, held, run_id, heard)
    _give_back(tools, held, fetched, item, heard)
    session.commit()
    log.info(
        "Synced %d transactions for user %s (Income: %d, Expenses: %d) "
        "item=%s pages=%d new=%d changed=%d removed=%d fetch_ms=%d write_ms=%d "
        "quarantined=%d",
        fetched.income_count + fetched.expense_count, held.user_id,
        fetched.income_count, fetched.expense_count, held.item_id, fetched.pages,
        *written, _ms(fetched.seconds), _ms(time.perf_counter() - began),
        fetched.odd_count,
    )  # fmt: skip
    return "succeeded"


def _give_back(
    tools: Tools, held: Claim, fetched: Fetched, item: ItemAnswer, heard: Heard
) -> None:
    session = tools.session
    said: dict[str, object] = {
        "update_status": fetched.status,
        "request_id": fetched.request_id,
        "pause": pause_after(fetched, held.created_at, dt.datetime.now(dt.UTC)),
    }
    if not fetched.is_ready:
        schedule.wait(session, held, said)
        return
    updates = item.status.transactions if item.status else None
    said |= {
        "cursor": fetched.cursor,
        "state": _state(item, heard),
        "bank_updated_at": updates.last_successful_update if updates else None,
        "bank_failed_at": updates.last_failed_update if updates else None,
        "consent_expires_at": inbox.ends_at(heard, item)
        or item.item.consent_expiration_time,
    }
    if said["state"] == ItemState.LOGIN_REQUIRED:
        said["pause"] = failure.NEVER
    schedule.finish(session, held, said)
    if tools.sends_mail:
        notice.put(session, held, str(said["state"]))


def _state(item: ItemAnswer, heard: Heard) -> str:
    """Plaid's own word on the item, after a run that worked."""
    if item.item.error and item.item.error.error_code == "ITEM_LOGIN_REQUIRED":
        return ItemState.LOGIN_REQUIRED
    return ItemState.EXPIRING if inbox.ends_at(heard, item) else ItemState.HEALTHY


def pause_after(
    fetched: Fetched, linked_at: dt.datetime, now: dt.datetime
) -> dt.timedelta:
    """Until the next look if nobody asks: short while the bank still collects."""
    if fetched.status == HISTORY_COMPLETE:
        return schedule.poll_pause()
    age = now - linked_at
    if age < dt.timedelta(seconds=10):
        return dt.timedelta(seconds=2)
    if age < dt.timedelta(minutes=10):  # accounts may be asked for 15 times a minute
        return dt.timedelta(seconds=10)
    if age < dt.timedelta(hours=1):
        return dt.timedelta(minutes=2)
    return dt.timedelta(minutes=30)


def _fail(
    tools: Tools, held: Claim, run_id: uuid.UUID, error: PlaidError, heard: Heard
) -> str:
    session = tools.session
    session.rollback()
    record.fail(session, held, run_id, error)
    log.warning(
        "Sync of item %s failed: %s, request %s",
        held.item_id, error.code, error.request_id,
    )  # fmt: skip
    if error.kind in failure.FINAL:  # nothing of the inbox can change that
        inbox.settle(session, held, run_id, heard)
    try:
        state = schedule.fail(session, held, error)
        if tools.sends_mail:
            notice.put(session, held, state)
    except LeaseLost:
        return _superseded(session, held, run_id)
    session.commit()
    return "failed"


def _superseded(session: Session, held: Claim, run_id: uuid.UUID) -> str:
    """Nothing of the run stays but the record that there was one."""
    session.rollback()
    record.supersede(session, held, run_id)
    session.commit()
    log.info("Sync of item %s was superseded", held.item_id)
    return "superseded"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
