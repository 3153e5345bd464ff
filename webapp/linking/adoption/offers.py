"""Old histories that can be brought along, and adoptions that can be undone."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from sqlalchemy import select, text
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.linking.adoption.accounts import MATCHES, READY
from webapp.models import Adoption
from webapp.models.plaid_item import HISTORY_COMPLETE

# An old login that still works is only adopted where the person asks for it.
BROKEN = "('removed', 'revoked', 'login_required', 'error', 'quarantined')"

OFFERS = text(f"""
    SELECT m.new_item, m.old_item, oi.institution_name AS name,
           ni.institution_name AS new_name, oi.created_at AS linked_at,
           oi.state IN {BROKEN} AS is_over, count(*) AS accounts,
           EXISTS (SELECT FROM adoptions d WHERE d.user_id = :user_id
                   AND d.new_item_id = m.new_item AND d.old_item_id = m.old_item)
               AS is_decided
    FROM ({MATCHES}) m
    JOIN plaid_items ni ON ni.user_id = :user_id AND ni.id = m.new_item
    JOIN plaid_items oi ON oi.user_id = :user_id AND oi.id = m.old_item
    WHERE {READY}
    GROUP BY m.new_item, m.old_item, oi.institution_name, ni.institution_name,
             oi.created_at, oi.state
    ORDER BY count(*) DESC, oi.created_at DESC
""")


@dataclass(frozen=True)
class Offer:
    """`is_over`: the old login works no more. `is_open`: shown without being asked."""

    new_item: uuid.UUID
    old_item: uuid.UUID
    name: str
    new_name: str
    linked_at: dt.datetime
    accounts: int
    is_over: bool
    is_open: bool


@dataclass(frozen=True)
class Adoptions:
    """By the new bank's id; `of_old` by the old one's."""

    offers: dict[uuid.UUID, list[Offer]] = field(default_factory=dict)
    of_old: dict[uuid.UUID, Offer] = field(default_factory=dict)
    done: dict[uuid.UUID, list[Adoption]] = field(default_factory=dict)


def list_offers(session: Session, user_id: uuid.UUID) -> list[Offer]:
    """Old histories that a new login could take over, the best match first."""
    values = {"user_id": user_id, "complete": HISTORY_COMPLETE}
    return [
        Offer(
            new_item=row.new_item,
            old_item=row.old_item,
            name=row.name,
            new_name=row.new_name,
            linked_at=row.linked_at,
            accounts=row.accounts,
            is_over=row.is_over,
            is_open=row.is_over and not row.is_decided,
        )
        for row in session.execute(OFFERS, values)
    ]


def list_adoptions(session: Session, user_id: uuid.UUID) -> Adoptions:
    """All that there is to offer and to undo. Two statements."""
    found = Adoptions()
    for offer in list_offers(session, user_id):
        found.offers.setdefault(offer.new_item, []).append(offer)
        found.of_old.setdefault(offer.old_item, offer)
    done = select(Adoption).where(
        Adoption.user_id == user_id, Adoption.status == "adopted"
    )
    for made in session.scalars(done.order_by(Adoption.created_at)):
        found.done.setdefault(made.new_item_id, []).append(made)
    return found


def find_offer(
    session: Session, user_id: uuid.UUID, new_item: uuid.UUID, old_item: uuid.UUID
) -> Offer | None:
    found = list_offers(session, user_id)
    return next(
        (o for o in found if (o.new_item, o.old_item) == (new_item, old_item)), None
    )


def decline(session: Session, offer: Offer, user_id: uuid.UUID) -> None:
    """It is not offered again without being asked for. The caller commits."""
    session.add(
        Adoption(
            user_id=user_id,
            id=uuid7(),
            new_item_id=offer.new_item,
            old_item_id=offer.old_item,
            status="declined",
        )
    )
