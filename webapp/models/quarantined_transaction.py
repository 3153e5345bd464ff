"""A row of the bank's that cannot be stored: why, and what the bank sent."""

import uuid

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, TenantId


class QuarantinedTransaction(Base):
    __tablename__ = "quarantined_transactions"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    plaid_item_id: Mapped[uuid.UUID]
    sync_run_id: Mapped[uuid.UUID]
    seq: Mapped[int] = mapped_column(BigInteger)  # its place among the run's rows
    plaid_transaction_id: Mapped[str | None]
    plaid_account_id: Mapped[
        str | None
    ]  # that it waits for, where it can be stored then
    code: Mapped[str]  # of plaid.odd.REASONS
    reason: Mapped[str]
    raw: Mapped[bytes] = mapped_column(LargeBinary)  # crypto.py
    created_at: Mapped[CreatedAt]
    # when the bank said something newer of the same id, or that it is gone
    resolved_at: Mapped[Instant | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            ondelete="CASCADE",
        ),
        Index(
            "ix_quarantined_transactions_open",
            "user_id",
            "plaid_item_id",
            "plaid_transaction_id",
            postgresql_where=text("resolved_at IS NULL"),
        ),
    )
