"""Which changes of the bank's a person is asked about: of rows he had worked on."""

import datetime as dt

import pytest

from tests.sync.linked import account_ids, ask_db, edit, page, row, sync

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("both_ways")]

NOW = dt.datetime(2026, 10, 7, tzinfo=dt.UTC)
WORKED_ON = {
    "category": {"user_category": "TRAVEL_FLIGHTS"},
    "name": {"user_name": "Mine"},
    "note": {"note": "n"},
    "left out": {"excluded": True},
    "reviewed": {"reviewed_at": NOW},
}


@pytest.fixture
def account(app, bank, item) -> str:
    account = account_ids(bank, item)[0]
    sync(app, item, page([row(account, "a")]), bank=bank)
    return account


def kept(app, item) -> list:
    return ask_db(
        app,
        "SELECT t.plaid_transaction_id AS of, c.* FROM transaction_changes c"
        " JOIN transactions t ON t.user_id = c.user_id AND t.id = c.transaction_id"
        " WHERE c.user_id = :u ORDER BY c.changed_at, t.plaid_transaction_id",
        u=item.user_id,
    )


def asked(app, item) -> list[str]:
    return [one.of for one in kept(app, item) if one.asks_user]


@pytest.mark.parametrize("how", WORKED_ON)
@pytest.mark.parametrize("event", ["modified", "removed"])
def test_a_change_of_a_row_that_was_worked_on(app, bank, item, account, how, event):
    edit(app, item, "a", **WORKED_ON[how])
    said = {"modified": [row(account, "a", "13")]} if event == "modified" else {}
    gone = ["a"] if event == "removed" else []
    sync(app, item, page(**said, removed=gone, cursor="c2"), bank=bank)
    assert asked(app, item) == ["a"]


@pytest.mark.parametrize("event", ["modified", "removed"])
def test_a_change_of_a_row_nobody_worked_on(app, bank, item, account, event):
    said = {"modified": [row(account, "a", "13")]} if event == "modified" else {}
    gone = ["a"] if event == "removed" else []
    sync(app, item, page(**said, removed=gone, cursor="c2"), bank=bank)
    edit(app, item, "a", note="later")
    assert (len(kept(app, item)), asked(app, item)) == (1, [])


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ({"date": "2026-10-06"}, True),
        ({"pending": True}, True),
        ({"iso_currency_code": "CHF"}, True),
        ({"name": "Another"}, True),
        ({"merchant_name": "M"}, True),
        ({"personal_finance_category": None}, True),
        ({"location": {"city": "Bern"}}, False),
        ({"authorized_date": None}, False),
        ({"payment_channel": "online"}, False),
        ({"check_number": "7"}, False),
    ],
)
def test_only_what_a_person_can_see(app, bank, item, account, said, asks):
    edit(app, item, "a", note="n")
    new = row(account, "a", **said)
    sync(app, item, page(modified=[new], cursor="c2"), bank=bank)
    assert (len(kept(app, item)), asked(app, item)) == (1, ["a"] if asks else [])


def test_a_more_certain_category_is_no_news(app, bank, item, account):
    edit(app, item, "a", note="n")
    category = row(account, "a")["personal_finance_category"]
    surer = category | {"confidence_level": "VERY_HIGH"}
    new = row(account, "a", personal_finance_category=surer)
    sync(app, item, page(modified=[new], cursor="c2"), bank=bank)
    assert (len(kept(app, item)), asked(app, item)) == (1, [])


def test_a_return_from_the_dead(app, bank, item, account):
    edit(app, item, "a", note="n")
    sync(app, item, page(removed=["a"], cursor="c2"), bank=bank)
    sync(app, item, page([row(account, "a")], cursor="c3"), bank=bank)
    assert asked(app, item) == ["a", "a"]


# Pending to posted


@pytest.fixture
def pending(app, bank, item) -> str:
    account = account_ids(bank, item)[0]
    sync(app, item, page([row(account, "p", "20", pending=True)]), bank=bank)
    return account


def post(app, bank, item, account, amount="20", **overrides) -> None:
    values = {"pending_transaction_id": "p", "name": "Shop of p"} | overrides
    posted = row(account, "q", amount, **values)
    sync(app, item, page([posted], removed=["p"], cursor="c2"), bank=bank)


def of_posting(app, item) -> list:
    return [one for one in kept(app, item) if one.of == "q"]


def test_posted_with_another_amount_and_name(app, bank, item, pending):
    edit(app, item, "p", note="n")
    post(app, bank, item, pending, "23.6", name="In full", date="2026-10-06")
    (one,) = of_posting(app, item)
    assert one.asks_user
    assert one.was == {
        "plaid_transaction_id": "p", "pending": True, "amount": -20,
        "name": "Shop of p", "date": "2026-10-05",
    }  # fmt: skip
    assert one.became == {
        "plaid_transaction_id": "q", "pending": False, "amount": -23.6,
        "name": "In full", "date": "2026-10-06",
    }  # fmt: skip
    (run,) = ask_db(app, "SELECT id FROM sync_runs WHERE cursor_after = 'c2'")
    assert one.sync_run_id == run.id


@pytest.mark.parametrize("said", [{}, {"date": "2026-10-06"}])
def test_posted_as_it_was_is_no_news(app, bank, item, pending, said):
    edit(app, item, "p", note="n")
    post(app, bank, item, pending, **said)
    (one,) = of_posting(app, item)
    assert not one.asks_user


def test_posted_from_a_row_nobody_worked_on(app, bank, item, pending):
    post(app, bank, item, pending, "23.6")
    assert of_posting(app, item) == []


def test_posted_after_its_removal(app, bank, item, pending):
    edit(app, item, "p", note="n")
    sync(app, item, page(removed=["p"], cursor="c2"), bank=bank)
    posted = row(pending, "q", "21", pending_transaction_id="p")
    sync(app, item, page([posted], cursor="c3"), bank=bank)
    (one,) = of_posting(app, item)
    assert one.asks_user
    assert "removed_at" not in one.was
