"""Custom users of the bank: rows, sums and flows are their definition's to the cent."""

import datetime as dt
import json
import os
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.bank import Bank
from tests.sync.linked import ask_db, link, live, state_at_bank, sync
from webapp.plaid.client import PlaidClient
from webapp.plaid.errors import Kind, PlaidError

pytestmark = pytest.mark.commits

TODAY = dt.datetime(2026, 9, 15, 12, tzinfo=dt.UTC)
# what `ledger` may call a flow; each row has one
FLOWS = {"income", "spending", "refund", "transfer", "card_payment", "excluded"}


def entry(day: str, amount: str, description: str, **overrides) -> dict:
    """One of a custom user's transactions; `amount` has Plaid's sign."""
    posted = dt.date.fromisoformat(day)
    transacted = posted - dt.timedelta(days=1)
    return {
        "date_transacted": transacted.isoformat(),
        "date_posted": day,
        "amount": Decimal(amount),
        "description": description,
        **overrides,
    }


def account(*transactions: dict, kind: str = "depository", **overrides) -> dict:
    return {"type": kind, "transactions": list(transactions), **overrides}


HOUSEHOLD = {
    "override_accounts": [
        account(
            entry("2026-08-22", "-2500.00", "PAYROLL NORTHWIND ROBOTICS"),
            entry("2026-08-23", "89.40", "TRADER JOE'S #552"),
            entry("2026-08-24", "1200", "RENT SEPTEMBER"),
            entry("2026-08-25", "-12.25", "STARBUCKS REFUND"),
            entry("2026-08-26", "300.00", "CREDIT CARD 3333 PAYMENT *//"),
            entry("2026-08-27", "0.1", "COFFEE"),
            entry("2026-08-27", "0.2", "COFFEE"),
            entry("2026-08-28", "10.0215217", "SHELL OIL 5744"),
            entry("2026-08-29", "7.005", "UBER 063015 SF**POOL**"),
            entry("2026-09-20", "55.55", "WHOLE FOODS MARKET"),  # still pending
            subtype="checking",
            starting_balance=Decimal("5210.44"),
            meta={"name": "Household"},
        ),
        account(
            entry("2026-07-01", "-500", "TRANSFER FROM CHECKING"),
            entry("2026-07-02", "-4.22", "INTRST PYMNT"),
            subtype="savings",
            currency="USD",
            meta={"name": "Rainy days"},
        ),
        account(
            entry("2026-06-30", "-300", "AUTOMATIC PAYMENT - THANK"),
            entry("2026-07-05", "78.50", "TOUCHSTONE CLIMBING"),
            entry("2026-07-06", "-78.50", "TOUCHSTONE CLIMBING"),
            kind="credit",
            subtype="credit card",
            meta={"name": "Card", "limit": 2000},
        ),
    ]
}
ABROAD = {
    "override_accounts": [
        account(
            entry("2026-05-04", "1500", "HOTEL KYOTO", currency="JPY"),
            entry("2026-05-05", "1.5", "VENDING MACHINE", currency="JPY"),
            entry("2026-05-06", "-20000", "SALARY TOKYO", currency="JPY"),
            subtype="checking",
            currency="JPY",
            meta={"name": "Yen"},
        ),
        account(
            entry("2026-05-04", "19.99", "MONOPRIX PARIS", currency="EUR"),
            entry("2026-05-05", "-1000.01", "VIREMENT", currency="EUR"),
            entry("2026-05-06", "5.00", "AIRPORT SHOP", currency="USD"),
            subtype="checking",
            currency="EUR",
            meta={"name": "Euro"},
        ),
    ]
}


def written(definition: dict) -> str:
    """JSON with each amount's own digits."""
    return msgspec.json.Encoder(decimal_format="number").encode(definition).decode()


STEPS = {"JPY": Decimal(1)}


def minor(amount: Decimal, currency: str) -> Decimal:
    """Half-even to the minor unit, by another road than the app's own."""
    step = STEPS.get(currency, Decimal("0.01"))
    return round(amount / step) * step


