"""Attempts to link a bank: a row each, with one winner and a known end."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from webapp.crypto import Place
from webapp.linking.duplicates import Twin
from webapp.models import LinkStatus, PlaidItem, PlaidLinkSession
from webapp.models.plaid_link_session import LIFETIME
from webapp.plaid.client import LinkRequest
from webapp.plaid.errors import PlaidError
from webapp.sync.run import Tools, token_place

# Plaid's public token lives for half an hour from the moment it was made.
TIME_TO_CHOOSE = dt.timedelta(minutes=25)


@dataclass(frozen=True)
class Callbacks:
    """What Plaid is told about this installation."""

    country_codes: list[str]
    webhook: str | None = None
    redirect_uri: str | None = None


def place(session_id: uuid.UUID) -> Place:
    return Place("plaid_link_sessions", session_id, "link_token")


def public_place(session_id: uuid.UUID) -> Place:
    return Place("plaid_link_sessions", session_id, "public_token")


def open_session(
    tools: Tools,
    user_id: uuid.UUID,
    callbacks: Callbacks,
    repair: PlaidItem | None = None,
    *,
    selects_accounts: bool = False,
) -> uuid.UUID:
    """Fetch a link token and remember the attempt; `repair` makes it update mode.

    `selects_accounts` lets the person share more accounts in it, or fewer. Commits.
    Raises PlaidError, and then nothing is left behind.
    """
    access_token = None
    if repair is not None:
        access_token = tools.vault.decrypt(repair.access_token, token_place(repair.id))
    tools.session.commit()  # no transaction stays open while Plaid is called
    wanted = LinkRequest(
        client_user_id=str(user_id),
        country_codes=callbacks.country_codes,
        webhook=callbacks.webhook,
        redirect_uri=callbacks.redirect_uri,
        access_token=access_token,
        selects_accounts=selects_accounts,
    )
    answer = tools.plaid.link_token_create(wanted)
    session_id = uuid7()
    tools.session.add(
        PlaidLinkSession(
            user_id=user_id,
            id=session_id,
            link_token=tools.vault.encrypt(answer.link_token, place(session_id)),
            mode="new" if repair is None else "update",
            plaid_item_id=None if repair is None else repair.id,
            selects_accounts=selects_accounts,
            request_id=answer.request_id,
            expires_at=func.now() + LIFETIME,
        )
    )
    tools.session.commit()
    return session_id


def find(
    session: Session, user_id: uuid.UUID, session_id: uuid.UUID
) -> PlaidLinkSession | None:
    """The user's own attempt."""
    return session.get(PlaidLinkSession, (user_id, session_id), populate_existing=True)


def take(
    session: Session,
    attempt: PlaidLinkSession,
    from_status: LinkStatus = LinkStatus.CREATED,
) -> bool:
    """`from_status` -> exchanging for one caller only, or -> expired. Commits.

    True for the caller who may go on.
    """
    taken = session.execute(
        update(PlaidLinkSession)
        .where(
            PlaidLinkSession.user_id == attempt.user_id,
            PlaidLinkSession.id == attempt.id,
            PlaidLinkSession.status == from_status,
        )
        .values(
            status=case(
                (PlaidLinkSession.expires_at > func.now(), LinkStatus.EXCHANGING),
                else_=LinkStatus.EXPIRED,
            )
        )
        .returning(PlaidLinkSession.status)
    ).scalar_one_or_none()
    session.commit()
    return taken == LinkStatus.EXCHANGING


def end(
    session: Session,
    attempt: PlaidLinkSession,
    status: LinkStatus,
    *,
    item: uuid.UUID | None = None,
    error: PlaidError | None = None,
) -> None:
    """Set the attempt's end. The caller commits."""
    session.execute(
        update(PlaidLinkSession)
        .where(
            PlaidLinkSession.user_id == attempt.user_id,
            PlaidLinkSession.id == attempt.id,
        )
        .values(
            status=status,
            plaid_item_id=item or attempt.plaid_item_id,
            error_code=error.code if error else None,
            error_message=(error.display_message or error.message) if error else None,
            request_id=error.request_id if error else attempt.request_id,
            public_token=None,
            finished_at=func.now(),
        )
    )


def hold(
    tools: Tools,
    attempt: PlaidLinkSession,
    twin: Twin,
    *,
    public_token: str | None = None,
    exchanged: uuid.UUID | None = None,
) -> None:
    """Wait for the person's word on a bank that is linked already. The caller commits.

    What it is about is a public token, not exchanged yet, or the item that came of it.
    """
    sealed = None
    if public_token is not None:
        sealed = tools.vault.encrypt(public_token, public_place(attempt.id))
    tools.session.execute(
        update(PlaidLinkSession)
        .where(
            PlaidLinkSession.user_id == attempt.user_id,
            PlaidLinkSession.id == attempt.id,
        )
        .values(
            status=LinkStatus.CHOOSING,
            plaid_item_id=twin.item.id,
            selects_accounts=not twin.is_whole,
            public_token=sealed,
            exchanged_item_id=exchanged,
            expires_at=func.now() + TIME_TO_CHOOSE,
            finished_at=None,
        )
    )


def held_token(tools: Tools, attempt: PlaidLinkSession) -> str | None:
    """The public token that was held, if it was not exchanged."""
    if attempt.public_token is None:
        return None
    return tools.vault.decrypt(attempt.public_token, public_place(attempt.id))


def newest_open(session: Session, user_id: uuid.UUID) -> PlaidLinkSession | None:
    """The attempt a bank's own site sends the browser back to."""
    return session.scalar(
        select(PlaidLinkSession)
        .where(
            PlaidLinkSession.user_id == user_id,
            PlaidLinkSession.status == LinkStatus.CREATED,
            PlaidLinkSession.expires_at > func.now(),
        )
        .order_by(PlaidLinkSession.created_at.desc())
        .limit(1)
    )
