"""`flask ...`: what the commands do, say and return."""

import uuid

import pytest

from config import load
from tests.sync.linked import ask_db, change_db, claim, link, live, reload, runs
from webapp.app import create_app

pytestmark = pytest.mark.commits


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=arguments)


@pytest.fixture
def items(app, bank, alice, bob):
    """Two banks of Alice's and one of Bob's."""
    return [
        link(app, bank, person, "user_load_9", "any") for person in (alice, alice, bob)
    ]


def synced(app, items) -> list[bool]:
    return [len(live(app, item)) == 9 for item in items]


# sync


def test_sync_of_one_user(app, flask, items):
    result = flask("sync", "--user", "Alice@Example.com ")
    assert result.exit_code == 0, result.output
    assert "2 of 2 banks synced." in result.stdout
    assert synced(app, items) == [True, True, False]


@pytest.mark.parametrize("id", ["id", "item_id"])
def test_sync_of_one_item(app, flask, items, id):
    result = flask("sync", "--item", str(getattr(items[1], id)))
    assert (result.exit_code, result.stdout.strip()) == (0, "1 of 1 banks synced.")
    assert synced(app, items) == [False, True, False]


def test_sync_of_everybody_whatever_the_schedule_says(app, flask, items):
    change_db(
        app, "UPDATE plaid_items SET next_at = now() + interval '5 h',"
        " not_before = now() + interval '5 h', state = 'login_required'"
    )  # fmt: skip
    result = flask("sync", "--all")
    assert result.exit_code == 0, result.output
    assert "3 of 3 banks synced." in result.stdout
    assert synced(app, items) == [True, True, True]
    assert {reload(app, item).state for item in items} == {"healthy"}


def test_sync_shows_its_progress_apart_from_its_result(flask, items):
    result = flask("sync", "--all")
    assert "Syncing" in result.stderr
    assert "Syncing" not in result.stdout


def test_sync_goes_on_after_a_failure_and_says_so(app, bank, flask, items):
    bank.fault("/transactions/sync", error_code="INTERNAL_SERVER_ERROR")
    result = flask("sync", "--all")
    assert result.exit_code == 1
    assert "2 of 3 banks synced." in result.stdout
    assert sorted(synced(app, items)) == [False, True, True]


def test_sync_without_any_bank(flask):
    result = flask("sync", "--all")
    assert (result.exit_code, result.stdout.strip()) == (0, "0 of 0 banks synced.")


def test_sync_leaves_banks_that_are_being_removed_alone(app, bank, flask, items):
    change_db(app, "UPDATE plaid_items SET state = 'removing'")
    assert "0 of 0" in flask("sync", "--all").stdout
    assert flask("sync", "--item", str(items[0].id)).exit_code == 1
    assert bank.count_calls("/transactions/sync") == 0


def test_sync_waits_until_a_worker_gives_the_bank_back(app, flask, items):
    held = claim(app, items[0])
    soon = (
        "UPDATE plaid_items SET lease_until = now() + interval '400 ms' WHERE id = :id"
    )
    change_db(app, soon, id=held.id)
    assert flask("sync", "--item", str(held.id)).exit_code == 0
    assert reload(app, items[0]).lease_token is None
    assert len(runs(app, items[0])) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Give one of --user, --item and --all."),
        (["--all", "--user", "alice@example.com"], 2, "Give one of"),
        (["--item", "not-an-id"], 1, "There is no bank not-an-id"),
        (["--item", str(uuid.UUID(int=7))], 1, "There is no bank 0000"),
        (["--user", "nobody@example.com"], 1, "Nobody registered as nobody@"),
        (["--user", "not an address"], 1, "Nobody registered as not an address"),
    ],
)
def test_sync_of_nothing_that_exists(app, flask, arguments, code, words):
    result = flask("sync", *arguments)
    assert result.exit_code == code
    assert words in result.output


# init-db, make-admin, seed-demo, worker


def test_init_db_can_be_repeated(app, flask, alice):
    for _ in range(2):
        result = flask("init-db")
        assert result.exit_code == 0, result.output
        assert "The schema is at head." in result.output
    assert len(ask_db(app, "SELECT 1 FROM users")) == 1, "nothing is lost"


def test_make_admin_can_be_repeated(app, flask, alice, bob):
    for _ in range(2):
        result = flask("make-admin", " ALICE@example.com")
        assert result.exit_code == 0, result.output
        assert "alice@example.com is an admin." in result.output
    found = ask_db(app, "SELECT email FROM users WHERE is_admin")
    assert [row.email for row in found] == ["alice@example.com"]


def test_make_admin_of_nobody(flask):
    result = flask("make-admin", "nobody@example.com")
    assert result.exit_code == 1
    assert "Nobody registered as nobody@example.com." in result.output


def test_the_demo_is_made_once(app, bank, flask):
    first = flask("seed-demo")
    assert first.exit_code == 0, first.output
    assert "Made the demo user demo@example.com." in first.output
    made = demo(app)
    assert made["users"] == 1
    assert made["plaid_items"] == 2
    assert made["transactions"] > 500
    states = ask_db(app, "SELECT state, done_seq FROM plaid_items")
    assert [row.state for row in states] == ["healthy", "healthy"]
    second = flask("seed-demo")
    assert (second.exit_code, second.output) == (0, "")
    assert demo(app) == made


def demo(app) -> dict[str, int]:
    tables = ("users", "plaid_items", "bank_accounts", "transactions")
    return {name: ask_db(app, f"SELECT count(*) FROM {name}")[0][0] for name in tables}


def test_a_demo_cut_off_half_way_is_completed(app, bank, flask):
    bank.fault("/item/public_token/exchange", skip=1, status=500, body="")
    first = flask("seed-demo")
    assert first.exit_code == 1
    assert "Error: UNREADABLE" in first.output
    assert demo(app)["plaid_items"] == 1
    result = flask("seed-demo")
    assert result.exit_code == 0, result.output
    assert demo(app)["plaid_items"] == 2


def test_a_demo_without_its_bank_says_so(app, bank, flask):
    bank.fault("/link/token/create", error_code="INTERNAL_SERVER_ERROR")
    result = flask("seed-demo")
    assert result.exit_code == 1
    assert "INTERNAL_SERVER_ERROR" in result.output
    assert "Traceback" not in result.output


def test_there_is_no_demo_in_live_mode(settings, tmp_path):
    live_app = create_app(load(settings | LIVE, tmp_path))
    result = live_app.test_cli_runner().invoke(args=["seed-demo"])
    assert result.exit_code == 1
    assert "There is no demo in live mode." in result.output


LIVE = {
    "APP_MODE": "live",
    "PLAID_CLIENT_ID": "c",
    "PLAID_SECRET": "s",
    "PLAID_LINK_SCRIPT_URL": "https://cdn.plaid.com/link.js",
}


@pytest.mark.parametrize("threads", ["0", "65", "many"])
def test_a_worker_of_so_many_threads_is_refused(flask, threads):
    assert flask("worker", "--threads", threads).exit_code == 2