def defined(definition: dict) -> dict[int, list[dict]]:
    """By number of the account: its rows as the owner should see them."""
    found = {}
    for number, one in enumerate(definition["override_accounts"]):
        found[number] = []
        for t in one["transactions"]:
            currency = t.get("currency") or one.get("currency") or "USD"
            exact = Decimal(str(t["amount"]))
            found[number].append(
                {
                    "description": t["description"],
                    "authorized": t["date_transacted"],
                    "posted": t["date_posted"],
                    "currency": currency,
                    "plaid_amount": exact,
                    "amount": minor(-exact, currency),
                }
            )
    return found


def check(app, bank: Bank, owner, definition: dict, today: dt.date) -> list[dict]:
    """Link, sync and compare with the definition; returns a line for each account."""
    item = link(app, bank, owner, "user_custom", written(definition))
    assert sync(app, item) == "succeeded"
    wanted = defined(definition)
    order = [a["account_id"] for a in _accounts(bank, item)]
    stored = defaultdict(list)
    for row in live(app, item).values():
        stored[order.index(row.plaid_account_id)].append(row)
    flows = _flows(app, item)
    report = []
    for number, rows in wanted.items():
        found = stored[number]
        assert Counter(_shown(row, today) for row in rows) == Counter(
            (
                row.name, row.authorized_date.isoformat(), row.date.isoformat(),
                row.currency, row.plaid_amount.normalize(), row.amount, row.pending,
            )
            for row in found
        )  # fmt: skip
        sums = _sums((row["amount"], row["currency"]) for row in rows)
        assert _sums((row.amount, row.currency) for row in found) == sums
        by_flow = _by_flow(found, flows)
        report.append({"rows": len(rows), "sums": sums, "flows": by_flow})
        for currency, (money_in, money_out) in sums.items():
            added = sum(v for (_, code), v in by_flow.items() if code == currency)
            assert added == money_in + money_out
    assert sum(map(len, stored.values())) == sum(map(len, wanted.values()))
    return report


def _accounts(bank: Bank, item) -> list[dict]:
    return state_at_bank(bank, item.item_id)["accounts"]


def _shown(row: dict, today: dt.date) -> tuple:
    """A row is pending, and dated by the purchase, until the day it posts."""
    pending = row["posted"] > today.isoformat()
    return (
        row["description"], row["authorized"],
        row["authorized"] if pending else row["posted"],
        row["currency"], row["plaid_amount"].normalize(), row["amount"], pending,
    )  # fmt: skip


def _sums(rows) -> dict[str, tuple[Decimal, Decimal]]:
    """By currency: money in and money out."""
    found = {}
    for amount, currency in rows:
        money_in, money_out = found.get(currency, (Decimal(0), Decimal(0)))
        if amount > 0:
            money_in += amount
        else:
            money_out += amount
        found[currency] = (money_in, money_out)
    return found


def _flows(app, item) -> dict:
    statement = "SELECT id, flow FROM ledger WHERE user_id = :u"
    found = ask_db(app, statement, u=item.user_id)
    assert len({row.id for row in found}) == len(found), "a row is in one group only"
    assert {row.flow for row in found} <= FLOWS
    return {row.id: row.flow for row in found}


def _by_flow(rows, flows) -> dict[tuple[str, str], Decimal]:
    found = defaultdict(Decimal)
    for row in rows:
        found[flows[row.id], row.currency] += row.amount
    return dict(found)


@pytest.fixture
def dated_bank(bank: Bank) -> Bank:
    bank.set_clock(TODAY)
    return bank


def test_a_household_of_three_accounts(app, dated_bank, owner):
    checking, savings, card = check(app, dated_bank, owner, HOUSEHOLD, TODAY.date())
    assert checking["sums"] == {"USD": (Decimal("2512.25"), Decimal("-1662.27"))}
    assert savings["sums"] == {"USD": (Decimal("504.22"), Decimal(0))}
    assert card["sums"] == {"USD": (Decimal("378.50"), Decimal("-78.50"))}
    assert checking["flows"]["income", "USD"] == Decimal("2500.00")
    assert checking["flows"]["card_payment", "USD"] == Decimal("-300.00")
    assert savings["flows"]["transfer", "USD"] == Decimal("500.00")


