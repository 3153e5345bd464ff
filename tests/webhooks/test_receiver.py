"""POST /webhooks/plaid: what is kept, what is refused, and what never gets a 200."""

import uuid

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import ProgrammingError

from config import load
from tests.dashboard.test_statements import statements
from tests.factories import make_item
from tests.sync.linked import ask_db, change_db, every_log_line, reload
from tests.webhooks.conftest import asks, inbox
from tests.webhooks.signing import NAMES, body_of, forgeries, sign
from webapp.app import create_app
from webapp.plaid.errors import PlaidError
from webapp.plaid.webhook_keys import WebhookKeys

pytestmark = pytest.mark.commits


@pytest.fixture
def hers(app, alice):
    return make_item(app, alice)


@pytest.fixture
def his(app, bob):
    return make_item(app, bob)


def test_a_valid_one_is_kept_and_asks(app, told, hers, his):
    body = body_of(hers.item_id, new_transactions=3)
    answer = told(body, sign(body))
    assert (answer.status_code, answer.text) == (200, "kept\n")
    (row,) = inbox(app)
    assert (row.user_id, row.plaid_item_id) == (hers.user_id, hers.id)
    assert (row.item_id, row.webhook_type) == (hers.item_id, "TRANSACTIONS")
    assert (row.webhook_code, row.is_replay) == ("SYNC_UPDATES_AVAILABLE", False)
    assert (row.processed_at, row.sync_run_id) == (None, None)
    found = reload(app, hers)
    assert found.req_seq == hers.req_seq + 1
    assert found.next_at <= row.received_at
    assert asks(app, his) == his.req_seq, "Bob's item was touched"


@pytest.mark.parametrize("name", NAMES)
def test_a_forged_one_has_no_effect(app, told, hers, name):
    with every_log_line() as lines:
        answer = told(*forgeries(body_of(hers.item_id))[name])
    assert answer.status_code == 401
    assert inbox(app) == []
    assert asks(app, hers) == hers.req_seq
    (line,) = [line for line in lines if line.startswith("Webhook refused, ")]
    assert int(line.split()[2]) > 0
    assert "Set-Cookie" not in answer.headers


def test_a_thousand_random_kids_cost_five_look_ups(app, told, hers, server):
    body = body_of(hers.item_id)
    answers = [
        told(body, sign(body, kid=str(uuid.uuid4()))).status_code for _ in range(1000)
    ]
    assert set(answers) == {401, 503}
    assert answers.count(401) == len(server.asked) == 5
    assert inbox(app) == []
    assert asks(app, hers) == hers.req_seq


def test_the_same_token_again_is_marked_and_asks_all_the_same(app, told, hers):
    body = body_of(hers.item_id)
    header = sign(body)
    for _ in range(3):
        assert told(body, header).status_code == 200
    assert [row.is_replay for row in inbox(app)] == [False, True, True]
    assert asks(app, hers) == hers.req_seq + 3


def test_the_same_body_signed_anew_is_news(app, told, hers):
    body = body_of(hers.item_id)
    for age in (2, 1):
        assert told(body, sign(body, age=age)).status_code == 200
    assert [row.is_replay for row in inbox(app)] == [False, False]
    assert asks(app, hers) == hers.req_seq + 2


@pytest.mark.parametrize("item_id", ["nobody's", None])
def test_an_unknown_item_is_answered_and_logged(app, told, hers, item_id):
    body = body_of(item_id)
    with every_log_line() as lines:
        assert told(body, sign(body)).status_code == 200
    assert any("for an unknown item" in line for line in lines)
    assert inbox(app) == []
    assert asks(app, hers) == hers.req_seq


def test_an_unknown_code_is_answered_logged_and_asks(app, told, hers):
    body = body_of(hers.item_id, "SOMETHING\nNEW", webhook_type="FUTURE")
    with every_log_line() as lines:
        assert told(body, sign(body)).status_code == 200
    assert r"Webhook of an unknown code: 'FUTURE:SOMETHING\nNEW'" in lines
    assert [row.webhook_code for row in inbox(app)] == ["SOMETHING\nNEW"]
    assert asks(app, hers) == hers.req_seq + 1


def test_a_signed_body_that_nobody_can_read_is_answered_and_logged(app, told, hers):
    with every_log_line() as lines:
        assert told(b"[]", sign(b"[]")).status_code == 200
    assert any("nobody can read" in line for line in lines)


def test_zero_bytes_and_long_texts_are_no_fault_of_ours(app, told, hers):
    body = body_of(hers.item_id, "A\0B" + "x" * 5000, webhook_type="ITEM")
    assert told(body, sign(body)).status_code == 200
    (row,) = inbox(app)
    assert len(row.webhook_code) == 255


