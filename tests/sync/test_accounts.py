"""Accounts of every kind that come, change and go: none breaks a sync."""

from decimal import Decimal

import pytest

from tests.sync.linked import (
    account_ids,
    ask_db,
    change_db,
    link,
    live,
    page,
    reload,
    row,
    rows,
    runs,
    state_at_bank,
    sync,
)

pytestmark = [pytest.mark.commits, pytest.mark.usefixtures("both_ways")]


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


def accounts(app, item) -> dict:
    statement = "SELECT * FROM bank_accounts WHERE plaid_item_id = :id"
    return {a.plaid_account_id: a for a in ask_db(app, statement, id=item.id)}


def listed(bank, *these: dict) -> None:
    bank.fault("/accounts/get", set={"accounts": list(these)})


def one(id: str, **overrides) -> dict:
    balances = {"current": 12.5, "available": 10, "iso_currency_code": "USD"}
    return {
        "account_id": id, "name": "Checking", "mask": "0000", "type": "depository",
        "subtype": "checking", "balances": balances, **overrides,
    }  # fmt: skip


def test_an_account_that_is_gone_is_closed_and_keeps_its_rows(app, bank, item):
    first, second = account_ids(bank, item)
    sync(app, item, page([row(first, "a"), row(second, "b")]), bank=bank)
    listed(bank, one(first))
    sync(app, item, page(cursor="cursor-2"), bank=bank)
    found = accounts(app, item)
    assert (found[first].closed_at, found[second].closed_at is None) == (None, False)
    assert live(app, item).keys() == {"a", "b"}


def test_a_closed_account_that_is_listed_again_opens_again(app, bank, item):
    first, second = account_ids(bank, item)
    sync(app, item, page([row(second, "b")]), bank=bank)
    before = accounts(app, item)[second]
    user_made = "UPDATE bank_accounts SET user_name = 'Mine', hidden_at = now()"
    change_db(app, user_made + " WHERE id = :id", id=before.id)
    listed(bank, one(first))
    sync(app, item, page(cursor="cursor-2"), bank=bank)
    listed(bank, one(first), one(second, name="Renamed"))
    sync(app, item, page(cursor="cursor-3"), bank=bank)
    after = accounts(app, item)[second]
    assert (after.id, after.closed_at, after.name) == (before.id, None, "Renamed")
    assert (after.user_name, after.hidden_at is None) == ("Mine", False)


def test_a_new_account_between_two_runs(app, bank, item):
    first, second = account_ids(bank, item)
    listed(bank, one(first))
    sync(app, item, page([row(first, "a")]), bank=bank)
    assert accounts(app, item).keys() == {first}
    listed(bank, one(first), one(second))
    sync(app, item, page([row(second, "b")], cursor="cursor-2"), bank=bank)
    assert accounts(app, item).keys() == {first, second}
    assert live(app, item).keys() == {"a", "b"}


def test_balances_of_every_kind(app, bank, item):
    id, other = account_ids(bank, item)
    coin = {"current": 0.123456789012, "unofficial_currency_code": "BTC"}
    odd = {"type": "moon base", "subtype": None, "mask": None, "official_name": None}
    listed(
        bank,
        one(id, balances={"current": 23631.9805, "iso_currency_code": "USD"}),
        one(other, balances=coin, **odd),
    )
    sync(app, item)
    found = accounts(app, item)
    assert (str(found[id].current_balance), found[id].available_balance) == (
        "23631.9800000000",
        None,
    )
    assert str(found[other].current_balance) == "0.1234567890"
    assert (found[other].currency, found[other].type) == ("BTC", "moon base")


def test_a_row_in_another_currency_than_its_account(app, bank, item, account):
    code = {"iso_currency_code": None, "unofficial_currency_code": "BTC"}
    sent = [row(account, "e", iso_currency_code="EUR"), row(account, "b", **code)]
    sync(app, item, page(sent), bank=bank)
    assert {id: r.currency for id, r in live(app, item).items()} == {
        "e": "EUR",
        "b": "BTC",
    }


