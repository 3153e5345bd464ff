"""The inbox of webhooks: kept with an ask, heard by a run, settled with its result.

A webhook says that an item has news. What they are is asked of Plaid; only that the
person took the permission back, of the login or of one account, when a login will end,
and that there are accounts to be added, is taken from it.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, func, text, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.models import BankAccount, ItemState, PlaidItem, WebhookEvent
from webapp.plaid.decode import ItemAnswer
from webapp.plaid.errors import Kind, PlaidError
from webapp.plaid.webhook_body import Webhook
from webapp.sync import schedule
from webapp.sync.schedule import Claim

KEPT = dt.timedelta(days=90)
NOTICE = dt.timedelta(days=7)  # Plaid's, where it names no day
ENDING = ("PENDING_EXPIRATION", "PENDING_DISCONNECT")
# What these say is written down at once: no call of Plaid's API tells it to a run.
NOTED = ("NEW_ACCOUNTS_AVAILABLE", "LOGIN_REPAIRED", "USER_ACCOUNT_REVOKED")
# Plaid's answer to what a run did. Asking because of it could go round for ever.
ECHO = "WEBHOOK_UPDATE_ACKNOWLEDGED"


# Plain SQL here and in TAKE: every webhook and every run comes by, and put together by
# the ORM it costs five times as much.
OWNER = text("SELECT user_id, id FROM plaid_items WHERE item_id = :item_id")
IS_REPLAY = """
    EXISTS (SELECT FROM webhook_events
            WHERE user_id = :user_id AND plaid_item_id = :item
              AND jwt_sha256 = :sha256)
"""
CAME_BEFORE = text(f"SELECT {IS_REPLAY}")
KEEP = text(f"""
    INSERT INTO webhook_events
        (user_id, id, plaid_item_id, item_id, webhook_type, webhook_code, error_code,
         reason, expires_at, jwt_sha256, is_replay, processed_at)
    SELECT :user_id, :id, :item, :item_id, :type, :code, :error_code, :reason,
           CASE WHEN :is_ending
                THEN coalesce(CAST(:expires_at AS timestamptz), now() + :notice) END,
           :sha256, {IS_REPLAY}, CASE WHEN :is_echo THEN now() END
""")


def keep(session: Session, said: Webhook, jwt: str) -> bool:
    """Row and ask together; the caller commits.

    Every webhook asks, also one whose very bytes came before. False where there is no
    such item: then there is nobody whose row it could be.
    """
    item = session.execute(OWNER, {"item_id": said.item_id}).one_or_none()
    if item is None or not _ask(session, item.user_id, item.id, said.webhook_code):
        return False
    values = {
        "user_id": item.user_id,
        "id": uuid7(),
        "item": item.id,
        "item_id": said.item_id,
        "type": said.webhook_type,
        "code": said.webhook_code,
        "error_code": said.error_code,
        "reason": said.reason,
        "is_ending": said.webhook_code in ENDING,
        "expires_at": said.expires_at,
        "notice": NOTICE,
        "sha256": hashlib.sha256(jwt.encode()).digest(),
        "is_echo": said.webhook_code == ECHO,
    }
    if said.webhook_code in NOTED and not session.scalar(CAME_BEFORE, values):
        _note(session, item.user_id, item.id, said)
    session.execute(KEEP, values)
    return True


def _note(session: Session, user_id: uuid.UUID, item: uuid.UUID, said: Webhook) -> None:
    this = update(PlaidItem).where(PlaidItem.user_id == user_id, PlaidItem.id == item)
    if said.webhook_code == "NEW_ACCOUNTS_AVAILABLE":
        session.execute(this.values(new_accounts_at=func.now()))
    elif said.webhook_code == "LOGIN_REPAIRED":
        # the permission may be given again, also elsewhere: a run will see
        over = this.where(PlaidItem.state == ItemState.REVOKED)
        session.execute(over.values(state=ItemState.LOGIN_REQUIRED))
    elif said.webhook_code == "USER_ACCOUNT_REVOKED" and said.account_id:
        session.execute(
            update(BankAccount)
            .where(
                BankAccount.user_id == user_id,
                BankAccount.plaid_item_id == item,
                BankAccount.plaid_account_id == said.account_id,
            )
            .values(
                revoked_at=func.now(),
                closed_at=func.coalesce(BankAccount.closed_at, func.now()),
            )
        )


def _ask(session: Session, user_id: uuid.UUID, item: uuid.UUID, code: str) -> bool:
    if code == ECHO:
        return True
    repaired = code == "LOGIN_REPAIRED"  # by a person, at the bank or in another app
    return schedule.ask(session, user_id, item, by_person=repaired)


def replay(session: Session, event: WebhookEvent) -> bool:
    """As if it came now; the caller commits. False where its item is gone."""
    event.processed_at = event.sync_run_id = None
    return _ask(session, event.user_id, event.plaid_item_id, event.webhook_code)


@dataclass
class Heard:
    """What the inbox tells a run."""

    ids: list[uuid.UUID] = field(default_factory=list)
    concerns_item: bool = False
    is_revoked: bool = False
    ending: str | None = None
    ends_at: dt.datetime | None = None
    settled: list[uuid.UUID] = field(default_factory=list)


TAKE = text("""
    SELECT id, webhook_type, webhook_code, expires_at, processed_at IS NULL AS is_new,
           expires_at > now() AS is_ahead,
           is_replay OR coalesce(received_at <= (
               SELECT max(finished_at) FROM plaid_link_sessions
               WHERE user_id = :user_id AND plaid_item_id = :item
                 AND mode = 'update' AND status = 'linked'), false) AS is_outdated
    FROM webhook_events
    WHERE user_id = :user_id AND plaid_item_id = :item
      AND (processed_at IS NULL OR expires_at > now())
    ORDER BY received_at, id
