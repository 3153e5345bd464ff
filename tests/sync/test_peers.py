"""What other open money apps do to Plaid's data, shown to be impossible here.

One test for each defect that was found by reading their code. Names begin with the
project; the docstring says what happens there.
"""

import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError

from tests.chaos.model_crash import Crash
from tests.sync.linked import (
    MADE_BY_USER,
    account_ids,
    answers,
    ask,
    ask_db,
    change_db,
    claim,
    edit,
    every_log_line,
    link,
    live,
    made_by_user,
    page,
    reload,
    row,
    rows,
    run,
    runs,
    state_at_bank,
    sync,
    token,
)
from tests.sync.peers import buys, happens, receiving, shown
from tests.webhooks.signing import body_of, sign
from webapp.extensions import db
from webapp.plaid.client import DAYS_REQUESTED
from webapp.sync import schedule
from webapp.worker import work_once

pytestmark = pytest.mark.commits
SYNC = "/transactions/sync"
REFUSE = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''refused''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON transactions FOR EACH ROW
        WHEN (NEW.name = '{name}') EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


@pytest.fixture
def told(app):
    """Posts a webhook and gives the status of the answer."""
    with receiving(app) as post:
        yield post


# Sure


def test_sure_d1_a_removed_row_is_gone(app, bank, item):
    """There removals look for rows in a column that nothing fills any more."""
    id = buys(bank, item, pending=True)
    sync(app, item)
    assert shown(app) == [id]
    bank.control(f"items/{item.item_id}/transactions/{id}/remove")
    sync(app, item)
    assert shown(app) == []
    assert rows(app, item)[id].removed_at


def test_sure_d2_one_bad_row_costs_no_other(app, bank, item, account):
    """There the cursor is saved first, and a row that raises ends its account's batch.

    The row without any name is stored, that without an amount is kept aside.
    """
    nameless = row(account, "nameless", name=None, original_description=None)
    broken = row(account, "broken") | {"amount": None}
    body = page([nameless, broken, row(account, "good")])
    assert sync(app, item, body, bank=bank) == "succeeded"
    assert live(app, item).keys() == {"nameless", "good"}
    held = ask_db(app, "SELECT plaid_transaction_id FROM quarantined_transactions")
    assert held == [("broken",)]


def test_sure_d2_no_cursor_without_its_rows(app, bank, item):
    """There a crash after the cursor's commit and before the rows loses the delta."""
    id = buys(bank, item)
    with app.app_context():
        crash = Crash(db.engine)
    lost = 0
    try:
        while not live(app, item) and lost < 40:
            held = claim(app, item)
            crash.at = lost = lost + 1
            try:
                run(app, held)
            except DBAPIError:
                assert (reload(app, item).cursor, rows(app, item)) == (None, {})
            crash.at = None
            expire = "UPDATE plaid_items SET lease_until = now() - interval '1 s'"
            change_db(app, expire)
    finally:
        crash.close()
    assert 5 < lost < 40, "it was cut off at each statement, and then came through"
    assert live(app, item).keys() == {id}
    assert reload(app, item).cursor


def test_sure_d3_a_webhook_in_mid_run_is_served_by_another_run(app, bank, item, told):
    """There it is dropped for the run under way, or makes a second one beside it."""
    first, second = buys(bank, item), []
    body = body_of(item.item_id)

    def news(fetched) -> None:
        if not second:
            second.append(buys(bank, item))
            assert told(body, sign(body)) == 200
            assert claim(app, item) is None, "nobody works on it beside"

    assert run(app, claim(app, item), news) == "succeeded"
    assert work_once(app) == "succeeded"
    assert sorted(shown(app)) == sorted([first, *second])


def test_sure_d4_a_login_that_is_due_is_no_success(app, bank, item):
    """There the error is swallowed and the sync counts as completed."""
    happens(bank, item, "login_required")
    assert sync(app, item) == "failed"
    found = reload(app, item)
    assert (found.state, found.last_synced_at) == ("login_required", None)
    assert found.last_error_code == "ITEM_LOGIN_REQUIRED"


def test_sure_d5_a_good_sync_clears_the_warning(app, bank, item):
    """There the status never goes back to good."""
    happens(bank, item, "login_required")
    sync(app, item)
    happens(bank, item, "login_repaired")
    assert sync(app, item) == "succeeded"
    found = reload(app, item)
    assert (found.state, found.last_error_code) == ("healthy", None)


def test_sure_d6_notice_before_a_disconnection_is_heard(app, bank, item, told):
    """There PENDING_DISCONNECT and its like are ignored."""
    sync(app, item)
    body = body_of(item.item_id, "PENDING_DISCONNECT", webhook_type="ITEM")
    assert told(body, sign(body)) == 200
    assert work_once(app) == "succeeded"
    found = reload(app, item)
    week = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    assert found.state == "expiring"
    assert abs(found.consent_expires_at - week) < dt.timedelta(hours=1)


