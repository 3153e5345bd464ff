"""Added, modified, removed, in every order: what is stored is what the bank has, and
what the user made stays."""

from decimal import Decimal

import pytest
from sqlalchemy import text

from tests import factories
from tests.sync.linked import (
    MADE_BY_USER,
    account_ids,
    ask_db,
    change_db,
    edit,
    link,
    live,
    made_by_user,
    page,
    reload,
    row,
    rows,
    runs,
    sync,
    token,
)
from webapp.extensions import db

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("both_ways")]


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


def versions(found: dict) -> dict:
    """Which rows were written: PostgreSQL's own mark, and ours."""
    return {id: (row.version, row.changed_at) for id, row in found.items()}


def test_the_first_sync_stores_what_the_bank_has(app, bank, item, account):
    sent = [row(account, f"t{n}", f"{n}.50") for n in range(5)]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    found = live(app, item)
    assert {id: -row.amount for id, row in found.items()} == {
        row["transaction_id"]: row["amount"] for row in sent
    }
    one = found["t3"]
    assert one.plaid_account_id == account
    assert (one.date.isoformat(), one.authorized_date.isoformat()) == (
        "2026-10-05",
        "2026-10-04",
    )
    assert (one.category_primary, one.category_detailed) == (
        "FOOD_AND_DRINK",
        "FOOD_AND_DRINK_COFFEE",
    )
    assert (one.category_confidence, one.category_version) == ("HIGH", "v2")
    assert one.payment_channel == "in store"
    assert not one.pending
    assert made_by_user(one) == dict.fromkeys(MADE_BY_USER) | {"excluded": False}


def test_nothing_new_writes_no_row(app, bank, item, account):
    sync(app, item, page([row(account, "a"), row(account, "b")]), bank=bank)
    before = rows(app, item)
    sync(app, item, page(cursor="cursor-2"), bank=bank)
    assert versions(rows(app, item)) == versions(before)
    assert reload(app, item).cursor == "cursor-2"


def test_rows_that_come_again_unchanged_are_not_written(app, bank, item, account):
    sent = [row(account, id, location={"city": "Bern"}) for id in "abc"]
    sync(app, item, page(sent), bank=bank)
    before = rows(app, item)
    sync(app, item, page(modified=sent, cursor="cursor-2"), bank=bank)
    assert versions(rows(app, item)) == versions(before)
    assert runs(app, item)[-1].modified == 0


@pytest.mark.parametrize(
    ("member", "value", "column", "stored"),
    [
        ("amount", "13", "amount", -13),
        ("date", "2026-10-06", "date", "2026-10-06"),
        ("authorized_date", None, "authorized_date", None),
        ("name", "Another", "name", "Another"),
        ("merchant_name", "M", "merchant_name", "M"),
        ("payment_channel", "online", "payment_channel", "online"),
        ("pending", True, "pending", True),
        ("personal_finance_category", None, "category_primary", None),
        ("location", {"city": "Bern"}, "bank_facts", {"location": {"city": "Bern"}}),
        ("iso_currency_code", "CHF", "currency", "CHF"),
    ],
)
def test_a_modified_row_is_written_once_and_keeps_its_id(
    app, bank, item, account, member, value, column, stored
):
    sync(app, item, page([row(account, "a"), row(account, "b")]), bank=bank)
    edit(app, item, "a", **MADE_BY_USER)
    before = rows(app, item)
    changed = row(account, "a", **{member: value})
    if member == "amount":
        changed = row(account, "a", value)
    sync(app, item, page(modified=[changed], cursor="cursor-2"), bank=bank)
    after = rows(app, item)
    found = getattr(after["a"], column)
    assert (str(found) if column == "date" else found) == stored
    assert after["a"].id == before["a"].id
    assert after["a"].created_at == before["a"].created_at
    assert after["a"].changed_at > before["a"].changed_at
    assert made_by_user(after["a"]) == MADE_BY_USER
    assert versions({"b": after["b"]}) == versions({"b": before["b"]})
    last = runs(app, item)[-1]
    assert (last.added, last.modified, last.removed) == (0, 1, 0)


def test_a_row_may_move_to_another_account(app, bank, item):
    first, second = account_ids(bank, item)
    sync(app, item, page([row(first, "a")]), bank=bank)
    sync(app, item, page(modified=[row(second, "a")], cursor="cursor-2"), bank=bank)
    assert live(app, item)["a"].plaid_account_id == second


def test_a_modified_row_never_seen_before_is_stored(app, bank, item, account):
    sync(app, item, page(modified=[row(account, "a")]), bank=bank)
    assert live(app, item).keys() == {"a"}