COIN = {"iso_currency_code": None, "unofficial_currency_code": "BTC"}
NEW_CODE = {"iso_currency_code": "ZZZ", "unofficial_currency_code": None}
NONE = {"iso_currency_code": None, "unofficial_currency_code": None}


@pytest.mark.parametrize(
    ("code", "currency", "stored"),
    [
        (COIN, "BTC", "-0.1234567891"),
        (NEW_CODE, "ZZZ", "-0.12"),
        (NONE, "XXX", "-0.1234567891"),
    ],
    ids=["unofficial", "unknown", "none"],
)
def test_a_bank_of_no_iso_currency_goes_on_syncing(
    app, bank, item, code, currency, stored
):
    """PEERS' D10: there one such account stopped the whole bank."""
    id, other = account_ids(bank, item)
    balances = {"current": 2.5, **code}
    listed(bank, one(id, balances=balances), one(other))
    sent = [row(id, "a", "0.12345678912") | code, row(other, "b")]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    found = live(app, item)
    assert found["a"].currency == accounts(app, item)[id].currency == currency
    assert found["a"].amount == Decimal(stored)
    assert found["b"].currency == "USD"
    changed = row(id, "a", "3") | code
    assert sync(app, item, page(modified=[changed], cursor="c2"), bank=bank)
    assert live(app, item)["a"].amount == -3


KINDS = [
    ("payroll", "payroll"),
    ("moon base", "crater"),
    ("depository", "a kind of tomorrow"),
    ("other", None),
    ("", None),
]


def test_account_types_never_seen_before_stop_nothing(app, bank, item):
    """PEERS' D11: there the accounts after such a one were skipped."""
    ids = [f"account-{number}" for number in range(len(KINDS))]
    odd = [
        one(id, type=type, subtype=subtype)
        for id, (type, subtype) in zip(ids, KINDS, strict=True)
    ]
    plain = account_ids(bank, item)[0]
    listed(bank, *odd, one(plain))
    sent = [row(id, f"row of {id}") for id in (*ids, plain)]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    found = accounts(app, item)
    assert [(found[id].type, found[id].subtype) for id in ids] == KINDS
    assert live(app, item).keys() == {one["transaction_id"] for one in sent}
    flows = "SELECT flow FROM ledger WHERE user_id = :u"
    told = [one.flow for one in ask_db(app, flows, u=item.user_id)]
    assert len(told) == len(sent)
    assert None not in told


def test_an_account_shared_no_longer_is_closed_and_keeps_its_rows(app, bank, owner):
    """As the bank itself says it: the account leaves its list and its pages."""
    item = link(app, bank, owner, "user_good", "pass_good")
    assert sync(app, item) == "succeeded"
    before = rows(app, item)
    gone = next(iter(before.values())).plaid_account_id
    bank.control(f"items/{item.item_id}/accounts/{gone}/revoke", quiet=True)
    assert sync(app, item) == "succeeded"
    assert reload(app, item).state == "healthy"
    found = accounts(app, item)
    assert {id for id, one in found.items() if one.closed_at} == {gone}
    kept = {id for id, one in before.items() if one.plaid_account_id == gone}
    assert kept <= live(app, item).keys()


def test_a_new_account_of_the_banks_own(app, bank, owner):
    """It may be told of by a row first: nothing is lost, whichever comes first."""
    item = link(app, bank, owner)
    first, second = account_ids(bank, item)
    listed(bank, one(first))
    assert sync(app, item, page([row(second, "early")]), bank=bank) == "succeeded"
    assert live(app, item) == {}
    assert sync(app, item, page(cursor="cursor-2"), bank=bank) == "succeeded"
    known = {a["account_id"] for a in state_at_bank(bank, item.item_id)["accounts"]}
    assert accounts(app, item).keys() == known
    assert live(app, item).keys() == {"early"}
    assert runs(app, item)[-1].added == 1