def test_sure_d9_an_edit_freezes_nothing_of_the_banks(app, bank, item):
    """There a single edit keeps the whole row, its amount included, from changing."""
    id = buys(bank, item)
    sync(app, item)
    edit(app, item, id, **MADE_BY_USER)
    bank.control(f"items/{item.item_id}/transactions/{id}", amount=99.5)
    sync(app, item)
    assert live(app, item)[id].amount == Decimal("-99.5")
    assert made_by_user(live(app, item)[id]) == MADE_BY_USER


def test_sure_d10_a_currency_outside_iso_stops_nothing(app, bank, item, account):
    """There an account with an unofficial currency fails the item's transaction."""
    shells = {"iso_currency_code": None, "unofficial_currency_code": "SHELLS"}
    listed = state_at_bank(bank, item.item_id)["accounts"]
    listed[0]["balances"] |= shells
    bank.fault("/accounts/get", set={"accounts": listed})
    sync(app, item, page([row(account, "a", **shells), row(account, "b")]), bank=bank)
    found = live(app, item)
    assert (found["a"].currency, found["b"].currency) == ("SHELLS", "USD")


def test_sure_d11_an_account_of_an_unknown_type_stops_no_other(app, bank, item):
    """There its type raises, and the accounts behind it are skipped."""
    first, second = account_ids(bank, item)
    listed = state_at_bank(bank, item.item_id)["accounts"]
    listed[0] |= {"type": "payroll", "subtype": "payroll"}
    bank.fault("/accounts/get", set={"accounts": listed})
    sync(app, item, page([row(first, "a"), row(second, "b")]), bank=bank)
    assert live(app, item).keys() == {"a", "b"}
    kinds = ask_db(app, "SELECT type FROM bank_accounts ORDER BY type")
    assert kinds == [("depository",), ("payroll",)]


@pytest.mark.parametrize("number", [500, 1000])
def test_sure_d15_statements_do_not_grow_with_the_rows(
    app, bank, item, account, number
):
    """There each new row costs nine statements or more."""
    said = []
    held = claim(app, item)
    answers(bank, page([row(account, f"t{n}") for n in range(number)]))
    with app.app_context():
        engine = db.engine

    def count(*about) -> None:
        said.append(about[2])

    event.listen(engine, "before_cursor_execute", count)
    try:
        assert run(app, held) == "succeeded"
    finally:
        event.remove(engine, "before_cursor_execute", count)
    assert len(live(app, item)) == number
    assert len(said) < 25, "\n".join(said)


# Plaid Pattern


@pytest.fixture
def refusing(settings):
    """While it lasts, PostgreSQL refuses rows of that name."""

    @contextmanager
    def refuse(name: str):
        engine = create_engine(settings["DATABASE_OWNER_URL"])
        with engine.begin() as owner:
            owner.execute(text(REFUSE.format(name=name)))
        try:
            yield
        finally:
            with engine.begin() as owner:
                owner.execute(text("DROP FUNCTION refuse CASCADE"))
            engine.dispose()

    return refuse


def test_pattern_p3_no_token_in_a_log_and_every_request_id_kept(app, bank, item):
    """There tokens are logged in clear, and the id that support asks for is not."""
    bank.fault(SYNC, error_code="INTERNAL_SERVER_ERROR")
    with every_log_line() as lines:
        assert sync(app, item) == "failed"
        assert sync(app, item) == "succeeded"
    assert token(app, item) not in "\n".join(lines)
    assert all(one.request_id for one in runs(app, item))
    assert runs(app, item)[0].request_id in "\n".join(lines)


def test_pattern_p4_what_is_null_poisons_nothing(app, bank, item, account):
    """There a row without category or an account without mask ends every later sync."""
    listed = state_at_bank(bank, item.item_id)["accounts"]
    listed[0] |= {"mask": None, "subtype": None, "official_name": None}
    bank.fault("/accounts/get", set={"accounts": listed})
    bare = row(account, "a", personal_finance_category=None, payment_channel=None)
    assert sync(app, item, page([bare]), bank=bank) == "succeeded"
    assert live(app, item)["a"].category_detailed is None


def test_pattern_p5_a_row_that_the_database_refuses_keeps_the_cursor_back(
    app, bank, item, account, refusing
):
    """There the error is logged, the row skipped and the cursor moved on."""
    body = page([row(account, "refused"), row(account, "b")])
    with refusing("Shop of refused"), pytest.raises(DBAPIError):
        sync(app, item, body, bank=bank)
    assert (reload(app, item).cursor, rows(app, item)) == (None, {})
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 s'")
    assert sync(app, item, body, bank=bank) == "succeeded"
    assert live(app, item).keys() == {"refused", "b"}