def test_a_removed_row_becomes_a_tombstone(app, bank, item, account):
    sync(app, item, page([row(account, "a"), row(account, "b")]), bank=bank)
    sync(app, item, page(removed=["a", "never-seen"], cursor="cursor-2"), bank=bank)
    assert live(app, item).keys() == {"b"}
    assert rows(app, item)["a"].removed_at is not None
    assert runs(app, item)[-1].removed == 1
    ledger = ask_db(app, "SELECT id FROM ledger WHERE user_id = :u", u=item.user_id)
    assert [r.id for r in ledger] == [rows(app, item)["b"].id]


def test_a_row_removed_twice_keeps_its_first_tombstone(app, bank, item, account):
    sync(app, item, page([row(account, "a")]), bank=bank)
    sync(app, item, page(removed=["a"], cursor="cursor-2"), bank=bank)
    before = rows(app, item)
    sync(app, item, page(removed=["a"], cursor="cursor-3"), bank=bank)
    assert versions(rows(app, item)) == versions(before)


def test_a_removed_row_that_is_added_again_comes_back(app, bank, item, account):
    sync(app, item, page([row(account, "a")]), bank=bank)
    edit(app, item, "a", **MADE_BY_USER)
    before = rows(app, item)["a"]
    sync(app, item, page(removed=["a"], cursor="cursor-2"), bank=bank)
    sync(app, item, page([row(account, "a")], cursor="cursor-3"), bank=bank)
    after = live(app, item)["a"]
    assert (after.id, after.removed_at) == (before.id, None)
    assert made_by_user(after) == MADE_BY_USER


@pytest.mark.parametrize("more", [1, 2, 3])
def test_added_modified_and_removed_in_one_run(app, bank, item, account, more):
    """However the events fall on the pages."""
    events = [
        {"added": [row(account, "a", "1"), row(account, "b", "1")]},
        {"modified": [row(account, "a", "2"), row(account, "b", "2")]},
        {"modified": [row(account, "b", "3")], "removed": ["a"]},
    ]
    pages = [{} for _ in range(more)]
    for number, event in enumerate(events):
        target = pages[min(number, more - 1)]
        for name, values in event.items():
            target[name] = target.get(name, []) + values
    bodies = [
        page(**said, cursor=f"cursor-{n}", more=n < more - 1)
        for n, said in enumerate(pages)
    ]
    assert sync(app, item, *bodies, bank=bank) == "succeeded"
    assert {id: row.amount for id, row in live(app, item).items()} == {"b": -3}


def test_removed_and_added_again_within_one_run(app, bank, item, account):
    sync(app, item, page([row(account, "a", "1")]), bank=bank)
    edit(app, item, "a", note="mine")
    before = rows(app, item)["a"]
    sync(
        app, item,
        page(removed=["a"], cursor="cursor-2", more=True),
        page([row(account, "a", "2")], cursor="cursor-3"),
        bank=bank,
    )  # fmt: skip
    after = live(app, item)["a"]
    assert (after.id, after.amount, after.note) == (before.id, -2, "mine")


def test_added_again_and_then_removed_within_one_run(app, bank, item, account):
    sync(app, item, page([row(account, "a", "1")]), bank=bank)
    sync(
        app, item,
        page(removed=["a"], cursor="cursor-2", more=True),
        page([row(account, "a", "2")], cursor="cursor-3", more=True),
        page(removed=["a"], cursor="cursor-4"),
        bank=bank,
    )  # fmt: skip
    assert live(app, item) == {}


def test_a_replay_from_the_beginning_gives_the_same_rows(app, bank, item, account):
    first = page([row(account, id) for id in "abcd"])
    second = page(
        [row(account, "e", pending_transaction_id="d")],
        [row(account, "a", "99")],
        ["b", "d"],
        cursor="cursor-2",
    )
    sync(app, item, first, bank=bank)
    edit(app, item, "a", **MADE_BY_USER)
    edit(app, item, "d", note="was pending")
    sync(app, item, second, bank=bank)
    before = rows(app, item)
    change_db(app, "UPDATE plaid_items SET cursor = NULL WHERE id = :id", id=item.id)
    # the bank leaves out what came and went, and shows the newest version only
    again = [row(account, "a", "99"), row(account, "c")]
    posted = row(account, "e", pending_transaction_id="d")
    sync(app, item, page([*again, posted], cursor="cursor-2"), bank=bank)
    assert versions(rows(app, item)) == versions(before)
    assert made_by_user(live(app, item)["a"]) == MADE_BY_USER


# Pending to posted


def pending(account: str, id: str = "p", **overrides) -> dict:
    return row(account, id, "20", pending=True, **overrides)


def posted(account: str, of: str = "p", id: str = "q", **overrides) -> dict:
    return row(account, id, "23.60", pending_transaction_id=of, **overrides)


def check_carried(app, item) -> None:
    found = live(app, item)
    assert found.keys() == {"q"}
    assert found["q"].amount == Decimal("-23.60")
    assert made_by_user(found["q"]) == MADE_BY_USER
    assert not found["q"].pending


