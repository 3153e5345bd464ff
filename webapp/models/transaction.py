"""A transaction, stored from the owner's view: positive = money in (ADR 3)."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, Money, RowId, TenantId

LIVE = text("removed_at IS NULL")


class Transaction(Base):
    __tablename__ = "transactions"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    bank_account_id: Mapped[uuid.UUID]

    # The bank's
    plaid_transaction_id: Mapped[str]
    pending_transaction_id: Mapped[str | None]
    date: Mapped[dt.date] = mapped_column(Date)
    authorized_date: Mapped[dt.date | None] = mapped_column(Date)
    authorized_at: Mapped[Instant | None]
    amount: Mapped[Money]  # in the currency's minor unit, positive = money in
    currency: Mapped[str]
    # the bank's exact figure in its own sign, at any scale
    plaid_amount: Mapped[Decimal] = mapped_column(Numeric)
    pending: Mapped[bool] = mapped_column(server_default=false())
    name: Mapped[str]
    merchant_name: Mapped[str | None]
    merchant_entity_id: Mapped[str | None]
    original_description: Mapped[str | None]
    category_primary: Mapped[str | None]
    category_detailed: Mapped[str | None]
    category_confidence: Mapped[str | None]
    category_version: Mapped[str | None]
    payment_channel: Mapped[str | None]
    check_number: Mapped[str | None]
    bank_facts: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'")
    )  # location, counterparties, payment_meta as Plaid gave them
    removed_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]
    changed_at: Mapped[CreatedAt]
    sync_run_id: Mapped[uuid.UUID | None]  # the run that wrote the bank's columns last

    # The user's
    user_category: Mapped[str | None]
    user_name: Mapped[str | None]
    note: Mapped[str | None]
    excluded: Mapped[bool] = mapped_column(server_default=false())
    reviewed_at: Mapped[Instant | None]

    __table_args__ = (
        UniqueConstraint("user_id", "plaid_transaction_id"),
        ForeignKeyConstraint(
            ["user_id", "bank_account_id"],
            ["bank_accounts.user_id", "bank_accounts.id"],
            ondelete="CASCADE",
        ),
        # answers every sum and list by period from the index alone (measured: issue 5)
        Index(
            "ix_transactions_period",
            "user_id",
            "date",
            "id",
            postgresql_include=[
                "amount", "currency", "category_primary", "category_detailed",
                "pending", "bank_account_id", "user_category", "excluded",
            ],
            postgresql_where=LIVE,
        ),
        Index("ix_transactions_account", "user_id", "bank_account_id"),
        Index(
            "ix_transactions_pending",
            "user_id",
            "pending_transaction_id",
            postgresql_where=text("pending_transaction_id IS NOT NULL"),
        ),
    )  # fmt: skip


class LedgerEntry(Base):
    """A live transaction with its flow and the reason for it: the view `ledger`.

    The one definition of income, spending and transfer; the migration has the rules.
    """

    __table__ = Table(
        "ledger",
        Base.metadata,
        Column("user_id", Uuid, primary_key=True),
        Column("id", Uuid, primary_key=True),
        Column("bank_account_id", Uuid),
        Column("date", Date),
        Column("amount", Numeric(28, 10)),
        Column("currency", Text),
        Column("pending", Boolean),
        Column("category_primary", Text),
        Column("category_detailed", Text),
        Column("reason", Text),
        Column("flow", Text),
        Column("in_review", Boolean),
        info={"is_view": True},
    )
