"""The record of one sync of one item: what people and admins see as history."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, TenantId

ZERO = text("0")


class SyncRun(Base):
    __tablename__ = "sync_runs"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    plaid_item_id: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(server_default="running")
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[Instant | None]
    pages: Mapped[int] = mapped_column(server_default=ZERO)
    rows_fetched: Mapped[int] = mapped_column(server_default=ZERO)
    added: Mapped[int] = mapped_column(server_default=ZERO)
    modified: Mapped[int] = mapped_column(server_default=ZERO)
    removed: Mapped[int] = mapped_column(server_default=ZERO)
    quarantined: Mapped[int] = mapped_column(server_default=ZERO)
    income_count: Mapped[int] = mapped_column(server_default=ZERO)
    expense_count: Mapped[int] = mapped_column(server_default=ZERO)
    fetch_ms: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    write_ms: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    cursor_before: Mapped[str | None]
    cursor_after: Mapped[str | None]
    error_code: Mapped[str | None]
    error_message: Mapped[str | None]
    request_id: Mapped[str | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint(
            "status IN ('running', 'succeeded', 'failed', 'superseded')", name="status"
        ),
        Index("ix_sync_runs_item", "user_id", "plaid_item_id", "started_at"),
    )
