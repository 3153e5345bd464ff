"""One run from the first page to its record: what is kept, told and paid."""

import datetime as dt
import re

import pytest

from config import load
from tests.sync.linked import (
    HISTORICAL,
    INITIAL,
    account_ids,
    answers,
    ask_db,
    change_db,
    claim,
    every_log_line,
    link,
    live,
    page,
    reload,
    row,
    rows,
    run,
    runs,
    sync,
    token,
)
from webapp import embedded
from webapp.app import create_app
from webapp.models import User
from webapp.sync import schedule
from webapp.sync.fetch import Fetched
from webapp.sync.incoming import FEW
from webapp.sync.run import pause_after

pytestmark = pytest.mark.commits


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


def test_the_record_of_a_run(app, bank, item, account):
    sent = [row(account, f"t{n}", "5") for n in range(4)] + [row(account, "in", "-9")]
    sync(
        app, item,
        page(sent, cursor="cursor-1", more=True),
        page(modified=[row(account, "t0", "6")], removed=["t1"], cursor="cursor-2"),
        bank=bank,
    )  # fmt: skip
    (record,) = runs(app, item)
    assert record.status == "succeeded"
    assert (record.pages, record.rows_fetched) == (2, 7)
    assert (record.added, record.modified, record.removed) == (5, 0, 1)
    assert (record.income_count, record.expense_count) == (1, 5)
    assert (record.cursor_before, record.cursor_after) == (None, "cursor-2")
    assert record.request_id == "request-cursor-2"
    assert (record.error_code, record.error_message) == (None, None)
    assert record.started_at <= record.finished_at
    assert record.fetch_ms >= 0
    assert record.write_ms > 0
    assert {r.sync_run_id for r in rows(app, item).values()} == {record.id}


def test_the_log_line_of_a_run(app, bank, owner, item, account):
    sent = [row(account, f"t{n}") for n in range(143)]
    sent += [row(account, f"in{n}", "-5") for n in range(2)]
    with every_log_line() as lines:
        sync(app, item, page(sent), bank=bank)
    form = (
        rf"Synced 145 transactions for user {owner.id} \(Income: 2, Expenses: 143\)"
        rf" item={item.item_id} pages=1 new=145 changed=0 removed=0"
        r" fetch_ms=\d+ write_ms=\d+ quarantined=0"
    )
    assert [line for line in lines if re.fullmatch(form, line)]


def test_added_and_modified_rows_are_counted_by_sign(app, bank, item, account):
    body = page(
        [row(account, "a", "-1"), row(account, "b", "0")],
        [row(account, "c", "-1"), row(account, "d", "1")],
        ["e"],
    )
    sync(app, item, body, bank=bank)
    (record,) = runs(app, item)
    assert (record.income_count, record.expense_count) == (2, 2)


def test_no_secret_reaches_the_log_or_a_row(app, bank, item, account):
    secret = token(app, item)
    bank.fault("/accounts/get", error_code="ITEM_LOGIN_REQUIRED")
    with every_log_line() as lines:
        sync(app, item, page([row(account, "a")]), bank=bank)
        sync(app, item, page([row(account, "a")]), bank=bank)
    assert lines
    assert secret not in "\n".join(lines)


def test_the_item_after_a_good_run(app, bank, item):
    sync(app, item)
    found = reload(app, item)
    assert (found.state, found.attempts, found.lease_token) == ("healthy", 0, None)
    assert found.req_seq == found.seen_seq == found.done_seq
    assert not found.is_running
    assert found.update_status == HISTORICAL
    assert found.last_synced_at is not None
    assert found.bank_updated_at is not None
    assert found.last_request_id
    pause = found.next_at - found.last_synced_at
    assert dt.timedelta(hours=5) <= pause <= dt.timedelta(hours=6)


# The bank still collects


def test_an_answer_that_is_not_ready_is_no_progress(app, bank, item):
    bank.control("settings", initial_delay=0, historical_delay=0)
    body = page(cursor="", status="NOT_READY")
    assert sync(app, item, body, bank=bank) == "succeeded"
    found = reload(app, item)
    assert found.cursor is None
    assert found.is_running
    assert (found.state, found.update_status) == ("first_sync", "NOT_READY")
    assert found.last_synced_at is None
    assert found.lease_token is None
    assert found.attempts == 0
    assert found.next_at - ask_db(app, "SELECT now()")[0][0] < dt.timedelta(seconds=3)
    assert runs(app, item)[0].cursor_after is None
    accounts = ask_db(app, "SELECT 1 FROM bank_accounts")
    assert len(accounts) == 2, "balances are there at once"


