"""Rows that cannot be stored stop no other, never vanish and are over in time."""

import datetime as dt
import json
import random
import uuid
from decimal import Decimal

import pytest
from msgspec import Raw

from tests import factories
from tests.sync.linked import (
    account_ids,
    ask_db,
    change_db,
    edit,
    every_log_line,
    exists,
    link,
    live,
    page,
    reload,
    row,
    rows,
    runs,
    sync,
)
from webapp.extensions import db
from webapp.ledger.banks import list_banks
from webapp.models import PlaidItem
from webapp.plaid.decode import NOTHING
from webapp.plaid.errors import PlaidError
from webapp.plaid.odd import REASONS, OddRow, read_page
from webapp.sync.columns import BANK
from webapp.sync.parts import LONGEST_KEPT, MOST_KEPT, _places, facts
from webapp.sync.quarantine import raw_place

pytestmark = pytest.mark.commits


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


def held(app, item: PlaidItem) -> list:
    return ask_db(
        app,
        "SELECT * FROM quarantined_transactions WHERE plaid_item_id = :id"
        " ORDER BY created_at, seq",
        id=item.id,
    )


def waiting(app, item: PlaidItem) -> dict[str | None, str]:
    return {
        row.plaid_transaction_id: row.code
        for row in held(app, item)
        if row.resolved_at is None
    }


def without(sent: dict, member: str) -> dict:
    return {name: value for name, value in sent.items() if name != member}


