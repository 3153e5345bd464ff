"""One sync of one item, end to end: record, fetch, apply, or fail with the reason."""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

from sqlalchemy import func, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.crypto import DecryptionError, Place, Vault
from webapp.jobs.lease import Interrupted as Interrupted
from webapp.models import SyncRun
from webapp.models.plaid_item import HISTORY_COMPLETE, ItemState
from webapp.plaid.client import PlaidClient
from webapp.plaid.decode import AccountsAnswer, ItemAnswer
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync import apply, inbox, notice, schedule
from webapp.sync.fetch import NEWS_EVERY, Fetched, begin, fetch, result
from webapp.sync.inbox import Heard
from webapp.sync.schedule import Claim, LeaseLost

log = logging.getLogger(__name__)

OnProgress = Callable[[Fetched], None]


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
    tools: Tools, held: Claim, on_progress: OnProgress = lambda fetched: None
) -> str:
    """Sync the claimed item and give the claim back. Returns the run's status.

    Commits: the run's record, its progress, and all that it wrote in one transaction.
    """
    heard = inbox.take(tools.session, held)
    run_id = _begin(tools.session, held)
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
            status = _write(tools, held, run_id, with_rows, item, accounts, heard)
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


def _begin(session: Session, held: Claim) -> uuid.UUID:
    left_behind = update(SyncRun).where(
        SyncRun.user_id == held.user_id,
        SyncRun.plaid_item_id == held.id,
        SyncRun.status == "running",
    )  # by a process that died: the claim proves that nobody is at it
    session.execute(left_behind.values(status="superseded", finished_at=func.now()))
    run = SyncRun(
        user_id=held.user_id,
        id=uuid7(),
        plaid_item_id=held.id,
        cursor_before=held.cursor,
    )
    session.add(run)
    run_id: uuid.UUID = run.id
    session.commit()
    return run_id


class _Progress:
    """Keeps the lease alive and tells how far the run is, also while a call lasts."""

    def __init__(
        self, session: Session, held: Claim, run_id: uuid.UUID, then: OnProgress
    ) -> None:
        self.session, self.held, self.run_id, self.then = session, held, run_id, then
        self.renewed = self.told = time.monotonic()

    def note(self, fetched: Fetched) -> None:
        now = time.monotonic()
        half = schedule.LEASE.total_seconds() / 2
        if now - self.renewed > half:
            schedule.renew(self.session, self.held)
            self.renewed = now
        if now - self.told > NEWS_EVERY:
            news = {"pages": fetched.pages, "rows_fetched": fetched.rows}
            self.session.execute(_run(self.held, self.run_id).values(**news))
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
) -> str:
    session = tools.session
    began = time.perf_counter()
    apply.take_turn(session, held)
    schedule.check(session, held)
    new_ids = [uuid7() for _ in accounts.accounts]
    apply.write_accounts(session, held.user_id, held.id, new_ids, accounts.accounts)
    new = changed = removed = 0
    if fetched.is_ready:
        new, changed, removed = apply.write_transactions(
            session, tools.vault, held, run_id, fetched
        )
    done = {
        "status": "succeeded",
        "finished_at": dt.datetime.now(dt.UTC),
        "pages": fetched.pages,
        "rows_fetched": fetched.rows,
        "added": new,
        "modified": changed,
        "removed": removed,
        "quarantined": fetched.odd_count,
        "income_count": fetched.income_count,
        "expense_count": fetched.expense_count,
        "fetch_ms": _ms(fetched.seconds),
        "write_ms": _ms(time.perf_counter() - began),
        "cursor_after": fetched.cursor or held.cursor,
        "request_id": fetched.request_id,
    }
    session.execute(_run(held, run_id).values(**done))
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
        new, changed, removed, done["fetch_ms"], _ms(time.perf_counter() - began),
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
    if age < dt.timedelta(minutes=1):
        return dt.timedelta(seconds=2)
    if age < dt.timedelta(minutes=10):
        return dt.timedelta(seconds=15)
    if age < dt.timedelta(hours=1):
        return dt.timedelta(minutes=2)
    return dt.timedelta(minutes=30)


def _fail(
    tools: Tools, held: Claim, run_id: uuid.UUID, error: PlaidError, heard: Heard
) -> str:
    session = tools.session
    session.rollback()
    why = {
        "status": "failed",
        "finished_at": dt.datetime.now(dt.UTC),
        "error_code": error.code,
        "error_message": error.display_message or error.message,
        "request_id": error.request_id,
    }
    session.execute(_run(held, run_id).values(**why))
    log.warning(
        "Sync of item %s failed: %s, request %s",
        held.item_id, error.code, error.request_id,
    )  # fmt: skip
    if error.kind in (Kind.USER, Kind.DEAD):  # nothing of the inbox can change that
        inbox.settle(session, held, run_id, heard)
    try:
        schedule.fail(session, held, error)
        if tools.sends_mail:
            notice.put(session, held, schedule.state_after(error, held))
    except LeaseLost:
        return _superseded(session, held, run_id)
    session.commit()
    return "failed"


def _superseded(session: Session, held: Claim, run_id: uuid.UUID) -> str:
    """Nothing of the run stays but the record that there was one."""
    session.rollback()
    over = {"status": "superseded", "finished_at": dt.datetime.now(dt.UTC)}
    session.execute(_run(held, run_id).values(**over))
    session.commit()
    log.info("Sync of item %s was superseded", held.item_id)
    return "superseded"


def _run(held: Claim, run_id: uuid.UUID):  # type: ignore[no-untyped-def]
    return update(SyncRun).where(SyncRun.user_id == held.user_id, SyncRun.id == run_id)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