def test_no_id_of_an_account_or_a_transaction_is_kept(app, told, hers):
    body = body_of(
        hers.item_id, "USER_ACCOUNT_REVOKED", webhook_type="ITEM",
        account_id="canary-account", removed_transactions=["canary-transaction"],
        error={"error_code": "X", "error_message": "canary-message"},
    )  # fmt: skip
    with every_log_line() as lines:
        assert told(body, sign(body)).status_code == 200
    kept = ask_db(app, "SELECT e::text FROM webhook_events e")[0][0]
    assert "canary" not in kept + "\n".join(lines)


@pytest.mark.parametrize("state", ["removing", "removed"])
def test_an_item_that_is_being_removed_is_left_alone(app, told, hers, state):
    change_db(app, "UPDATE plaid_items SET state = :s", s=state)
    body = body_of(hers.item_id)
    assert told(body, sign(body)).status_code == 200
    assert inbox(app) == []
    assert asks(app, hers) == hers.req_seq


def test_plaids_echo_of_our_own_call_asks_for_nothing(app, told, hers):
    body = body_of(hers.item_id, "WEBHOOK_UPDATE_ACKNOWLEDGED", webhook_type="ITEM")
    assert told(body, sign(body)).status_code == 200
    (row,) = inbox(app)
    assert row.done
    assert asks(app, hers) == hers.req_seq


@pytest.mark.parametrize("size", [64 * 1024 + 1, 10 * 1024 * 1024])
def test_what_is_too_large_is_not_even_checked(app, told, hers, server, size):
    body = body_of(hers.item_id, more="x" * size)
    answer = told(body, sign(body))
    assert answer.status_code == 413
    assert server.asked == []
    assert inbox(app) == []


def test_64_kib_are_not_too_large(app, told, hers):
    size = 64 * 1024 - len(body_of(hers.item_id, more=""))
    body = body_of(hers.item_id, more="x" * size)
    assert len(body) == 64 * 1024
    assert told(body, sign(body)).status_code == 200


def test_nothing_but_a_post_is_answered(client):
    assert client.get("/webhooks/plaid").status_code == 405


def test_a_key_that_cannot_be_fetched_is_our_fault(app, told, hers, server):
    good = dict(server.answers)
    server.answers |= dict.fromkeys(good, PlaidError("NETWORK", "no answer"))
    body = body_of(hers.item_id)
    answer = told(body, sign(body))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert inbox(app) == []
    server.answers |= good
    assert told(body, sign(body)).status_code == 200


def test_a_lost_database_is_our_fault(server, tmp_path):
    url = f"postgresql://nobody@/nothing?host={tmp_path}"
    lost = create_app(load({"DATABASE_URL": url}, tmp_path))
    lost.extensions["webhook_keys"] = WebhookKeys(server.get)
    body = body_of("item")
    answer = lost.test_client().post(
        "/webhooks/plaid", data=body, headers={"Plaid-Verification": sign(body)}
    )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    "error", [RuntimeError("bug"), ProgrammingError("x", {}, OSError())]
)
def test_a_fault_of_the_program_is_our_fault_too(server, tmp_path, settings, error):
    """Whatever it is: here the store of keys itself breaks."""
    broken = create_app(load(settings, tmp_path))
    server.answers = dict.fromkeys(server.answers, error)
    broken.extensions["webhook_keys"] = WebhookKeys(server.get)
    body = body_of("item")
    answer = broken.test_client().post(
        "/webhooks/plaid", data=body, headers={"Plaid-Verification": sign(body)}
    )
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0


def test_row_and_ask_come_together_or_not_at_all(app, told, hers):
    """The row cannot be written: the ask is not there either."""
    change_db_as_owner(app, "REVOKE INSERT ON webhook_events FROM smartbudget_app")
    body = body_of(hers.item_id)
    try:
        assert told(body, sign(body)).status_code == 503
        assert asks(app, hers) == hers.req_seq
    finally:
        change_db_as_owner(app, "GRANT INSERT ON webhook_events TO smartbudget_app")
    assert told(body, sign(body)).status_code == 200
    assert asks(app, hers) == hers.req_seq + 1


def change_db_as_owner(app, statement):
    engine = create_engine(app.config["DATABASE_OWNER_URL"])
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_an_answer_costs_few_statements_and_no_call(app, told, hers, server):
    body = body_of(hers.item_id)
    told(body, sign(body))
    asked = len(server.asked)
    with statements(app) as seen:
        assert told(body, sign(body)).status_code == 200
    assert len(seen) <= 4, seen
    assert len(server.asked) == asked