def test_not_ready_later_on_keeps_the_cursor(app, bank, item, account):
    sync(app, item, page([row(account, "a")], cursor="cursor-1"), bank=bank)
    sync(app, item, page(cursor="", status="NOT_READY"), bank=bank)
    assert reload(app, item).cursor == "cursor-1"
    assert live(app, item).keys() == {"a"}


def test_from_not_ready_over_the_last_month_to_all_history(app, bank, owner):
    """The bank's own delays, as after linking for real."""
    bank.control("settings", initial_delay=60, historical_delay=120)
    item = link(app, bank, owner, "user_load_200", "any")
    linked_at = dt.datetime.now(dt.UTC)
    sync(app, item)
    assert (reload(app, item).update_status, live(app, item)) == ("NOT_READY", {})
    bank.set_clock(linked_at + dt.timedelta(seconds=61))
    sync(app, item)
    recent = live(app, item)
    assert reload(app, item).update_status == INITIAL
    assert 0 < len(recent) < 200
    bank.set_clock(linked_at + dt.timedelta(seconds=121))
    sync(app, item)
    assert reload(app, item).update_status == HISTORICAL
    assert len(live(app, item)) == 200
    assert recent.items() <= live(app, item).items(), "no row is written twice"


@pytest.mark.parametrize(
    ("age", "status", "shortest", "longest"),
    [
        (dt.timedelta(seconds=5), "NOT_READY", 1, 3),
        (dt.timedelta(seconds=5), INITIAL, 1, 3),
        (dt.timedelta(minutes=5), INITIAL, 10, 20),
        (dt.timedelta(minutes=30), INITIAL, 60, 180),
        (dt.timedelta(days=3), "SOMETHING_NEW", 600, 3600),
        (dt.timedelta(seconds=5), HISTORICAL, 5 * 3600, 6 * 3600),
        (dt.timedelta(days=900), HISTORICAL, 5 * 3600, 6 * 3600),
    ],
)
def test_the_pause_until_the_next_look(age, status, shortest, longest):
    now = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    pause = pause_after(Fetched(None, status=status), now - age, now)
    assert shortest <= pause.total_seconds() <= longest


def test_polls_do_not_march_in_step():
    pauses = {schedule.poll_pause() for _ in range(20)}
    assert len(pauses) > 10


# Pages


def test_all_pages_of_a_big_item_arrive(app, bank, owner):
    item = link(app, bank, owner, "user_load_1203", "any")
    sync(app, item)
    assert len(live(app, item)) == 1203
    assert runs(app, item)[0].pages == 3


def test_an_error_in_the_middle_of_the_pages_leaves_all_as_it_was(
    app, bank, item, account
):
    sync(app, item, page([row(account, "a")], cursor="cursor-1"), bank=bank)
    before = rows(app, item)
    answers(bank, page([row(account, "b")], removed=["a"], cursor="c2", more=True))
    bank.fault("/transactions/sync", error_code="INTERNAL_SERVER_ERROR")
    assert sync(app, item) == "failed"
    found = reload(app, item)
    assert rows(app, item) == before
    assert found.cursor == "cursor-1"
    assert found.last_error_code == "INTERNAL_SERVER_ERROR"
    failed = runs(app, item)[-1]
    assert (failed.status, failed.error_code) == ("failed", "INTERNAL_SERVER_ERROR")
    assert failed.request_id
    assert (failed.cursor_after, failed.finished_at is None) == (None, False)


@pytest.mark.parametrize("endpoint", ["/item/get", "/accounts/get"])
def test_an_error_after_the_last_page_leaves_all_as_it_was(
    app, bank, item, account, endpoint
):
    bank.fault(endpoint, error_code="INTERNAL_SERVER_ERROR")
    assert sync(app, item, page([row(account, "a")]), bank=bank) == "failed"
    assert rows(app, item) == {}
    assert reload(app, item).cursor is None


def test_a_mutation_starts_again_at_the_first_cursor_of_the_run(app, bank, owner):
    """The bank writes a row while its pages are read: nothing is lost or doubled."""
    item = link(app, bank, owner, "user_load_1203", "any")
    bank.fault("/transactions/sync", skip=2, mutate=True)
    assert sync(app, item) == "succeeded"
    assert len(live(app, item)) == 1203
    (record,) = runs(app, item)
    assert (record.pages, record.rows_fetched) == (3, 1203), (
        "the first round counts no more"
    )
    assert bank.count_calls("/transactions/sync") > 3
    assert reload(app, item).cursor == record.cursor_after