def test_accounts_abroad_keep_each_currency_apart(app, dated_bank, owner):
    yen, euro = check(app, dated_bank, owner, ABROAD, TODAY.date())
    assert yen["sums"] == {"JPY": (Decimal(20000), Decimal(-1502))}
    assert euro["sums"] == {
        "EUR": (Decimal("1000.01"), Decimal("-19.99")),
        "USD": (Decimal(0), Decimal("-5.00")),
    }


def test_a_pending_row_posts_when_its_day_comes(app, dated_bank, owner):
    item = link(app, dated_bank, owner, "user_custom", written(HOUSEHOLD))
    sync(app, item)
    (waiting,) = [row for row in live(app, item).values() if row.pending]
    assert (waiting.name, waiting.amount) == ("WHOLE FOODS MARKET", Decimal("-55.55"))
    dated_bank.set_clock(TODAY + dt.timedelta(days=6))
    sync(app, item)
    after = live(app, item)
    assert len(after) == 15
    assert waiting.plaid_transaction_id not in after
    (posted,) = [r for r in after.values() if r.name == "WHOLE FOODS MARKET"]
    assert posted.pending_transaction_id == waiting.plaid_transaction_id
    assert (posted.pending, posted.date) == (False, dt.date(2026, 9, 20))


def test_balances_are_the_definitions(app, dated_bank, owner):
    item = link(app, dated_bank, owner, "user_custom", written(HOUSEHOLD))
    sync(app, item)
    statement = "SELECT name, current_balance, balance_limit FROM bank_accounts"
    found = {row.name: row for row in ask_db(app, statement)}
    assert found.keys() == {"Household", "Rainy days", "Card"}
    assert found["Household"].current_balance == Decimal("5210.44")
    assert found["Card"].balance_limit == 2000


NULLS = {
    "version": None,
    "seed": None,
    "override_accounts": [
        {
            "type": None,
            "subtype": None,
            "starting_balance": None,
            "currency": None,
            "meta": {"name": None, "official_name": None, "limit": None},
            "transactions": [
                {
                    "date_transacted": None,
                    "date_posted": None,
                    "amount": None,
                    "description": None,
                    "currency": None,
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("password", [json.dumps(NULLS), "{", "[]", "pass_good"])
def test_a_template_nobody_filled_in_is_refused(bank: Bank, password):
    plaid = PlaidClient(bank.url, "sandbox", "sandbox")
    with pytest.raises(PlaidError) as caught:
        plaid.sandbox_public_token_create("ins_109508", "user_custom", password)
    assert caught.value.code == "INVALID_CREDENTIALS"
    assert caught.value.kind is Kind.USER
    assert caught.value.request_id


if FOLDER := os.environ.get("CUSTOM_USERS_DIR"):
    FILES = sorted(Path(FOLDER).glob("*.json"))

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_a_file_of_a_custom_user(app, bank, owner, path):
        """Files with rows link and add up; a template without any is refused."""
        definition = json.loads(path.read_text(), parse_float=Decimal)
        rows = [t for a in definition["override_accounts"] for t in a["transactions"]]
        if all(t["amount"] is None for t in rows):
            plaid = PlaidClient(bank.url, "sandbox", "sandbox")
            with pytest.raises(PlaidError) as caught:
                plaid.sandbox_public_token_create(
                    "ins_109508", "user_custom", path.read_text()
                )
            assert caught.value.code == "INVALID_CREDENTIALS"
            print(f"{path.name}: refused, {caught.value}")
            return
        report = check(app, bank, owner, definition, dt.datetime.now(dt.UTC).date())
        for number, line in enumerate(report):
            print(f"{path.name} account {number}: {line}")
