"""What the bank changed on a transaction that was stored already, and in which run."""

import uuid
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, TenantId


class TransactionChange(Base):
    __tablename__ = "transaction_changes"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    transaction_id: Mapped[uuid.UUID]
    sync_run_id: Mapped[uuid.UUID]
    # the changed columns only; `removed_at` among them where it went or came back
    was: Mapped[dict[str, Any]] = mapped_column(JSONB)
    became: Mapped[dict[str, Any]] = mapped_column(JSONB)
    changed_at: Mapped[CreatedAt]
    # the user had worked on the row, and the change is one that he can see (ADR 6)
    asks_user: Mapped[bool] = mapped_column(server_default=false())
    decided_at: Mapped[Instant | None]
    decision: Mapped[str | None]  # accepted, kept

    __table_args__ = (
        CheckConstraint("decision IN ('accepted', 'kept')", name="decision"),
        CheckConstraint("(decided_at IS NULL) = (decision IS NULL)", name="decided"),
        ForeignKeyConstraint(
            ["user_id", "transaction_id"],
            ["transactions.user_id", "transactions.id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_transaction_changes_transaction",
            "user_id",
            "transaction_id",
            "changed_at",
        ),
        Index(
            "ix_transaction_changes_open",
            "user_id",
            "transaction_id",
            postgresql_where=text("asks_user AND decided_at IS NULL"),
        ),
    )
