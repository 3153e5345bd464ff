"""What the person said about a bank that is linked already."""

import datetime as dt

from webapp.linking import choice, completion, sessions
from webapp.linking.completion import Outcome
from webapp.models import LinkStatus, PlaidItem, PlaidLinkSession
from webapp.sync.run import Tools


def decide(
    tools: Tools,
    attempt: PlaidLinkSession,
    country_codes: list[str],
    *,
    is_second_login: bool,
) -> Outcome:
    """Link it as a second login, or leave it at the one there is. Commits.

    One answer counts. Never raises PlaidError: a refusal is an outcome.
    """
    session = tools.session
    if not sessions.take(session, attempt, LinkStatus.CHOOSING):
        session.refresh(attempt)
        status = attempt.status_at(dt.datetime.now(dt.UTC))
        return Outcome(status, attempt.plaid_item_id)
    session.refresh(attempt, with_for_update=True)
    if attempt.status != LinkStatus.EXCHANGING:  # the job was a moment faster
        return Outcome(LinkStatus(attempt.status), attempt.plaid_item_id)
    choice.stop_waiting(session, attempt)
    twin = session.get_one(PlaidItem, (attempt.user_id, attempt.plaid_item_id))
    bank, institution_id = twin.institution_name, twin.institution_id
    if not is_second_login:
        choice.refuse(tools, attempt)
        session.commit()
        return Outcome(LinkStatus.DUPLICATE, twin.id, bank)
    item = choice.accept(tools, attempt)
    if item is not None:
        completion.start_now(tools, attempt.user_id, item)
        return Outcome(LinkStatus.LINKED, item, bank)
    public_token = sessions.held_token(tools, attempt) or ""
    return completion.exchange(
        tools,
        attempt,
        public_token,
        institution_id,
        bank,
        country_codes,
        is_second_login=True,
    )
