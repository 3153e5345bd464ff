"""An old bank's history brought under a new login, and what it takes to undo that.

Rows and accounts are never deleted: the old one takes over the new one's bank columns
and Plaid's id, the new one is parked with those of the old. Undoing swaps them back.
"""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, TenantId

ZERO = text("0")


class Adoption(Base):
    __tablename__ = "adoptions"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    new_item_id: Mapped[uuid.UUID]
    old_item_id: Mapped[uuid.UUID]
    status: Mapped[str]
    matched: Mapped[int] = mapped_column(server_default=ZERO)
    added: Mapped[int] = mapped_column(server_default=ZERO)
    gone: Mapped[int] = mapped_column(server_default=ZERO)
    kept: Mapped[int] = mapped_column(server_default=ZERO)
    created_at: Mapped[CreatedAt]
    undone_at: Mapped[Instant | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "new_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name="fk_adoptions_new_item",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["user_id", "old_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name="fk_adoptions_old_item",
            ondelete="CASCADE",
        ),
        CheckConstraint("status IN ('adopted', 'undone', 'declined')", name="status"),
        Index("ix_adoptions_items", "user_id", "new_item_id", "old_item_id"),
        Index("ix_adoptions_old", "user_id", "old_item_id"),
    )


class AdoptedAccount(Base):
    """`account_id` is the account people know; `parked_id` the one made by the link."""

    __tablename__ = "adopted_accounts"

    user_id: Mapped[TenantId]
    adoption_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    parked_id: Mapped[uuid.UUID]
    plaid_account_id: Mapped[str]  # of the old login
    was_closed_at: Mapped[Instant | None]
    was_revoked_at: Mapped[Instant | None]
    took_name: Mapped[str | None]  # the user's name for the new one, if it had none

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "adoption_id"],
            ["adoptions.user_id", "adoptions.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["user_id", "account_id"],
            ["bank_accounts.user_id", "bank_accounts.id"],
            name="fk_adopted_accounts_account",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["user_id", "parked_id"],
            ["bank_accounts.user_id", "bank_accounts.id"],
            name="fk_adopted_accounts_parked",
            ondelete="CASCADE",
        ),
        Index("ix_adopted_accounts_account", "user_id", "account_id"),
        Index("ix_adopted_accounts_parked", "user_id", "parked_id"),
    )


class AdoptedTransaction(Base):
    """A row of the old history, and what became of it.

    paired: it goes on under the new login's id; gone: the bank does not list it any
    more; kept: older than what the bank gives now, or removed before.
    """

    __tablename__ = "adopted_transactions"

    user_id: Mapped[TenantId]
    adoption_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    transaction_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    role: Mapped[str]
    parked_id: Mapped[uuid.UUID | None]
    plaid_transaction_id: Mapped[str | None]  # of the old login
    # the user's columns that were empty and were filled from the parked row
    took: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "adoption_id"],
            ["adoptions.user_id", "adoptions.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["user_id", "transaction_id"],
            ["transactions.user_id", "transactions.id"],
            name="fk_adopted_transactions_transaction",
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["user_id", "parked_id"],
            ["transactions.user_id", "transactions.id"],
            name="fk_adopted_transactions_parked",
            ondelete="CASCADE",
        ),
        CheckConstraint("role IN ('paired', 'gone', 'kept')", name="role"),
        CheckConstraint("(role = 'paired') = (parked_id IS NOT NULL)", name="parked"),
        Index("ix_adopted_transactions_transaction", "user_id", "transaction_id"),
        Index("ix_adopted_transactions_parked", "user_id", "parked_id"),
    )
