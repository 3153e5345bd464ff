"""What the bank says becomes a row: the sign turned once, text and amounts exact."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from io import BytesIO

import msgspec
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Raw
from sqlalchemy import text

from tests.sync.linked import account_ids, answers, live, page, row, sync, token
from webapp.extensions import db
from webapp.models import PlaidItem
from webapp.plaid.decode import Counterparty, Transaction
from webapp.plaid.errors import PlaidError
from webapp.sync import apply
from webapp.sync.fetch import Fetched
from webapp.sync.rows import line, owner_amount
from webapp.sync.schedule import Claim

pytestmark = pytest.mark.commits

NASTY = [
    "tab\there", "line\nfeed", "carriage\rreturn", "back\\slash", "\\N", "\\.", "\\t",
    "\\\\", "\\u0000", "'quotes' and \"more\"", "%s %(name)s", "emoji 🍕👩‍👩‍👧", "",
    " blanks ", "NULL", "\v\f\b", "\x01\x1f\x7f", "\u2028\u2029\ufeff", "{}",
    "é e\u0301",
]  # fmt: skip


@pytest.mark.parametrize(
    ("plaid", "iso", "stored"),
    [
        ("12.34", "USD", "-12.34"),
        ("-1840", "USD", "1840"),
        ("10.0215217", "USD", "-10.02"),
        ("0.125", "USD", "-0.12"),  # half to even
        ("0.135", "USD", "-0.14"),
        ("-0.125", "USD", "0.12"),
        ("1e-7", "USD", "0"),
        ("0.5", "JPY", "0"),
        ("1.5", "JPY", "-2"),
        ("2.5", "JPY", "-2"),
        ("1.2345", "KWD", "-1.234"),
        ("0.123456789012", None, "-0.1234567890"),
        ("0.00000001", None, "-0.00000001"),
        ("999999999999999999", "USD", "-999999999999999999"),
    ],
)
def test_the_sign_is_turned_and_the_minor_unit_rounded_half_even(plaid, iso, stored):
    assert owner_amount(Decimal(plaid), iso) == Decimal(stored)


@pytest.mark.parametrize("zero", ["0", "0.00", "-0", "-0.0", "0E+3", "-1e-9"])
def test_zero_has_no_sign(zero):
    assert str(owner_amount(Decimal(zero), "USD")).lstrip("-") == "0.00"
    assert not owner_amount(Decimal(zero), "USD").is_signed()


ABSURD = ["1e18", "-1e18", "1e400", "NaN", "Infinity", "1e-20000"]


@pytest.mark.parametrize(
    ("absurd", "iso"),
    [
        *((absurd, iso) for absurd in ABSURD for iso in ("USD", None)),
        ("999999999999999999.999", "USD"),  # rounding makes it one too many
    ],
)
def test_an_amount_that_no_ledger_holds_is_unreadable(absurd, iso):
    with pytest.raises(PlaidError) as caught:
        owner_amount(Decimal(absurd), iso)
    assert caught.value.code == "UNREADABLE"


@given(st.decimals(-(10**12), 10**12, places=7))
def test_no_amount_gains_or_loses_more_than_half_a_cent(plaid):
    stored = owner_amount(plaid, "USD")
    assert abs(stored + plaid) <= Decimal("0.005")
    assert stored == stored.quantize(Decimal("0.01"))


def transaction(account_id: str, id: str, said: str) -> Transaction:
    counterparties = [Counterparty(name=said, type="merchant", website=said)]
    return Transaction(
        transaction_id=id,
        account_id=account_id,
        amount=Decimal(1),
        date=dt.date(2026, 10, 5),
        iso_currency_code="USD",
        name=said,
        merchant_name=said,
        original_description=said,
        check_number=said,
        counterparties=Raw(msgspec.json.encode(counterparties)),
    )


def stored_texts(app: Flask, item: PlaidItem, account_id: str, texts: list[str]):
    """What is read back after COPY and merge, by transaction id; rolled back."""
    fetched = Fetched(BytesIO(), expense_count=len(texts))
    for seq, said in enumerate(texts):
        copied, _ = line(transaction(account_id, f"t{seq}", said), seq)
        fetched.spool.write(copied.encode())
    fetched.spool.seek(0)
    held = Claim(item.user_id, item.id, "", None, b"", None, "", 1, None, uuid.uuid4())
    with app.app_context():
        vault = app.extensions["vault"]
        apply.write_transactions(db.session(), vault, held, uuid.uuid4(), fetched)
        found = db.session.execute(
            text("SELECT * FROM transactions WHERE user_id = :u"), {"u": item.user_id}
        ).all()
        db.session.rollback()
    return {row.plaid_transaction_id: row for row in found}


@pytest.fixture
def account_id(app, bank, item) -> str:
    """A stored account of the item."""
    assert sync(app, item) == "succeeded"
    return account_ids(bank, item)[0]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
def test_any_text_comes_back_the_same(app, item, account_id, texts):
    found = stored_texts(app, item, account_id, texts)
    for seq, said in enumerate(texts):
        meant = said.replace("\0", "\N{REPLACEMENT CHARACTER}")
        row = found[f"t{seq}"]
        assert row.name == meant
        assert row.merchant_name == meant
        assert row.original_description == meant
        assert row.check_number == meant
        counterparty = row.bank_facts["counterparties"][0]
        assert (counterparty["name"], counterparty["website"]) == (meant, meant)


def test_nasty_text_survives_the_whole_way_from_the_bank(app, bank, item, account_id):
    sent = {
        f"t{number}": row(
            account_id,
            f"t{number}",
            name=said or "x",
            merchant_name=said,
            original_description=said,
            counterparties=[{"name": said, "type": "merchant"}],
            location={"city": said},
            payment_meta={"payee": said},
        )
        for number, said in enumerate(NASTY)
    }
    assert sync(app, item, page(list(sent.values())), bank=bank) == "succeeded"
    stored = live(app, item)
    assert stored.keys() == sent.keys()
    for id, said in sent.items():
        found = stored[id]
        assert found.name == said["name"]
        assert found.merchant_name == said["merchant_name"]
        assert found.original_description == said["original_description"]
        facts = found.bank_facts
        assert facts["counterparties"] == said["counterparties"]
        assert facts["location"] == said["location"]
        assert facts["payment_meta"] == said["payment_meta"]


def test_nul_is_replaced_wherever_the_bank_says_it(app, bank, item, account_id):
    nul = row(
        account_id, "t", name="a\0b", counterparties=[{"name": "\0", "type": "x"}]
    )
    answers(bank, page([nul]))
    names = {"name": "Acc\0ount", "official_name": "\0"}
    accounts = bank.plaid("/accounts/get", access_token=token(app, item))["accounts"]
    bank.fault("/accounts/get", set={"accounts": [{**accounts[0], **names}]})
    assert sync(app, item) == "succeeded"
    found = live(app, item)["t"]
    assert found.name == "a\ufffdb"
    assert found.bank_facts["counterparties"][0]["name"] == "\ufffd"


def test_the_banks_exact_figure_is_kept_beside_the_rounded_one(app, bank, item):
    id = account_ids(bank, item)[0]
    sent = [
        row(id, "seven", "10.0215217"),
        row(id, "tiny", "1e-7"),
        row(id, "in", "-1840.005"),
        row(id, "zero", "0.00"),
        row(id, "yen", "1.5", iso_currency_code="JPY"),
        row(id, "dinar", "12.3456", iso_currency_code="KWD"),
        row(id, "coin", "0.123456789012", **_unofficial("BTC")),
        row(id, "none", "7", iso_currency_code=None),
    ]
    assert sync(app, item, page(sent), bank=bank) == "succeeded"
    found = {
        id: (row.amount, row.plaid_amount, row.currency)
        for id, row in live(app, item).items()
    }
    D = Decimal
    assert found == {
        "seven": (D("-10.02"), D("10.0215217"), "USD"),
        "tiny": (D(0), D("0.0000001"), "USD"),
        "in": (D("1840.00"), D("-1840.005"), "USD"),
        "zero": (D(0), D(0), "USD"),
        "yen": (D(-2), D("1.5"), "JPY"),
        "dinar": (D("-12.346"), D("12.3456"), "KWD"),
        "coin": (D("-0.1234567890"), D("0.123456789012"), "BTC"),
        "none": (D(-7), D(7), "XXX"),
    }


def _unofficial(code: str) -> dict:
    return {"iso_currency_code": None, "unofficial_currency_code": code}


@pytest.mark.parametrize("balance", ["1e30", "NaN"])
def test_an_absurd_balance_fails_the_run_and_crashes_nothing(app, bank, item, balance):
    id = account_ids(bank, item)[0]
    account = {
        "account_id": id, "name": "n", "type": "depository",
        "balances": {"current": balance, "iso_currency_code": "USD"},
    }  # fmt: skip
    bank.fault("/accounts/get", set={"accounts": [account]})
    assert sync(app, item) == "failed"


def test_an_account_listed_twice_is_stored_once(app, bank, item):
    account = {
        "account_id": account_ids(bank, item)[0],
        "name": "n",
        "type": "depository",
        "balances": json.loads('{"current": 1.5, "iso_currency_code": "USD"}'),
    }
    bank.fault("/accounts/get", set={"accounts": [account, account]})
    assert sync(app, item) == "succeeded"