ODD = {
    "null amount": ({"amount": None}, "BAD_AMOUNT"),
    "amount in words": ({"amount": "much"}, "BAD_AMOUNT"),
    "absurd amount": ({"amount": "1e19"}, "BAD_AMOUNT"),
    "no number": ({"amount": "NaN"}, "BAD_AMOUNT"),
    "null date": ({"date": None}, "BAD_DATE"),
    "no such day": ({"date": "2026-13-45"}, "BAD_DATE"),
    "year 1": ({"date": "0001-01-01"}, "BAD_DATE"),
    "year 9999": ({"date": "9999-12-31"}, "BAD_DATE"),
    "unknown account": ({"account_id": "nobody's"}, "UNKNOWN_ACCOUNT"),
    "null account": ({"account_id": None}, "UNKNOWN_ACCOUNT"),
    "odd word for pending": ({"pending": "maybe"}, "UNREADABLE"),
    "odd pending id": ({"pending_transaction_id": 5}, "UNREADABLE"),
    "endless currency": ({"iso_currency_code": "x" * 9000}, "UNREADABLE"),
    "endless pending id": ({"pending_transaction_id": "x" * 9000}, "UNREADABLE"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_row_waits_and_stops_no_other(app, bank, item, account, name):
    odd, code = ODD[name]
    sent = [row(account, "a"), row(account, "odd") | odd, row(account, "b")]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    assert live(app, item).keys() == {"a", "b"}
    assert waiting(app, item) == {"odd": code}
    (kept,) = held(app, item)
    assert (kept.reason, kept.seq) == (REASONS[code], 2)
    (run,) = runs(app, item)
    assert (run.id, run.quarantined, run.added) == (kept.sync_run_id, 1, 2)
    assert run.income_count + run.expense_count == 2
    assert reload(app, item).cursor == "cursor-1"


@pytest.mark.parametrize("member", ["amount", "date", "account_id"])
def test_a_member_that_is_missing(app, bank, item, account, member):
    sent = [without(row(account, "odd"), member), row(account, "a")]
    sync(app, item, page(modified=sent), bank=bank)
    assert live(app, item).keys() == {"a"}
    assert waiting(app, item).keys() == {"odd"}


@pytest.mark.parametrize("id", [None, "", 7, "x" * 9000])
def test_a_row_without_a_usable_id(app, bank, item, account, id):
    sent = [row(account, "a"), row(account, "odd") | {"transaction_id": id}]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    assert live(app, item).keys() == {"a"}
    assert waiting(app, item) == {None: "NO_ID"}


def test_what_is_no_row_at_all(app, bank, item, account):
    sent = [5, None, "row", [], row(account, "a")]
    assert sync(app, item, page(sent, removed=[None]), bank=bank) == "succeeded"
    assert live(app, item).keys() == {"a"}
    assert [one.code for one in held(app, item)] == ["UNREADABLE"] * 4 + ["NO_ID"]


def test_what_the_bank_sent_is_kept_and_readable_only_in_its_place(
    app, bank, item, account
):
    odd = row(account, "odd", name="Secret Shop", a_new_member=[1]) | {"amount": None}
    stranger = row("nobody's", "far", "5", name="Secret Bar")
    with every_log_line() as lines:
        sync(app, item, page([odd, stranger]), bank=bank)
    assert not any("Secret" in line for line in lines)
    vault = app.extensions["vault"]
    first, second = held(app, item)
    assert b"Secret" not in bytes(first.raw) + bytes(second.raw)
    assert json.loads(vault.decrypt(first.raw, raw_place(first.id))) == odd
    read = json.loads(vault.decrypt(second.raw, raw_place(second.id)))
    assert (read["plaid_transaction_id"], read["name"]) == ("far", "Secret Bar")
    assert read["plaid_amount"] == 5


PARTS = {
    "location": [1],
    "payment_meta": 5,
    "counterparties": [{"type": "x"}],
    "personal_finance_category": "FOOD",
    "authorized_date": "yesterday",
    "authorized_datetime": 0,
    "merchant_name": ["M"],
    "payment_channel": {},
}


@pytest.mark.parametrize("part", [*PARTS, "all"])
def test_a_row_is_stored_without_an_odd_part(app, bank, item, account, part):
    odd = PARTS if part == "all" else {part: PARTS[part]}
    good = {"merchant_name": "M", "location": {"city": "Bern"}}
    sent = row(account, "odd", "7", a_new_member=1, **good) | odd
    said = page([row(account, "a"), sent, row(account, "b")])
    assert sync(app, item, said, bank=bank) == "succeeded"
    found = live(app, item)
    assert found.keys() == {"a", "odd", "b"}
    one = found["odd"]
    assert (one.amount, one.name) == (-7, "Shop of odd")
    assert one.merchant_name == (None if "merchant_name" in odd else "M")
    assert one.bank_facts == (
        {} if "location" in odd else {"location": {"city": "Bern"}}
    )
    assert (one.category_primary is None) == ("personal_finance_category" in odd)
    assert (one.authorized_date is None) == ("authorized_date" in odd)
    assert waiting(app, item) == {"odd": "PART_DROPPED"}
    assert runs(app, item)[-1].quarantined == 0, "it is stored"
    (kept,) = held(app, item)
    raw = app.extensions["vault"].decrypt(kept.raw, raw_place(kept.id))
    assert odd.items() <= json.loads(raw).items(), "the bank's words are kept"


def test_a_row_without_a_part_is_not_counted_as_unread(app, bank, item, account):
    odd = [row(account, "a") | {"location": 5}, row(account, "b") | {"amount": None}]
    sync(app, item, page(odd), bank=bank)
    with app.app_context():
        now = dt.datetime.now(dt.UTC)
        (shown,) = list_banks(db.session(), item.user_id, now)
    assert shown.unreadable == 1


def test_an_endless_category_is_left_out(app, bank, item, account):
    endless = {"primary": "x" * 9000, "detailed": "y"}
    sent = row(account, "a", personal_finance_category=endless)
    sync(app, item, page([sent]), bank=bank)
    assert live(app, item)["a"].category_primary is None
    assert waiting(app, item) == {"a": "PART_DROPPED"}


def test_an_odd_part_of_an_odd_row(app, bank, item, account):
    """Nothing of such a row is stored; all of it is kept."""
    sent = row(account, "a") | {"merchant_name": 5, "location": 5, "amount": "1e19"}
    sync(app, item, page([sent]), bank=bank)
    assert live(app, item) == {}
    assert waiting(app, item) == {"a": "BAD_AMOUNT"}
    (kept,) = held(app, item)
    raw = json.loads(app.extensions["vault"].decrypt(kept.raw, raw_place(kept.id)))
    assert (raw["merchant_name"], raw["location"]) == (5, 5)


def test_a_good_part_ends_it(both_ways, app, bank, item, account):
    sync(app, item, page([row(account, "a") | {"location": 5}]), bank=bank)
    before = live(app, item)["a"]
    again = row(account, "a", location={"city": "Bern"})
    sync(app, item, page(modified=[again], cursor="c2"), bank=bank)
    after = live(app, item)["a"]
    assert (after.id, after.bank_facts) == (before.id, {"location": {"city": "Bern"}})
    assert waiting(app, item) == {}


def test_a_good_version_ends_it(both_ways, app, bank, item, account):
    odd = row(account, "a") | {"amount": None}
    sync(app, item, page([odd]), bank=bank)
    sync(app, item, page(modified=[row(account, "a", "9")], cursor="c2"), bank=bank)
    assert live(app, item)["a"].amount == -9
    assert waiting(app, item) == {}
    assert len(held(app, item)) == 1, "it does not vanish"


def test_a_removal_ends_it(both_ways, app, bank, item, account):
    odd = [row(account, id) | {"amount": None} for id in "ab"]
    sync(app, item, page(odd), bank=bank)
    sync(app, item, page(removed=["a"], cursor="c2"), bank=bank)
    assert waiting(app, item).keys() == {"b"}
    assert live(app, item) == {}


def test_a_newer_odd_version_takes_its_place(both_ways, app, bank, item, account):
    sync(app, item, page([row(account, "a") | {"amount": None}]), bank=bank)
    odd = row(account, "a") | {"date": None}
    sync(app, item, page(modified=[odd], cursor="c2"), bank=bank)
    assert waiting(app, item) == {"a": "BAD_DATE"}
    assert len(held(app, item)) == 2


def listing(bank, *ids: str) -> None:
    """What the bank says next of its accounts."""
    listed = [
        {"account_id": id, "name": "n", "type": "depository", "balances": {}}
        for id in ids
    ]
    bank.fault("/accounts/get", set={"accounts": listed})


def test_an_account_that_is_listed_later_ends_it_with_the_next_version(
    app, bank, item, account
):
    sync(app, item, page([row("new", "a")]), bank=bank)
    assert waiting(app, item) == {"a": "UNKNOWN_ACCOUNT"}
    listing(bank, account, "new")
    sync(app, item, page(modified=[row("new", "a", "9")], cursor="c2"), bank=bank)
    assert live(app, item)["a"].amount == -9
    assert waiting(app, item) == {}


STRANGE = {
    "name": 'tab\t, "quotes" and back\\slash',
    "merchant_name": None,
    "location": {"city": "Z\u00fcrich\n"},
    "authorized_datetime": "2026-10-04T09:30:00Z",
    "pending": True,
    "iso_currency_code": None,
    "unofficial_currency_code": "BTC",
}


def test_a_row_is_stored_when_its_account_is_listed(both_ways, app, bank, item):
    """By a run that has nothing else to do, to the last column as any other row."""
    account, other = account_ids(bank, item)
    listing(bank, account)
    sent = {"a": row(other, "a", "-0.123456789012") | STRANGE, "b": row(other, "b")}
    far = row("far", "c")
    sync(app, item, page([*sent.values(), far]), bank=bank)
    assert live(app, item) == {}
    sync(app, item, page(cursor="c2"), bank=bank)
    found = live(app, item)
    assert found.keys() == {"a", "b"}
    assert waiting(app, item) == {"c": "UNKNOWN_ACCOUNT"}
    last = runs(app, item)[-1]
    assert (last.added, last.income_count, last.expense_count) == (2, 1, 1)
    again = [one | {"transaction_id": f"{id}2"} for id, one in sent.items()]
    sync(app, item, page(again, cursor="c3"), bank=bank)
    found = live(app, item)
    for name in set(BANK) - {"plaid_transaction_id"}:
        assert getattr(found["a"], name) == getattr(found["a2"], name), name
    assert found["a"].plaid_account_id == other
    sync(app, item, page(cursor="c4"), bank=bank)
    assert rows(app, item) == found, "once is enough"


@pytest.mark.parametrize("news", ["modified", "removed", "odd"])
def test_the_newest_word_on_such_a_row_counts(both_ways, app, bank, item, news):
    account, other = account_ids(bank, item)
    listing(bank, account)
    sync(app, item, page([row(other, "a", "5"), row(other, "b")]), bank=bank)
    said = {
        "modified": {"modified": [row(other, "a", "9")]},
        "removed": {"removed": ["a"]},
        "odd": {"modified": [row(other, "a") | {"amount": None}]},
    }[news]
    sync(app, item, page(**said, cursor="c2"), bank=bank)
    found = {id: int(one.amount) for id, one in live(app, item).items()}
    assert found.pop("b") == -12
    assert found == {"modified": {"a": -9}, "removed": {}, "odd": {"a": -5}}[news]
    assert waiting(app, item) == ({"a": "BAD_AMOUNT"} if news == "odd" else {})


def test_a_posted_row_that_waited_takes_over_what_the_user_made(app, bank, item):
    account, other = account_ids(bank, item)
    sync(app, item, page([row(account, "p", pending=True)]), bank=bank)
    edit(app, item, "p", note="mine")
    change_db(app, "DELETE FROM bank_accounts WHERE plaid_account_id = :a", a=other)
    listing(bank, account)
    posted = row(other, "q", pending_transaction_id="p")
    sync(app, item, page([posted], removed=["p"], cursor="c2"), bank=bank)
    sync(app, item, page(cursor="c3"), bank=bank)
    assert live(app, item)["q"].note == "mine"


def test_a_row_whose_key_is_lost_waits_on(app, bank, item):
    account, other = account_ids(bank, item)
    listing(bank, account)
    sync(app, item, page([row(other, "a"), row(other, "b")]), bank=bank)
    spoil = "UPDATE quarantined_transactions SET raw = '' WHERE plaid_transaction_id"
    change_db(app, spoil + " = 'a'")
    assert sync(app, item, page(cursor="c2"), bank=bank) == "succeeded"
    assert live(app, item).keys() == {"b"}
    assert waiting(app, item) == {"a": "UNKNOWN_ACCOUNT"}


def test_rows_without_an_id_do_not_double_when_the_history_comes_again(
    app, bank, item, account
):
    nameless = without(row(account, "x"), "transaction_id")
    other = nameless | {"amount": Decimal("99")}
    first = [nameless, other, nameless, 5, row(account, "a")]
    sync(app, item, page(first), bank=bank)
    assert count_open(app, item) == 4, "two of them are equal"
    change_db(app, "UPDATE plaid_items SET cursor = NULL WHERE id = :id", id=item.id)
    reordered = dict(reversed(nameless.items()))
    sync(app, item, page([*first, reordered], cursor="c2"), bank=bank)
    assert count_open(app, item) == 5
    sync(app, item, page([nameless], cursor="c3"), bank=bank)
    assert count_open(app, item) == 6, "no history: another row with the same words"


def count_open(app, item) -> int:
    return sum(one.resolved_at is None for one in held(app, item))


def test_nobody_elses_row_without_an_id_is_taken_for_ones_own(app, bank, item, account):
    nameless = without(row(account, "x"), "transaction_id")
    sync(app, item, page([nameless]), bank=bank)
    other = link(app, bank, factories.make_user(app, password_hash="x"))
    sync(app, other, page([nameless]), bank=bank)
    assert len(held(app, other)) == 1


def test_an_odd_version_of_a_stored_row_leaves_it_as_it_was(app, bank, item, account):
    sync(app, item, page([row(account, "a", "7")]), bank=bank)
    edit(app, item, "a", note="mine")
    before = rows(app, item)
    odd = row(account, "a") | {"amount": None}
    sync(app, item, page(modified=[odd], cursor="c2"), bank=bank)
    assert rows(app, item) == before
    assert waiting(app, item).keys() == {"a"}


GOOD, BAD, GONE = "good", "bad", "gone"


@pytest.mark.parametrize("seed", range(6))
def test_the_last_word_of_a_run_counts(both_ways, app, bank, item, account, seed):
    """Ten ids, each with up to four events on up to three pages, in any order."""
    chance = random.Random(seed)
    last: dict[str, str] = {}
    good: dict[str, int] = {}
    bodies = []
    for number in range(3):
        said: dict[str, list] = {"added": [], "modified": [], "removed": []}
        for id in chance.sample("abcdefghij", 7):
            event = chance.choice([GOOD, BAD, GONE])
            cents = chance.randrange(1, 999)
            if event == GONE:
                said["removed"].append(id)
                good.pop(id, None)
            elif event == BAD:
                odd = chance.choice([{"date": None}, {"account_id": "nobody's"}])
                said["added"].append(row(account, id) | odd)
            else:
                said["added"].append(row(account, id, str(cents)))
                good[id] = -cents
            last[id] = event
        bodies.append(page(**said, cursor=f"c{number}", more=number < 2))
    assert sync(app, item, *bodies, bank=bank) == "succeeded"
    assert {id: one.amount for id, one in live(app, item).items()} == good
    assert waiting(app, item).keys() == {id for id in last if last[id] == BAD}


def test_many_strangers_in_bounded_steps(app, bank, item, account):
    sent = [row("nobody's", f"s{n}") for n in range(2500)]
    pages = [
        page(sent[at : at + 500], cursor=f"c{at}", more=at < 2000)
        for at in range(0, 2500, 500)
    ]
    assert sync(app, item, *pages, bank=bank) == "succeeded"
    assert len(waiting(app, item)) == 2500
    assert runs(app, item)[-1].quarantined == 2500


def test_a_run_that_fails_quarantines_nothing(app, bank, item, account):
    odd = row(account, "odd") | {"amount": None}
    bank.fault("/accounts/get", error_code="INTERNAL_SERVER_ERROR")
    assert sync(app, item, page([odd]), bank=bank) == "failed"
    assert held(app, item) == []


def test_the_log_line_ends_with_the_count(app, bank, item, account):
    odd = [row(account, id) | {"amount": None} for id in "ab"]
    with every_log_line() as lines:
        sync(app, item, page(odd), bank=bank)
    assert [line for line in lines if line.endswith(" quarantined=2")]


def test_an_odd_row_through_the_bank_itself(app, bank, item):
    """The bank's own page with a member changed by its fault switch."""
    added = [{"transaction_id": "x", "account_id": "y", "amount": None, "date": 1}]
    bank.fault("/transactions/sync", set={"added": added})
    assert sync(app, item) == "succeeded"
    assert waiting(app, item).keys() == {"x"}


def test_it_goes_with_the_bank(app, bank, item, account):
    sync(app, item, page([row(account, "odd") | {"amount": None}]), bank=bank)
    change_db(app, "DELETE FROM plaid_items WHERE id = :id", id=item.id)
    assert not exists(app, item)
    assert held(app, item) == []


def test_the_list_tells_no_amount_and_no_name(app, bank, item, account):
    odd = row(account, "odd", name="Secret Shop") | {"date": None, "amount": 1234.5}
    nameless = without(row(account, "x"), "transaction_id")
    sync(app, item, page([odd, nameless]), bank=bank)
    result = app.test_cli_runner().invoke(args=["quarantine"])
    assert result.exit_code == 0, result.output
    first, second, last = result.output.splitlines()
    assert first.split()[2:5] == [str(item.id), "odd", "BAD_DATE:"]
    assert "(no id)  NO_ID: The bank gave" in second
    assert last == "2 rows in quarantine."
    assert "Secret" not in result.output
    assert "1234" not in result.output


# Reading the page


def body(*added: bytes) -> bytes:
    return (
        b'{"request_id": "r", "has_more": false, "next_cursor": "c", "removed": [],'
        b' "modified": [], "added": [' + b", ".join(added) + b"]}"
    )


PLAIN = b'{"transaction_id": "t", "account_id": "a", "amount": 1, "date": "2026-10-05"'


@pytest.mark.parametrize(
    ("name", "read"),
    [
        (b"\\ud800", "\ufffd"),
        (b"x\\udc00y", "x\ufffdy"),
        (b"\\ud83c\\udf55", "\N{SLICE OF PIZZA}"),
        (b"\\\\ud800", "\\ud800"),
        (b"\xff", "\ufffd"),
        (b"\\u0000", "\ufffd"),
    ],
)
def test_text_that_is_no_text_is_mended(name, read):
    odd = PLAIN + b', "pending": 5}'
    found = read_page(body(odd, PLAIN + b', "name": "' + name + b'"}'))
    assert isinstance(found.added[0], OddRow)
    assert found.added[1].name == read


@pytest.mark.parametrize(
    ("city", "read"),
    [
        (b"\\ud800", "\ufffd"),
        (b"x\xff", "x\ufffd"),
        (b"\\u0000", "\ufffd"),
        (b"tab\\t, back\\\\slash", "tab\t, back\\slash"),
    ],
)
def test_text_of_a_part_is_mended_too(city, read):
    (found,) = read_page(
        body(PLAIN + b', "location": {"city": "' + city + b'"}}')
    ).added
    text = facts(found.location, found.payment_meta, found.counterparties)
    assert json.loads(text.replace("\\\\", "\\")) == {"location": {"city": read}}


def test_no_more_parts_are_kept_than_memory_is_for():
    for number in range(3000):
        city = f"{number}" + "x" * (number % 5000)
        said = Raw(json.dumps({"city": city}).encode())
        assert facts(said, NOTHING, NOTHING) == f'{{"location":{{"city":"{city}"}}}}'
    assert len(_places) <= MOST_KEPT
    assert max(map(len, _places)) <= LONGEST_KEPT


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", body(PLAIN), body()[:-1]])
def test_what_is_no_page_is_no_page(text):
    with pytest.raises(PlaidError) as caught:
        read_page(text)
    assert caught.value.code == "UNREADABLE"


def test_an_odd_list_of_accounts_on_a_page_harms_nobody():
    text = body(PLAIN + b"}")[:-1] + b', "accounts": [{"account_id": null}]}'
    assert len(read_page(text).added) == 1


def test_every_reason_has_a_sentence():
    assert all(sentence.endswith(".") for sentence in REASONS.values())
    assert raw_place(uuid.UUID(int=1)).column == "raw"