def test_pattern_p9_a_failed_sync_says_so(app, bank, item):
    """There the answer to a refresh that failed is "0 added"."""
    bank.fault(SYNC, error_code="INSTITUTION_NOT_RESPONDING")
    assert sync(app, item) == "failed"
    assert runs(app, item)[0].error_code == "INSTITUTION_NOT_RESPONDING"
    assert reload(app, item).last_synced_at is None


# monetr


@pytest.fixture
def one_a_page(app, monkeypatch):
    monkeypatch.setattr(app.extensions["plaid"], "page", 1)


def test_monetr_a_mutation_loses_no_removal(app, bank, item, one_a_page):
    """There it starts over from no cursor at all, and is told of no removal."""
    gone, stays = buys(bank, item), buys(bank, item)
    sync(app, item)
    bank.control(f"items/{item.item_id}/transactions/{gone}/remove")
    new = buys(bank, item)
    bank.fault(SYNC, skip=1, error_code="TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION")
    assert sync(app, item) == "succeeded"
    assert sorted(shown(app)) == sorted([stays, new])


def test_monetr_no_run_ends_in_the_middle_of_the_pages(app, bank, item, one_a_page):
    """There ten pages are read and the cursor of the tenth is saved."""
    bought = sorted(buys(bank, item) for _ in range(13))
    bank.fault(SYNC, skip=11, error_code="INTERNAL_SERVER_ERROR")
    assert sync(app, item) == "failed"
    assert (reload(app, item).cursor, rows(app, item)) == (None, {})
    assert sync(app, item) == "succeeded"
    assert sorted(shown(app)) == bought
    assert runs(app, item)[-1].pages == 13


def test_monetr_balances_come_with_an_empty_delta_too(app, bank, item):
    """There a sync without new rows returns before cursor and balances."""
    sync(app, item)
    listed = state_at_bank(bank, item.item_id)["accounts"]
    listed[0]["balances"]["current"] = 4321.5
    bank.fault("/accounts/get", set={"accounts": listed})
    sync(app, item, page(cursor="later"), bank=bank)
    found = ask_db(app, "SELECT max(current_balance) FROM bank_accounts")
    assert found == [(Decimal("4321.5"),)]
    assert reload(app, item).cursor == "later"


def test_monetr_a_bank_is_asked_before_two_days_are_over():
    """There a link that no webhook touches is looked at after 48 hours."""
    assert schedule.poll_pause() <= dt.timedelta(hours=6)


# The app that was here before


def test_before_the_sign_is_plaids_and_no_word_decides(app, bank, item, account):
    """There a positive amount was income, and so was whatever said "deposit"."""
    words = "Transfer deposit refund"
    said = [row(account, "out", "5", name=words), row(account, "in", "-5", name="Rent")]
    sync(app, item, page(said), bank=bank)
    found = live(app, item)
    assert (found["out"].amount, found["in"].amount) == (-5, 5)


def test_before_all_history_and_all_pages_are_read(app, bank, owner):
    """There the first page of ninety days was all."""
    assert DAYS_REQUESTED == 730
    item = link(app, bank, owner, "user_load_1200", "x")
    sync(app, item)
    found = live(app, item)
    assert len(found) == 1200
    oldest = min(one.date for one in found.values())
    assert (dt.datetime.now(dt.UTC).date() - oldest).days > 700


def test_before_changes_removals_and_postings_arrive(app, bank, item):
    """There a row was skipped for ever once it was stored."""
    changed, posts, goes = (buys(bank, item, pending=True) for _ in range(3))
    sync(app, item)
    edit(app, item, posts, note="mine")
    path = f"items/{item.item_id}/transactions"
    bank.control(f"{path}/{changed}", amount=20)
    posted = bank.control(f"{path}/{posts}/post", amount=21)["id"]
    bank.control(f"{path}/{goes}/remove")
    sync(app, item)
    found = live(app, item)
    assert found.keys() == {changed, posted}
    assert (found[changed].amount, found[posted].amount) == (-20, -21)
    assert (found[posted].note, found[posted].pending) == ("mine", False)


def test_before_every_bank_of_a_person_is_refreshed(app, bank, owner, item):
    """There a refresh used the token of the first account only."""
    other = link(app, bank, owner)
    for one in (item, other):
        sync(app, one)
        buys(bank, one)
        ask(app, one, by_person=True)
    assert [work_once(app) for _ in range(3)] == ["succeeded", "succeeded", None]
    assert len(shown(app)) == 2


def test_before_cents_are_exact(app, bank, item, account):
    """There amounts were floats: 0.1 and 0.2 made 0.30000000000000004."""
    said = [row(account, f"t{n}", amount) for n, amount in enumerate(("0.1", "0.2"))]
    sync(app, item, page(said), bank=bank)
    assert ask_db(app, "SELECT sum(amount) FROM transactions") == [(Decimal("-0.3"),)]
