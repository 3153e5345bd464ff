"""A bank is linked: once, with an encrypted token, and its first sync is due."""

import json

import pytest

from tests import factories
from tests.linking.walk import (
    PLATYPUS,
    accounts,
    attempt_row,
    csrf,
    items,
    leave,
    post,
    said,
    start,
    succeed,
    told,
)
from tests.sync.linked import (
    Background,
    ask_db,
    change_db,
    every_log_line,
    public_token_of,
    state_at_bank,
)
from webapp.extensions import db
from webapp.sync.run import token_place
from webapp.worker import work_once

pytestmark = pytest.mark.commits

EXCHANGE = "/item/public_token/exchange"


def test_a_bank_is_linked_and_its_transactions_come(app, bank, alice, alice_client):
    attempt = start(alice_client)
    answer = succeed(alice_client, attempt, public_token_of(bank))
    assert (answer.status_code, answer.location) == (303, "/accounts/")
    assert "First Platypus Bank is linked" in told(alice_client)
    (item,) = items(app)
    assert (item.user_id, item.institution_id) == (alice.id, "ins_109508")
    assert (item.state, item.cursor, item.lease_token) == ("first_sync", None, None)
    assert len(accounts(app)) == 14
    row = attempt_row(app, attempt)
    assert (row.status, row.plaid_item_id) == ("linked", item.id)
    assert row.link_session_id == "link-session-1"
    assert row.finished_at is not None
    assert work_once(app) == "succeeded"
    assert ask_db(app, "SELECT count(*) FROM transactions")[0][0] > 300


def test_the_first_sync_is_due_at_once(app, bank, alice_client):
    succeed(alice_client, start(alice_client), public_token_of(bank))
    due = ask_db(app, "SELECT next_at <= now(), req_seq FROM plaid_items")
    assert tuple(due[0]) == (True, 2)


def test_the_access_token_can_be_read_in_its_own_row_only(app, bank, alice_client):
    succeed(alice_client, start(alice_client), public_token_of(bank))
    (item,) = items(app)
    at_bank = state_at_bank(bank, item.item_id)["access_token"]
    vault = app.extensions["vault"]
    assert vault.decrypt(item.access_token, token_place(item.id)) == at_bank


def test_no_token_is_at_rest_in_any_table_or_log(app, bank, alice_client):
    public_token = public_token_of(bank)
    with every_log_line() as lines:
        answer = alice_client.post(
            "/accounts/link", data={"csrf_token": csrf(alice_client)}
        )
        page = alice_client.get(answer.location).text
        succeed(alice_client, answer.location.rsplit("/", 1)[1], public_token)
        assert work_once(app) == "succeeded"
    (item,) = items(app)
    config = page.split('id="link-config">')[1].split("</script>")[0]
    secrets = [
        public_token,
        json.loads(config)["token"],
        state_at_bank(bank, item.item_id)["access_token"],
    ]
    stored = everything_stored(app)
    for secret in secrets:
        assert len(secret) > 20
        assert secret not in stored
        assert secret.encode().hex() not in stored, "in a column of bytes"
        assert secret not in "\n".join(lines)


def everything_stored(app) -> str:
    """All rows of all tables as text, bytes as hex: what a dump would show."""
    tables = ask_db(app, "SELECT relname FROM pg_stat_user_tables")
    assert len(tables) > 8
    found = [
        str(row[0])
        for (table,) in tables
        for row in ask_db(app, f'SELECT t::text FROM "{table}" t')
    ]
    return "\n".join(found)


def test_two_posts_at_once_link_one_bank(app, bank, alice):
    """A double click, or the page open twice: one exchanges, the other is told so."""
    one, two = (factories.signed_in(app, alice) for _ in range(2))
    attempt = start(one)
    tokens = [public_token_of(bank) for _ in range(2)]
    bank.fault(EXCHANGE, latency=0.3, times=None)
    posts = [
        Background(succeed, client, attempt, token)
        for client, token in zip((one, two), tokens, strict=True)
    ]
    answers = [post.result() for post in posts]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(items(app)) == 1
    assert bank.count_calls(EXCHANGE) == 1
    pages = [told(one), told(two)]
    assert sum("is linked. Its transactions" in page for page in pages) == 1
    assert sum("being linked right now" in page for page in pages) == 1


def test_a_second_post_after_the_first_changes_nothing(app, bank, alice_client):
    attempt = start(alice_client)
    succeed(alice_client, attempt, public_token_of(bank))
    before = items(app)
    again = succeed(alice_client, attempt, public_token_of(bank))
    assert again.status_code == 303
    assert "This bank is linked." in told(alice_client)
    assert items(app) == before
    assert bank.count_calls(EXCHANGE) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "null",
        "not json",
        "[]",
        '{"institution": 4}',
        '{"institution": null, "accounts": []}',
        '{"institution": {"institution_id": "ins_\\u0000", "name": "\\u0000"}}',
        '{"institution": {"institution_id": "ins_nobody", "name": "Evil Bank"}}',
        "[" * 90_000,
    ],
)
def test_whatever_the_browser_says_of_the_bank_the_banks_own_word_counts(
    app, bank, alice_client, metadata
):
    attempt = start(alice_client)
    answer = succeed(alice_client, attempt, public_token_of(bank), metadata)
    assert answer.status_code == 303
    (item,) = items(app)
    assert (item.institution_id, item.institution_name) == tuple(PLATYPUS.values())
    assert attempt_row(app, attempt).status == "linked"


