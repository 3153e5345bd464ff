"""Deleting one's account while a bank of the same person is being linked or read."""

import pytest
from sqlalchemy import text

from tests.factories import signed_in
from tests.linking.walk import said, start, succeed
from tests.sync.linked import (
    Background,
    ask_db,
    change_db,
    link,
    public_token_of,
    until,
)
from webapp.extensions import db
from webapp.linking.departure import delete_account
from webapp.linking.removal import disconnect
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

EXCHANGE = "/item/public_token/exchange"
UNDER_WAY = "SELECT 1 FROM plaid_link_sessions WHERE status = 'exchanging'"
NEW_ACCOUNT = """
    INSERT INTO bank_accounts
        (user_id, id, plaid_item_id, plaid_account_id, name, type, currency)
    SELECT user_id, gen_random_uuid(), id, 'x', 'x', 'depository', 'USD'
    FROM plaid_items
"""


def leave(app, user) -> None:
    with app.app_context():
        delete_account(tools_of(app), user.id)
        db.session.commit()


def known_at(bank) -> set[str]:
    return {item["item_id"] for item in bank.state()["items"]}


def work_all(app) -> list[str]:
    change_db(app, "UPDATE jobs SET run_at = now()")
    ended = []
    while (status := work_once(app)) is not None:
        ended.append(status)
    return ended


@pytest.mark.parametrize("erased_first", [False, True])
def test_a_bank_linked_while_its_owner_left_goes_at_plaid(
    app, bank, alice, erased_first
):
    """Its token comes after the user was marked, or even after the last row is gone."""
    client = signed_in(app, alice)
    attempt = start(client)
    others = known_at(bank)
    token = public_token_of(bank)
    assert known_at(bank) > others
    bank.fault(EXCHANGE, latency=0.5)
    linking = Background(succeed, client, attempt, token, said())
    until(lambda: ask_db(app, UNDER_WAY))
    leave(app, alice)
    if erased_first:
        work_all(app)
        assert ask_db(app, "SELECT 1 FROM users") == []
    assert linking.result().status_code == 303
    work_all(app)
    assert known_at(bank) == others
    for table in ("users", "plaid_items", "jobs"):
        assert ask_db(app, f"SELECT 1 FROM {table}") == []


def test_a_disconnection_does_not_wait_for_a_long_merge(app, bank, alice):
    """A merge that wrote an account holds the key of the bank's row until it ends."""
    item = link(app, bank, alice)

    def end() -> bool:
        with app.app_context():
            db.session.execute(text("SET LOCAL lock_timeout = '2s'"))
            done = disconnect(tools_of(app), alice.id, item.id, keep_history=False)
            db.session.commit()
            return done

    with app.app_context(), db.engine.connect() as merge:
        merge.execute(text(NEW_ACCOUNT))
        assert Background(end).result()
        merge.rollback()
