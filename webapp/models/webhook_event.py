"""The inbox: a webhook that was Plaid's own, about an item of ours.

Of the payload it has what a run needs and cannot ask Plaid for: error code, reason and
date. No account id, no transaction id and no message is kept, so nothing is encrypted;
what has changed is read from the API, never from here.
"""

import uuid

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, false
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId, TenantId


class WebhookEvent(Base):
    __tablename__ = "webhook_events"

    user_id: Mapped[TenantId]
    id: Mapped[RowId]
    plaid_item_id: Mapped[uuid.UUID]
    item_id: Mapped[str]  # Plaid's own id
    webhook_type: Mapped[str]
    webhook_code: Mapped[str]
    error_code: Mapped[str | None]
    reason: Mapped[str | None]
    # consent_expiration_time or disconnect_time; none any more once it is settled
    expires_at: Mapped[Instant | None]
    jwt_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    is_replay: Mapped[bool] = mapped_column(server_default=false())
    received_at: Mapped[CreatedAt]
    processed_at: Mapped[Instant | None]
    sync_run_id: Mapped[uuid.UUID | None]

    __table_args__ = (
        ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            ondelete="CASCADE",
        ),
        Index("ix_webhook_events_item", "user_id", "plaid_item_id", "received_at"),
        {"comment": "Webhooks from Plaid; each also asks for a sync of its item"},
    )
