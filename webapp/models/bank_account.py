"""An account at a linked bank. Columns of the bank and of the user are disjoint."""

import uuid
from decimal import Decimal

from sqlalchemy import ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, Money, RowId, TenantId

# Plaid reports what is owed on these as a positive balance.
DEBT_TYPES = ("credit", "loan")


class BankAccount(Base):
    __tablename__ = "bank_accounts"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    plaid_item_id: Mapped[uuid.UUID]

    # The bank's
    plaid_account_id: Mapped[str]
    persistent_account_id: Mapped[str | None]
    name: Mapped[str]
    official_name: Mapped[str | None]
    mask: Mapped[str | None]
    type: Mapped[str]
    subtype: Mapped[str | None]
    currency: Mapped[str]  # ISO 4217, or the bank's unofficial code
    current_balance: Mapped[Money | None]  # Plaid's sign: owed is positive
    available_balance: Mapped[Money | None]
    balance_limit: Mapped[Money | None]
    closed_at: Mapped[Instant | None]
    # the person stopped sharing it at the bank: closed until they share it again
    revoked_at: Mapped[Instant | None]
    last_synced_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    # The user's
    user_name: Mapped[str | None]
    hidden_at: Mapped[Instant | None]

    __table_args__ = (
        UniqueConstraint("user_id", "plaid_account_id"),
        ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            ondelete="CASCADE",
        ),
        Index("ix_bank_accounts_item", "user_id", "plaid_item_id"),
    )

    @property
    def is_debt(self) -> bool:
        return self.type in DEBT_TYPES

    @property
    def balance(self) -> Decimal | None:
        """From the owner's view: what is owed is negative."""
        if self.current_balance is None:
            return None if self.is_debt else self.available_balance
        return -self.current_balance if self.is_debt else self.current_balance
