"""After Link's success: duplicate check, exchange, item, accounts (ARCHITECTURE 7)."""

import datetime as dt
import logging
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from webapp.linking import choice, duplicates, institutions, removal, sessions
from webapp.linking.metadata import SuccessMetadata
from webapp.models import (
    BankAccount,
    ItemState,
    LinkStatus,
    PlaidItem,
    PlaidLinkSession,
    User,
)
from webapp.models.plaid_item import UNLINKED
from webapp.plaid.decode import AccountsAnswer, Exchange
from webapp.plaid.errors import PlaidError
from webapp.sync import schedule
from webapp.sync.accounts import write_accounts
from webapp.sync.run import Tools, token_place

log = logging.getLogger(__name__)
# The worker leaves a new item alone for this long, so that the check for a duplicate
# comes first; if this process dies in between, the worker takes over.
HEAD_START = dt.timedelta(seconds=20)


@dataclass(frozen=True)
class Outcome:
    """How the attempt ended, the item it concerns, and the bank's word on a failure."""

    status: LinkStatus
    item: uuid.UUID | None = None
    bank: str = ""
    error: PlaidError | None = None


def complete(
    tools: Tools,
    attempt: PlaidLinkSession,
    public_token: str,
    said: SuccessMetadata,
    country_codes: list[str],
) -> Outcome:
    """Turn Link's success into a linked bank. Commits step by step.

    Never raises PlaidError: a refusal is an outcome, and nothing is half-made.
    """
    if not sessions.take(tools.session, attempt):
        tools.session.refresh(attempt)
        status = attempt.status_at(dt.datetime.now(dt.UTC))
        return Outcome(status, attempt.plaid_item_id)
    if attempt.mode == "update":
        return _repaired(tools, attempt)
    institution = said.institution
    institution_id = institution.institution_id if institution else None
    bank = (institution.name if institution else "") or "Your bank"
    twin = duplicates.find_twin(
        tools.session, attempt.user_id, institution_id, said.accounts
    )
    if twin is not None:
        sessions.hold(tools, attempt, twin, public_token=public_token)
        tools.session.commit()
        return Outcome(LinkStatus.CHOOSING, twin.item.id, twin.item.institution_name)
    return exchange(tools, attempt, public_token, institution_id, bank, country_codes)


def exchange(
    tools: Tools,
    attempt: PlaidLinkSession,
    public_token: str,
    institution_id: str | None,
    bank: str,
    country_codes: list[str],
    *,
    is_second_login: bool = False,
) -> Outcome:
    """The public token for an item, once. Commits. As `complete`."""
    user_id = attempt.user_id
    tools.session.commit()
    try:
        given = tools.plaid.item_public_token_exchange(public_token)
    except PlaidError as error:
        sessions.end(tools.session, attempt, LinkStatus.FAILED, error=error)
        tools.session.commit()
        return Outcome(LinkStatus.FAILED, bank=bank, error=error)
    owner = select(User.id).where(User.id == user_id)
    if not tools.session.scalar(owner.with_for_update(read=True, key_share=True)):
        removal.remove_unowned(tools, user_id, given.item_id, given.access_token)
        tools.session.commit()
        return Outcome(LinkStatus.FAILED)
    item = _keep(tools, attempt, given, institution_id, bank)
    if item is None:
        return _known_already(tools, attempt, given, bank)
    return _check_and_fill(
        tools, attempt, item, given, bank, country_codes, is_second_login
    )


def _keep(
    tools: Tools,
    attempt: PlaidLinkSession,
    given: Exchange,
    institution_id: str | None,
    bank: str,
) -> uuid.UUID | None:
    """The item, committed at once: Plaid gives the token only this one time.

    None where the item is here already: a public token of update mode gives the same
    item again.
    """
    item = uuid7()
    made = insert(PlaidItem).values(
        user_id=attempt.user_id,
        id=item,
        item_id=given.item_id,
        institution_id=institution_id,
        institution_name=bank,
        access_token=tools.vault.encrypt(given.access_token, token_place(item)),
        next_at=func.now() + HEAD_START,
    )
    made = made.on_conflict_do_nothing(index_elements=[PlaidItem.item_id])
    if tools.session.execute(made.returning(PlaidItem.id)).scalar() is None:
        tools.session.rollback()
        return None
    sessions.end(tools.session, attempt, LinkStatus.LINKED, item=item)
    tools.session.commit()
    return item