@pytest.fixture
def edited(app, bank, item, account) -> str:
    """A pending row on which the user did all that a user can do."""
    sync(app, item, page([pending(account)]), bank=bank)
    edit(app, item, "p", **MADE_BY_USER)
    return account


def test_a_posted_row_takes_over_what_the_user_made(app, bank, item, edited):
    body = page([posted(edited)], removed=["p"], cursor="cursor-2")
    sync(app, item, body, bank=bank)
    check_carried(app, item)


@pytest.mark.parametrize("removal_first", [True, False])
def test_posting_on_two_pages(app, bank, item, edited, removal_first):
    said = [{"removed": ["p"]}, {"added": [posted(edited)]}]
    first, second = said if removal_first else reversed(said)
    sync(
        app, item,
        page(**first, cursor="cursor-2", more=True), page(**second, cursor="cursor-3"),
        bank=bank,
    )  # fmt: skip
    check_carried(app, item)


def test_posting_two_runs_after_the_removal(app, bank, item, edited):
    sync(app, item, page(removed=["p"], cursor="cursor-2"), bank=bank)
    sync(app, item, page(cursor="cursor-3"), bank=bank)
    sync(app, item, page([posted(edited)], cursor="cursor-4"), bank=bank)
    check_carried(app, item)


def test_posting_before_the_removal(app, bank, item, edited):
    sync(app, item, page([posted(edited)], cursor="cursor-2"), bank=bank)
    sync(app, item, page(removed=["p"], cursor="cursor-3"), bank=bank)
    check_carried(app, item)


def test_work_on_a_pending_row_beside_its_posted_one(app, bank, item, account):
    """Both are there between two runs: what the posted one has not, it takes."""
    both = [pending(account), posted(account)]
    sync(app, item, page(both, cursor="c1"), bank=bank)
    edit(app, item, "p", **MADE_BY_USER)
    edit(app, item, "q", note="my own")
    sync(app, item, page(removed=["p"], cursor="c2"), bank=bank)
    found = made_by_user(live(app, item)["q"])
    assert found == MADE_BY_USER | {"note": "my own"}


def test_what_the_user_made_of_the_posted_row_is_never_overwritten(
    app, bank, item, edited
):
    sync(app, item, page([posted(edited)], removed=["p"], cursor="c2"), bank=bank)
    edit(app, item, "q", note="newer", user_category=None)
    edit(app, item, "p", note="older")
    sync(app, item, page(modified=[posted(edited)], cursor="c3"), bank=bank)
    sync(app, item, page(modified=[posted(edited, name="N")], cursor="c4"), bank=bank)
    found = live(app, item)["q"]
    assert (found.note, found.user_category) == ("newer", None)


def test_a_pending_row_that_vanishes_leaves_no_row(app, bank, item, edited):
    sync(app, item, page(removed=["p"], cursor="cursor-2"), bank=bank)
    assert live(app, item) == {}
    assert made_by_user(rows(app, item)["p"]) == MADE_BY_USER


def test_a_posted_row_of_an_unknown_pending_one_is_just_a_row(app, bank, item, account):
    sync(app, item, page([posted(account, of="never-seen")]), bank=bank)
    assert live(app, item)["q"].note is None


def test_nobody_elses_pending_row_is_carried(app, bank, item, edited):
    """The same ids at another person's bank: the user is part of every key."""
    stranger = factories.make_user(app, password_hash="x")
    other = link(app, bank, stranger)
    account = account_ids(bank, other)[0]
    body = page([posted(account)], removed=["p"], cursor="cursor-2")
    sync(app, other, body, bank=bank)
    assert live(app, other)["q"].note is None
    assert live(app, item).keys() == {"p"}


# What the bank itself changes, through its own API


def test_the_stored_rows_are_the_banks_to_the_last(app, bank, owner):
    item = link(app, bank, owner, "user_transactions_dynamic", "any")
    assert sync(app, item) == "succeeded"
    shown = bank.plaid(
        "/transactions/get",
        access_token=token(app, item),
        start_date="2020-01-01",
        end_date="2030-01-01",
        options={"count": 500},
    )
    found = live(app, item)
    assert found.keys() == {t["transaction_id"] for t in shown["transactions"]}
    with app.app_context():
        sums = db.session.execute(
            text(
                "SELECT plaid_account_id, -sum(plaid_amount) FROM transactions t"
                " JOIN bank_accounts a ON a.id = t.bank_account_id"
                " WHERE t.user_id = :u AND removed_at IS NULL GROUP BY 1"
            ),
            {"u": item.user_id},
        ).all()
    assert {id: float(total) for id, total in sums} == pytest.approx(
        {
            id: -sum(
                t["amount"] for t in shown["transactions"] if t["account_id"] == id
            )
            for id in {t["account_id"] for t in shown["transactions"]}
        }
    )
