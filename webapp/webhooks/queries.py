"""What the inbox of webhooks holds, for whoever runs this installation."""

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.models import WebhookEvent

MOST = 200


def list_events(
    session: Session, item: uuid.UUID | None = None, *, unprocessed: bool = False
) -> list[WebhookEvent]:
    """The newest, at most 200, in the order in which they came."""
    wanted = select(WebhookEvent).order_by(
        WebhookEvent.received_at.desc(), WebhookEvent.id.desc()
    )
    if item is not None:
        wanted = wanted.where(WebhookEvent.plaid_item_id == item)
    if unprocessed:
        wanted = wanted.where(WebhookEvent.processed_at.is_(None))
    return list(session.scalars(wanted.limit(MOST)))[::-1]


def find_event(session: Session, id: uuid.UUID) -> WebhookEvent | None:
    return session.scalar(select(WebhookEvent).where(WebhookEvent.id == id))
