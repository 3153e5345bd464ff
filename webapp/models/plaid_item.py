"""One login at one bank: Plaid's Item. Its row is also the sync queue (ADR 1)."""

import uuid
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, UserId


class ItemState(StrEnum):
    FIRST_SYNC = "first_sync"
    HEALTHY = "healthy"
    LOGIN_REQUIRED = "login_required"
    EXPIRING = "expiring"
    REVOKED = "revoked"
    INSTITUTION_DOWN = "institution_down"
    ERROR = "error"
    QUARANTINED = "quarantined"
    REMOVING = "removing"
    REMOVED = "removed"


# States in which the bank is no longer linked: no call reaches it. Rows of a removed
# one stay and count; those of one being removed are on no page, and soon erased.
UNLINKED = (ItemState.REMOVING, ItemState.REMOVED)
# transactions_update_status once the bank has given all the history that was asked for
HISTORY_COMPLETE = "HISTORICAL_UPDATE_COMPLETE"
# States in which the clock has nothing to do until a person or the bank acts: one
# run for each ask, for somebody may have signed in elsewhere. What is removed has none.
RESTING = (
    ItemState.LOGIN_REQUIRED,
    ItemState.REVOKED,
    ItemState.REMOVED,
)


class PlaidItem(Base):
    __tablename__ = "plaid_items"

    user_id: Mapped[UserId]
    id: Mapped[RowId]
    item_id: Mapped[str] = mapped_column(unique=True)  # Plaid's own id
    institution_id: Mapped[str | None]
    institution_name: Mapped[str]
    access_token: Mapped[bytes] = mapped_column(LargeBinary)  # crypto.py
    state: Mapped[str] = mapped_column(server_default=ItemState.FIRST_SYNC)
    created_at: Mapped[CreatedAt]

    # The queue: RELIABILITY 4.1. All instants by the database's clock.
    next_at: Mapped[CreatedAt]
    not_before: Mapped[Instant | None]
    lease_until: Mapped[Instant | None]
    lease_token: Mapped[uuid.UUID | None]
    req_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    seen_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    done_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))

    # What the bank said last
    cursor: Mapped[str | None]
    update_status: Mapped[str | None]  # transactions_update_status
    bank_updated_at: Mapped[Instant | None]  # last_successful_update
    consent_expires_at: Mapped[Instant | None]
    new_accounts_at: Mapped[Instant | None]  # when it told of accounts to be added
    last_synced_at: Mapped[Instant | None]
    failing_since: Mapped[Instant | None]  # the first failure after the last success
    last_error_code: Mapped[str | None]
    last_error_message: Mapped[str | None]
    last_request_id: Mapped[str | None]
    bank_failed_at: Mapped[Instant | None]  # last_failed_update

    # The state that the owner was last sent a notice of; none once a sync went well
    notice_of: Mapped[str | None]
    removed_at: Mapped[Instant | None]  # disconnected by the owner, history kept

    __table_args__ = (
        CheckConstraint(
            "state IN ({})".format(", ".join(f"'{state}'" for state in ItemState)),
            name="state",
        ),
        CheckConstraint("done_seq <= seen_seq AND seen_seq <= req_seq", name="seq"),
        Index(
            "ix_plaid_items_due",
            "next_at",
            postgresql_where=text("state NOT IN ('removing', 'removed')"),
        ),
        {"comment": "One login at one bank; the row is the sync queue"},
    )

    @property
    def is_running(self) -> bool:
        """A sync is asked for or under way."""
        return self.lease_token is not None or self.done_seq < self.req_seq
