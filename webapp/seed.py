"""The demo's user and banks, through the very path that people's own take."""

import uuid
from collections.abc import Callable

from sqlalchemy import select

from webapp.demo.user import DEMO_EMAIL
from webapp.linking import sessions
from webapp.linking.completion import complete
from webapp.linking.metadata import LinkInstitution, SuccessMetadata
from webapp.linking.sessions import Callbacks
from webapp.models import PlaidItem, User
from webapp.sync import schedule
from webapp.sync.run import Tools, sync_item

BANKS = [
    ("ins_109508", "First Platypus Bank", "user_demo_main"),
    ("ins_109511", "Tartan Bank", "user_demo_card"),
]
COUNTRIES = ["US"]

Say = Callable[[str], None]


def seed(tools: Tools, make_user: Callable[[], User], say: Say) -> None:
    """Make the demo user once, link the demo banks that are missing, sync them."""
    session = tools.session
    user = session.scalar(select(User).where(User.email == DEMO_EMAIL))
    if user is None:
        user = make_user()
        session.commit()
        say(f"Made the demo user {DEMO_EMAIL}.")
    user_id = user.id
    linked = set(
        session.scalars(
            select(PlaidItem.institution_id).where(PlaidItem.user_id == user_id)
        )
    )
    session.commit()
    for institution_id, name, username in BANKS:
        if institution_id not in linked:
            _link(tools, user_id, institution_id, name, username, say)


def _link(
    tools: Tools,
    user_id: uuid.UUID,
    institution_id: str,
    name: str,
    username: str,
    say: Say,
) -> None:
    say(f"Linking {name} ...")
    session_id = sessions.open_session(tools, user_id, Callbacks(COUNTRIES))
    attempt = sessions.find(tools.session, user_id, session_id)
    assert attempt is not None  # noqa: S101 - made in the line before
    token = tools.plaid.sandbox_public_token_create(
        institution_id, username, "pass_good"
    )
    said = SuccessMetadata(LinkInstitution(institution_id, name))
    outcome = complete(tools, attempt, token.public_token, said, COUNTRIES)
    if outcome.item is None:
        raise outcome.error or RuntimeError(f"{name} was not linked: {outcome.status}")
    held = schedule.claim_one(tools.session, user_id, outcome.item)
    tools.session.commit()
    if held is None:  # the worker was faster
        return
    sync_item(tools, held, lambda fetched: say(f"  {fetched.rows} transactions read"))
