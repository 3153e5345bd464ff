"""What the bank changes on a stored row is kept: what was, what is, in which run."""

import datetime as dt

import pytest

from tests.sync.linked import (
    MADE_BY_USER,
    account_ids,
    ask_db,
    change_db,
    edit,
    page,
    row,
    rows,
    runs,
    sync,
)

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("both_ways")]


@pytest.fixture
def account(app, bank, item) -> str:
    """One stored row, `a`, beside `b` that stays as it is."""
    account = account_ids(bank, item)[0]
    sync(app, item, page([row(account, "a"), row(account, "b")]), bank=bank)
    return account


def changes(app, item) -> list:
    return ask_db(
        app,
        "SELECT c.*, t.plaid_transaction_id FROM transaction_changes c"
        " JOIN transactions t ON t.user_id = c.user_id AND t.id = c.transaction_id"
        " WHERE c.user_id = :u ORDER BY c.changed_at",
        u=item.user_id,
    )


def kept(app, item) -> list[tuple[str, dict, dict]]:
    return [(one.plaid_transaction_id, one.was, one.became)
            for one in changes(app, item)]  # fmt: skip


def test_a_first_sync_changes_nothing(app, item, account):
    assert kept(app, item) == []


def test_only_what_differs_is_kept(app, bank, item, account):
    edit(app, item, "a", **MADE_BY_USER)
    new = row(account, "a", "13.5", name="Another", location={"city": "Bern"})
    sync(app, item, page(modified=[new, row(account, "b")], cursor="c2"), bank=bank)
    assert kept(app, item) == [
        (
            "a",
            {"amount": -12.34, "plaid_amount": 12.34, "name": "Shop of a",
             "bank_facts": {}},
            {"amount": -13.5, "plaid_amount": 13.5, "name": "Another",
             "bank_facts": {"location": {"city": "Bern"}}},
        )
    ]  # fmt: skip
    (one,) = changes(app, item)
    assert one.sync_run_id == runs(app, item)[-1].id
    assert one.transaction_id == rows(app, item)["a"].id
    assert one.changed_at == rows(app, item)["a"].changed_at


def test_null_and_not_null_are_different(app, bank, item, account):
    new = row(account, "a", authorized_date=None, merchant_name="M")
    sync(app, item, page(modified=[new], cursor="c2"), bank=bank)
    was = {"authorized_date": "2026-10-04", "merchant_name": None}
    became = {"authorized_date": None, "merchant_name": "M"}
    assert kept(app, item) == [("a", was, became)]


@pytest.mark.parametrize("written", ["12.34", "12.340", "1234e-2"])
def test_identical_rows_leave_no_trace(app, bank, item, account, written):
    same = [row(account, "a", written), row(account, "b")]
    sync(app, item, page(modified=same, cursor="c2"), bank=bank)
    assert kept(app, item) == []


def test_a_move_to_another_account(app, bank, item, account):
    before = str(rows(app, item)["a"].bank_account_id)
    second = account_ids(bank, item)[1]
    sync(app, item, page(modified=[row(second, "a")], cursor="c2"), bank=bank)
    after = str(rows(app, item)["a"].bank_account_id)
    was, became = {"bank_account_id": before}, {"bank_account_id": after}
    assert kept(app, item) == [("a", was, became)]


def test_removal_and_return(app, bank, item, account):
    sync(app, item, page(removed=["a", "never-seen"], cursor="c2"), bank=bank)
    gone_at = rows(app, item)["a"].removed_at
    sync(app, item, page(removed=["a"], cursor="c3"), bank=bank)
    sync(app, item, page([row(account, "a", "9")], cursor="c4"), bank=bank)
    (_, was, became), (_, was_gone, is_back) = kept(app, item)
    assert was == {"removed_at": None}
    assert dt.datetime.fromisoformat(became["removed_at"]) == gone_at
    assert was_gone["removed_at"] == became["removed_at"]
    assert is_back == {"removed_at": None, "amount": -9, "plaid_amount": 9}


def test_changed_and_removed_in_one_run(app, bank, item, account):
    new = row(account, "a", "9")
    sync(app, item, page(modified=[new], removed=["a"], cursor="c2"), bank=bank)
    assert sorted([*was] for _, was, _ in kept(app, item)) == [
        ["amount", "plaid_amount"],
        ["removed_at"],
    ]


def test_a_run_that_fails_keeps_nothing(app, bank, item, account):
    bank.fault("/item/get", error_code="INTERNAL_SERVER_ERROR")
    new = row(account, "a", "9")
    assert sync(app, item, page(modified=[new], cursor="c2"), bank=bank) == "failed"
    assert kept(app, item) == []


def test_many_changes_in_one_run(app, bank, item, account):
    sent = [row(account, f"m{n}", f"{n + 1}") for n in range(400)]
    sync(app, item, page(sent, cursor="c2"), bank=bank)
    new = [row(account, f"m{n}", f"{n + 1 + n % 2}") for n in range(400)]
    sync(app, item, page(modified=new, cursor="c3"), bank=bank)
    found = {id: (was["amount"], became["amount"]) for id, was, became in
             kept(app, item)}  # fmt: skip
    assert found == {f"m{n}": (-n - 1, -n - 2) for n in range(1, 400, 2)}


def test_a_users_own_edits_are_no_change_of_the_banks(app, bank, item, account):
    edit(app, item, "a", **MADE_BY_USER)
    sync(app, item, page(modified=[row(account, "a")], cursor="c2"), bank=bank)
    assert kept(app, item) == []


def test_history_goes_with_its_transaction(app, bank, item, account):
    sync(app, item, page(removed=["a"], cursor="c2"), bank=bank)
    change_db(app, "DELETE FROM transactions WHERE user_id = :u", u=item.user_id)
    assert ask_db(app, "SELECT 1 FROM transaction_changes") == []
