"""Deleting one's account: the password, the banks at Plaid, and nothing left here."""

import pytest

from tests.factories import PASSWORD, csrf_token, make_user, signed_in
from tests.sync.linked import (
    answers,
    ask_db,
    change_db,
    claim,
    link,
    live,
    page,
    row,
    run,
    state_at_bank,
    sync,
)
from webapp.extensions import db
from webapp.jobs import queue
from webapp.linking.departure import delete_account
from webapp.linking.removal import disconnect
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

REMOVE = "/item/remove"


@pytest.fixture
def banks(app, bank, alice):
    made = [link(app, bank, alice, "user_load_9", "any") for _ in range(2)]
    for item in made:
        assert sync(app, item) == "succeeded"
    return made


def leave(client, password: str = PASSWORD):
    token = csrf_token(client.get("/settings/deletion").text)
    data = {"csrf_token": token, "password": password}
    return client.post("/settings/deletion", data=data)


def work_all(app) -> list[str]:
    ended = []
    while (status := work_once(app)) is not None:
        ended.append(status)
    return ended


def gone_at_bank(bank, item) -> bool:
    return item.item_id not in {known["item_id"] for known in bank.state()["items"]}


def rows_of(app, user) -> dict[str, int]:
    """How much of the user's is left in every table that names one."""
    tables = [
        table.name
        for table in db.metadata.tables.values()
        if "user_id" in table.columns and not table.info.get("is_view")
    ]
    assert len(tables) > 8
    found = {
        name: ask_db(app, f"SELECT count(*) FROM {name} WHERE user_id = :u", u=user.id)
        for name in tables
    }
    return {name: count[0][0] for name, count in found.items() if count[0][0]}


def test_the_page_says_what_is_lost_and_asks_for_the_password(alice, bank, app):
    shown = signed_in(app, alice).get("/settings/deletion").text
    for words in ("cannot be undone", "disconnected here and at Plaid", "your login"):
        assert words in shown
    assert 'type="password"' in shown


def test_everything_is_gone_here_and_at_plaid(app, bank, alice, banks):
    client = signed_in(app, alice)
    answer = leave(client)
    assert (answer.status_code, answer.location) == (303, "/login")
    assert '"storage"' in answer.headers["Clear-Site-Data"]
    assert "everything in it is being deleted" in client.get("/login").text
    assert set(work_all(app)) == {"done"}
    assert ask_db(app, "SELECT 1 FROM users") == []
    assert rows_of(app, alice) == {}
    assert [gone_at_bank(bank, item) for item in banks] == [True, True]
    assert ask_db(app, "SELECT 1 FROM jobs") == []


def test_at_once_nobody_is_there_and_nothing_says_who_it_was(app, bank, alice, banks):
    """Before any job: no login, no name, no figure; and the address is free."""
    leave(signed_in(app, alice))
    (row,) = ask_db(app, "SELECT * FROM users")
    assert not row.is_active
    for told in ("alice", "Alice", alice.password_hash):
        assert told not in str(row)
    assert ask_db(app, "SELECT 1 FROM ledger") == []
    again = make_user(app, email=alice.email)
    assert signed_in(app, again).get("/").status_code == 200
    work_all(app)
    assert ask_db(app, "SELECT id FROM users") == [(again.id,)]


def test_the_session_is_over_in_every_browser(app, bank, alice):
    here, elsewhere = signed_in(app, alice), signed_in(app, alice)
    leave(here)
    for client in (here, elsewhere):
        answer = client.get("/")
        assert (answer.status_code, answer.location[:6]) == (303, "/login")


def test_bob_and_his_bank_stay(app, bank, alice, bob, banks):
    his = link(app, bank, bob, "user_load_9", "any")
    sync(app, his)
    before = rows_of(app, bob)
    assert before
    leave(signed_in(app, alice))
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 hour'")
    work_all(app)
    assert rows_of(app, bob) == before
    assert not gone_at_bank(bank, his)
    assert signed_in(app, bob).get("/").status_code == 200


def test_a_wrong_password_deletes_nothing_and_not_for_long(app, bank, alice, banks):
    client = signed_in(app, alice)
    for _ in range(5):
        answer = leave(client, "not my password at all")
        assert answer.status_code == 422
        assert "This is not your password." in answer.text
    answer = leave(client)
    assert (answer.status_code, bool(answer.headers["Retry-After"])) == (429, True)
    assert len(ask_db(app, "SELECT 1 FROM plaid_items WHERE state = 'healthy'")) == 2
    assert leave(client, "").status_code == 422


def test_plaid_is_told_until_it_works(app, bank, alice, banks):
    bank.fault(REMOVE, error_code="INTERNAL_SERVER_ERROR", times=2)
    leave(signed_in(app, alice))
    assert sorted(work_all(app)) == ["done", "failed", "failed"]
    assert ask_db(app, "SELECT 1 FROM users") == [], "it goes on without"
    change_db(app, "UPDATE jobs SET run_at = now()")
    assert work_all(app) == ["done", "done"]
    assert [gone_at_bank(bank, item) for item in banks] == [True, True]


def test_a_login_that_waited_for_a_word_goes_at_plaid_as_well(app, bank, alice, banks):
    """The bank linked a second time: on no page, never read, and paid for."""
    change_db(
        app, "UPDATE plaid_items SET state = 'removing' WHERE id = :id", id=banks[0].id
    )
    leave(signed_in(app, alice))
    work_all(app)
    assert [gone_at_bank(bank, item) for item in banks] == [True, True]


def test_other_jobs_are_cancelled_and_kept_history_goes(app, bank, alice, bob, banks):
    with app.app_context():
        disconnect(tools_of(app), alice.id, banks[0].id, keep_history=True)
        for key, user in (("a", alice), ("b", bob)):
            args = {"item": str(banks[0].id)}
            queue.put(db.session(), "bank_notice", key, args, user_id=user.id)
        db.session.commit()
    leave(signed_in(app, alice))
    notices = ask_db(app, "SELECT key FROM jobs WHERE kind = 'bank_notice'")
    assert notices == [("b",)]
    removals = ask_db(app, "SELECT key FROM jobs WHERE kind = 'item_removal'")
    assert {one.key for one in removals} == {item.item_id for item in banks}
    work_all(app)
    assert rows_of(app, alice) == {}


def test_a_sync_under_way_brings_nothing_back(app, bank, alice):
    item = link(app, bank, alice)
    sync(app, item)
    account = ask_db(app, "SELECT plaid_account_id FROM bank_accounts")[0][0]
    answers(bank, page([row(account, "a")]))

    def go(fetched):
        with app.app_context():
            delete_account(tools_of(app), alice.id)
            db.session.commit()

    assert run(app, claim(app, item), go) == "superseded"
    assert ask_db(app, "SELECT 1 FROM transactions") == []
    assert set(work_all(app)) == {"done"}
    assert rows_of(app, alice) == {}
    with pytest.raises(KeyError):
        state_at_bank(bank, item.item_id)


def test_nobody_is_deleted_by_somebody_else(app, bank, alice, bob, banks):
    leave(signed_in(app, bob))
    work_all(app)
    assert rows_of(app, alice)
    assert [len(live(app, item)) for item in banks] == [9, 9]
