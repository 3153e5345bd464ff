"""One attempt to link or repair a bank in the browser."""

import datetime as dt
import uuid
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, LargeBinary, false
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, UserId

LIFETIME = dt.timedelta(hours=1)


class LinkStatus(StrEnum):
    CREATED = "created"
    EXCHANGING = "exchanging"
    CHOOSING = "choosing"  # linked already: the person says what to do
    LINKED = "linked"
    DUPLICATE = "duplicate"
    EXITED = "exited"
    EXPIRED = "expired"
    FAILED = "failed"


class PlaidLinkSession(Base):
    __tablename__ = "plaid_link_sessions"

    user_id: Mapped[UserId]
    id: Mapped[RowId]
    link_token: Mapped[bytes] = mapped_column(LargeBinary)  # crypto.py
    mode: Mapped[str] = mapped_column(server_default="new")
    plaid_item_id: Mapped[uuid.UUID | None]
    selects_accounts: Mapped[bool] = mapped_column(server_default=false())
    status: Mapped[str] = mapped_column(server_default=LinkStatus.CREATED)
    # while a choice is awaited: what is not exchanged yet, or the item that came of it
    public_token: Mapped[bytes | None] = mapped_column(LargeBinary)  # crypto.py
    exchanged_item_id: Mapped[uuid.UUID | None]
    link_session_id: Mapped[str | None]  # Plaid's id, for its support
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    finished_at: Mapped[Instant | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("mode IN ('new', 'update')", name="mode"),
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{s}'" for s in LinkStatus)),
            name="status",
        ),
    )

    def status_at(self, now: dt.datetime) -> LinkStatus:
        """The status at the aware instant `now`: an attempt lasts an hour."""
        status = LinkStatus(self.status)
        if now < self.expires_at:
            return status
        ends = {  # whoever was exchanging has died
            LinkStatus.CREATED: LinkStatus.EXPIRED,
            LinkStatus.CHOOSING: LinkStatus.EXPIRED,
            LinkStatus.EXCHANGING: LinkStatus.FAILED,
        }
        return ends.get(status, status)