def test_the_banks_logo_and_colour_are_fetched_once(app, bank, alice, alice_client):
    succeed(alice_client, start(alice_client), public_token_of(bank))
    (known,) = ask_db(app, "SELECT * FROM institutions")
    assert known.primary_color == "#1f5f8b"
    assert known.logo
    assert bank.count_calls("/institutions/get_by_id") == 1
    other = public_token_of(bank, "user_load_3", "any")
    succeed(alice_client, start(alice_client), other)
    assert len(items(app)) == 2
    assert bank.count_calls("/institutions/get_by_id") == 1


# Update mode


@pytest.fixture
def broken(app, bank, alice, alice_client):
    """A bank whose login stopped working."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    assert work_once(app) == "succeeded"
    change_db(
        app,
        "UPDATE plaid_items SET state = 'login_required', attempts = 4,"
        " last_error_code = 'ITEM_LOGIN_REQUIRED', last_error_message = 'x',"
        " not_before = now() + interval '3 h', next_at = now() + interval '3 h'",
    )
    return items(app)[0]


def test_update_mode_repairs_without_an_exchange(app, bank, alice_client, broken):
    exchanges = bank.count_calls(EXCHANGE)
    attempt = start(alice_client, f"/accounts/{broken.id}/repair")
    row = attempt_row(app, attempt)
    assert (row.mode, row.plaid_item_id) == ("update", broken.id)
    answer = succeed(alice_client, attempt, "public-sandbox-not-to-be-used")
    assert answer.status_code == 303
    assert "is working again" in told(alice_client)
    (item,) = items(app)
    assert (item.id, item.item_id) == (broken.id, broken.item_id)
    assert bytes(item.access_token) == bytes(broken.access_token)
    assert (item.state, item.attempts, item.not_before) == ("healthy", 0, None)
    assert item.last_error_code is None
    assert item.cursor == broken.cursor
    assert bank.count_calls(EXCHANGE) == exchanges
    assert attempt_row(app, attempt).status == "linked"
    assert work_once(app) == "succeeded", "a sync is due at once"


def test_leaving_update_mode_changes_nothing(app, bank, alice_client, broken):
    attempt = start(alice_client, f"/accounts/{broken.id}/repair")
    leave(alice_client, attempt)
    assert items(app) == [broken]


def test_a_bank_removed_while_its_repair_is_open_stays_removed(
    app, bank, alice_client, broken
):
    attempt = start(alice_client, f"/accounts/{broken.id}/repair")
    change_db(app, "UPDATE plaid_items SET state = 'removing'")
    answer = succeed(alice_client, attempt, "public-sandbox-x")
    assert answer.status_code == 303
    assert "is working again" not in told(alice_client)
    assert items(app)[0].state == "removing"
    assert attempt_row(app, attempt).status == "failed"


def test_nobody_repairs_what_is_somebody_elses(app, bank, bob_client, broken):
    path = f"/accounts/{broken.id}/repair"
    assert bob_client.get(path).status_code == 404
    assert post(bob_client, path).status_code == 404


# The same item again


@pytest.fixture
def token_of_the_same_item(app, bank, alice_client):
    """A public token of update mode: its exchange gives the item that is there."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    (item,) = items(app)
    access_token = state_at_bank(bank, item.item_id)["access_token"]
    given = bank.plaid("/item/public_token/create", access_token=access_token)
    return given["public_token"]


def test_ones_own_item_again_is_a_duplicate(
    app, bank, alice_client, token_of_the_same_item
):
    before = items(app)
    attempt = start(alice_client)
    answer = succeed(
        alice_client, attempt, token_of_the_same_item, said({"institution_id": "x"})
    )
    assert answer.status_code == 303
    assert "linked already" in told(alice_client)
    assert items(app) == before
    assert attempt_row(app, attempt).status == "duplicate"


def test_somebody_elses_item_is_refused(app, bank, bob_client, token_of_the_same_item):
    before = items(app)
    attempt = start(bob_client)
    answer = succeed(bob_client, attempt, token_of_the_same_item)
    assert answer.status_code in (422, 503)
    assert "INVALID_PUBLIC_TOKEN" in answer.text
    assert items(app) == before
    assert attempt_row(app, attempt).status == "failed"
    assert state_at_bank(bank, before[0].item_id), "Alice keeps it"


def test_everything_is_committed_when_the_answer_comes(app, bank, alice_client):
    """No session of a request is left open with work in it."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    with app.app_context():
        assert not db.session.new
        assert not db.session.dirty
