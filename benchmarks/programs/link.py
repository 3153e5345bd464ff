"""A new person with one bank, linked the way the app links it.

As a program, with the bank's user name: link it.
"""

import json
import sys
import uuid
from dataclasses import dataclass

import urllib3
from sqlalchemy import select
from uuid_utils.compat import uuid7

from config import load
from webapp.app import create_app
from webapp.linking import sessions
from webapp.linking.completion import complete
from webapp.linking.metadata import LinkInstitution, SuccessMetadata
from webapp.linking.sessions import Callbacks
from webapp.models import PlaidItem, User
from webapp.sync.run import Tools, token_place
from webapp.worker import tools_of

INSTITUTION = ("ins_109508", "First Platypus Bank")
COUNTRIES = ["US"]


@dataclass(frozen=True)
class Linked:
    """`id` is our id of the item, `item_id` Plaid's."""

    user_id: uuid.UUID
    id: uuid.UUID
    item_id: str
    access_token: str


def link(tools: Tools, username: str) -> str:
    """Link `username` at the bank for a new user; Plaid's id. Nothing is synced."""
    user_id = uuid7()
    email = f"{user_id}@example.com"
    tools.session.add(User(id=user_id, email=email, password_hash=""))
    tools.session.commit()
    session_id = sessions.open_session(tools, user_id, Callbacks(COUNTRIES))
    # a big bank takes its time: longer than a transaction may be left open
    token = public_token(tools.plaid.host, username)
    attempt = sessions.find(tools.session, user_id, session_id)
    if attempt is None:
        raise RuntimeError("the link session is gone")
    said = SuccessMetadata(LinkInstitution(*INSTITUTION))
    outcome = complete(tools, attempt, token, said, COUNTRIES)
    if outcome.item is None:
        raise RuntimeError(f"not linked: {outcome}")
    ours = select(PlaidItem.item_id).where(PlaidItem.id == outcome.item)
    return tools.session.scalars(ours).one()


def public_token(host: str, username: str) -> str:
    """What Link would give. The app's client has no patience for 100,000 inventions."""
    body = {
        "client_id": "sandbox",
        "secret": "sandbox",
        "institution_id": INSTITUTION[0],
        "initial_products": ["transactions"],
        "options": {
            "override_username": username,
            "override_password": "pass_good",
            "transactions": {"days_requested": 730},
        },
    }
    url = f"{host}/sandbox/public_token/create"
    answer = urllib3.request("POST", url, json=body, timeout=600)
    return str(answer.json()["public_token"])


def the_only_one(tools: Tools, item_id: str | None = None) -> Linked:
    """The one bank that is linked in this database, or the one of Plaid's id."""
    items = select(PlaidItem)
    if item_id:
        items = items.where(PlaidItem.item_id == item_id)
    item = tools.session.scalars(items).one()
    token = tools.vault.decrypt(item.access_token, token_place(item.id))
    found = Linked(item.user_id, item.id, item.item_id, token)
    tools.session.commit()
    return found


def main(username: str) -> None:
    app = create_app(load())
    with app.app_context():
        print(json.dumps({"item_id": link(tools_of(app), username)}))


if __name__ == "__main__":
    main(sys.argv[1])