def test_endless_mutations_end_after_three_rounds(app, bank, item, account):
    code = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
    first = page([row(account, "a")], cursor="cursor-1", more=True)
    for _ in range(4):
        answers(bank, first)
        bank.fault("/transactions/sync", error_code=code)
    assert sync(app, item) == "failed"
    assert rows(app, item) == {}
    found = reload(app, item)
    assert (found.cursor, found.last_error_code) == (None, code)
    assert bank.count_calls("/transactions/sync", item.item_id) == 6


# Cost


@pytest.fixture
def counted_app(app, settings, cluster, tmp_path_factory):
    """The app on connections whose every statement PostgreSQL itself writes down."""
    url = cluster.url(embedded.SUPERUSER, "test") + "&options=-c%20log_statement%3Dall"
    root = tmp_path_factory.mktemp("counted")
    return create_app(load(settings | {"DATABASE_URL": url}, root))


def statements(cluster, began: int) -> list[str]:
    log = cluster.log.read_text(errors="replace")[began:]
    found = re.findall(r"LOG:  statement: (.*(?:\n\t.*)*)", log)  # a tab: it goes on
    said = [re.sub(r"\s+", " ", one).strip() for one in found]
    plumbing = ("BEGIN", "COMMIT", "ROLLBACK", "SELECT 1", ";")
    return [one for one in said if one and not one.startswith(plumbing)]


def test_nothing_new_costs_few_statements(counted_app, cluster, bank, item, account):
    sync(counted_app, item, page([row(account, "a")]), bank=bank)
    held = claim(counted_app, item)
    began = len(cluster.log.read_text(errors="replace"))
    answers(bank, page(cursor="cursor-2"))
    assert run(counted_app, held) == "succeeded"
    found = statements(cluster, began)
    assert 5 < len(found) <= 10, "\n".join(found)
    assert not [said for said in found if "incoming" in said]


@pytest.mark.parametrize(("count", "tables"), [(FEW, 0), (FEW + 1, 1)])
def test_few_rows_make_no_temporary_table(
    counted_app, cluster, bank, item, account, count, tables
):
    answers(bank, page([row(account, f"t{n}") for n in range(count)]))
    held = claim(counted_app, item)
    began = len(cluster.log.read_text(errors="replace"))
    assert run(counted_app, held) == "succeeded"
    found = statements(cluster, began)
    assert len([one for one in found if "CREATE TEMP" in one]) == tables
    assert len(live(counted_app, item)) == count


def test_only_a_big_merge_may_take_longer_than_half_a_minute(
    app, counted_app, cluster, bank, item
):
    """The role's 30 s are for all else; a local setting passes a pooler, too."""
    assert ask_db(app, "SHOW statement_timeout")[0][0] == "30s"
    for count, times in ((10_000, 0), (10_001, 1)):
        answers(bank, page(removed=[f"never-seen-{n}" for n in range(count)]))
        held = claim(counted_app, item)
        began = len(cluster.log.read_text(errors="replace"))
        assert run(counted_app, held) == "succeeded"
        longer = [s for s in statements(cluster, began) if "'10min', true" in s]
        assert len(longer) == times


def test_a_run_holds_no_transaction_while_the_bank_is_asked(app, bank, item, account):
    seen = []

    def look(fetched):
        seen.extend(
            ask_db(
                app,
                "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
                " AND state LIKE 'idle in transaction%'",
            )
        )

    answers(bank, page([row(account, "a")], more=True), page(cursor="cursor-2"))
    assert run(app, claim(app, item), look) == "succeeded"
    assert seen == []


def test_two_people_at_the_same_bank_share_nothing(app, bank, item, bob: User):
    other = link(app, bank, bob)
    sync(app, item, page([row(account_ids(bank, item)[0], "same")]), bank=bank)
    sync(app, other, page([row(account_ids(bank, other)[0], "same")]), bank=bank)
    first, second = live(app, item)["same"], live(app, other)["same"]
    assert first.id != second.id
    assert (first.user_id, second.user_id) == (item.user_id, bob.id)


def test_a_token_that_nobody_can_read_is_a_recorded_failure(app, bank, item):
    change_db(app, "UPDATE plaid_items SET access_token = '\\x0102'")
    sync(app, item, bank=bank)
    (record,) = runs(app, item)
    assert (record.status, record.error_code) == ("failed", "OUR_KEY")
    assert reload(app, item).state == "error"