def _known_already(
    tools: Tools, attempt: PlaidLinkSession, given: Exchange, bank: str
) -> Outcome:
    """The item of an earlier attempt: this person's own, or one of somebody else's."""
    twin = tools.session.scalar(
        select(PlaidItem).where(
            PlaidItem.user_id == attempt.user_id,
            PlaidItem.item_id == given.item_id,
            PlaidItem.state.not_in(UNLINKED),
        )
    )
    if twin is not None:
        return _duplicate(tools, attempt, twin)
    error = PlaidError(
        "INVALID_PUBLIC_TOKEN", "this login is linked already", given.request_id
    )
    sessions.end(tools.session, attempt, LinkStatus.FAILED, error=error)
    tools.session.commit()
    return Outcome(LinkStatus.FAILED, bank=bank, error=error)


def _check_and_fill(
    tools: Tools,
    attempt: PlaidLinkSession,
    item: uuid.UUID,
    given: Exchange,
    bank: str,
    country_codes: list[str],
    is_second_login: bool,
) -> Outcome:
    try:
        answer = tools.plaid.accounts_get(given.access_token)
    except PlaidError as error:
        log.info("Accounts of a new item come with its first sync: %s", error.code)
        start_now(tools, attempt.user_id, item)
        return Outcome(LinkStatus.LINKED, item, bank)
    duplicates.take_turn(tools.session, attempt.user_id)
    bank = _name_from_bank(tools, attempt.user_id, item, answer, bank)
    twin = duplicates.find_twin(
        tools.session,
        attempt.user_id,
        answer.item.institution_id,
        answer.accounts,
        but=item,
    )
    if twin is not None and not is_second_login:
        choice.hold_item(tools, attempt, item, twin)
        tools.session.commit()
        return Outcome(LinkStatus.CHOOSING, twin.item.id, twin.item.institution_name)
    new_ids = [uuid7() for _ in answer.accounts]
    try:
        write_accounts(tools.session, attempt.user_id, item, new_ids, answer.accounts)
    except PlaidError as error:
        log.warning("Accounts of a new item make no sense: %s", error)
    start_now(tools, attempt.user_id, item)
    if answer.item.institution_id:
        institutions.describe(tools, answer.item.institution_id, country_codes)
    return Outcome(LinkStatus.LINKED, item, bank)


def _name_from_bank(
    tools: Tools,
    user_id: uuid.UUID,
    item: uuid.UUID,
    answer: AccountsAnswer,
    bank: str,
) -> str:
    """The server's word on which bank it is outweighs the browser's."""
    institution_id = answer.item.institution_id
    name = answer.item.institution_name or bank
    tools.session.execute(
        update(PlaidItem)
        .where(PlaidItem.user_id == user_id, PlaidItem.id == item)
        .values(institution_id=institution_id, institution_name=name)
    )
    return name


def start_now(tools: Tools, user_id: uuid.UUID, item: uuid.UUID) -> None:
    schedule.ask(tools.session, user_id, item, by_person=True)
    tools.session.commit()


def _duplicate(tools: Tools, attempt: PlaidLinkSession, twin: PlaidItem) -> Outcome:
    sessions.end(tools.session, attempt, LinkStatus.DUPLICATE, item=twin.id)
    outcome = Outcome(LinkStatus.DUPLICATE, twin.id, twin.institution_name)
    tools.session.commit()
    return outcome


def _repaired(tools: Tools, attempt: PlaidLinkSession) -> Outcome:
    """Update mode: the access token stays, nothing is exchanged."""
    item = attempt.plaid_item_id
    name = tools.session.execute(
        update(PlaidItem)
        .where(PlaidItem.user_id == attempt.user_id, PlaidItem.id == item)
        .where(PlaidItem.state.not_in(UNLINKED))
        .values(
            state=ItemState.HEALTHY,
            not_before=None,
            attempts=0,
            last_error_code=None,
            last_error_message=None,
            new_accounts_at=None
            if attempt.selects_accounts
            else PlaidItem.new_accounts_at,
        )
        .returning(PlaidItem.institution_name)
    ).scalar_one_or_none()
    if item is None or name is None:  # removed while the bank's window was open
        sessions.end(tools.session, attempt, LinkStatus.FAILED)
        tools.session.commit()
        return Outcome(LinkStatus.FAILED)
    # the next run closes again what the bank does not list
    tools.session.execute(
        update(BankAccount)
        .where(BankAccount.user_id == attempt.user_id)
        .where(BankAccount.plaid_item_id == item, BankAccount.revoked_at.is_not(None))
        .values(revoked_at=None)
    )
    sessions.end(tools.session, attempt, LinkStatus.LINKED)
    schedule.ask(tools.session, attempt.user_id, item, by_person=True)
    tools.session.commit()
    return Outcome(LinkStatus.LINKED, item, name)