""")


def take(session: Session, held: Claim) -> Heard:
    """Rows that no run has settled, and notice given earlier that still stands.

    What comes later asked for another run. A login repaired here outdates all before.
    """
    return hear(session.execute(TAKE, {"user_id": held.user_id, "item": held.id}))


def hear(rows: Iterable[Any]) -> Heard:
    """The rows in the order in which they came; the last word counts."""
    heard = Heard()
    standing: list[uuid.UUID] = []
    for row in rows:
        if row.is_new:
            heard.ids.append(row.id)
            heard.concerns_item |= row.webhook_type == "ITEM"
        if row.is_outdated:
            continue
        if row.webhook_code == "LOGIN_REPAIRED":
            heard.is_revoked, heard.ending, heard.ends_at = False, None, None
            heard.settled += standing
            standing = []
        elif row.webhook_code == "USER_PERMISSION_REVOKED":
            heard.is_revoked = True
        elif row.webhook_code in ENDING and row.is_ahead:
            heard.ending, heard.ends_at = row.webhook_code, row.expires_at
            standing.append(row.id)
    return heard


def check(heard: Heard, answer: ItemAnswer) -> None:
    """Raises PlaidError where the person has to act before anything can be fetched."""
    if error := answer.item.error:
        refusal = PlaidError(
            error.error_code,
            error.error_message or "",
            answer.request_id,
            error_type=error.error_type,
            display_message=error.display_message,
        )
        if refusal.kind in (Kind.USER, Kind.DEAD):
            raise refusal
    if heard.is_revoked:
        raise PlaidError(
            "USER_PERMISSION_REVOKED",
            "the permission was taken back at the bank",
            answer.request_id,
        )


def ends_at(heard: Heard, answer: ItemAnswer) -> dt.datetime | None:
    """When the login ends, if notice was given and the bank did not move the day."""
    consent = answer.item.consent_expiration_time
    if heard.ending == "PENDING_EXPIRATION" and consent and heard.ends_at:
        return None if consent > heard.ends_at + dt.timedelta(days=1) else consent
    return heard.ends_at


def settle(session: Session, held: Claim, run_id: uuid.UUID, heard: Heard) -> None:
    """Part of the transaction that keeps the run's result; no caller of its own."""
    if not heard.ids:
        return
    mine = update(WebhookEvent).where(*_of(held.user_id, held.id))
    done = mine.where(WebhookEvent.id.in_(heard.ids))
    session.execute(done.values(processed_at=func.now(), sync_run_id=run_id))
    if heard.settled:
        over = mine.where(WebhookEvent.id.in_(heard.settled))
        session.execute(over.values(expires_at=None))
    old = delete(WebhookEvent).where(
        *_of(held.user_id, held.id), WebhookEvent.processed_at < func.now() - KEPT
    )
    session.execute(old.execution_options(synchronize_session=False))


def _of(user_id: uuid.UUID, item: uuid.UUID) -> tuple[Any, Any]:
    return WebhookEvent.user_id == user_id, WebhookEvent.plaid_item_id == item
