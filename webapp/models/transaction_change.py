"""What the bank changed on a transaction that was stored already, and in which run."""

import uuid
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, RowId, TenantId


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

    __table_args__ = (
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
    )
