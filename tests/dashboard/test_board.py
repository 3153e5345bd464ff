"""The dashboard over HTTP: what a person reads on it."""

import datetime as dt
import json
import re
import zoneinfo
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.conftest import browser_of
from tests.dashboard.reading import Node, read
from tests.factories import make_account, make_item
from tests.ledger.rows import add, make_person, row
from webapp.models import BankAccount, PlaidItem, User

SPAN = "/?period=custom&from=2026-02-01&to=2026-02-28"
FOOD = {
    "category_primary": "FOOD_AND_DRINK",
    "category_detailed": "FOOD_AND_DRINK_COFFEE",
}
WAGE = {"category_primary": "INCOME", "category_detailed": "INCOME_SALARY"}
CARD = {
    "category_primary": "LOAN_PAYMENTS",
    "category_detailed": "LOAN_PAYMENTS_CREDIT_CARD_PAYMENT",
}


def feb(day: int) -> dt.date:
    return dt.date(2026, 2, day)


def figures(page: Node, currency: str) -> tuple[str, str, str]:
    """(net, money in, money out) as they stand there."""
    totals = page.get(f"totals-{currency}")
    money_in, money_out = totals.all(css="subfigure")
    return totals.one(css="main-figure").text, money_in.text, money_out.text


@pytest.fixture
def item(app: Flask, alice: User) -> PlaidItem:
    return make_item(app, alice)


@pytest.fixture
def checking(app: Flask, item: PlaidItem) -> BankAccount:
    return make_account(app, item, name="Checking", mask="4321")


@pytest.fixture
def history(app: Flask, checking: BankAccount) -> None:
    """February: wages, two coffees of which one came back, a card payment, pending."""
    add(
        app,
        row(checking, "2000.10", date=feb(1), name="Employer", **WAGE),
        row(checking, "-10.25", date=feb(2), **FOOD),
        row(checking, "-4.75", date=feb(28), **FOOD),
        row(checking, "4.75", date=feb(28), **FOOD),
        row(checking, "-300", date=feb(5), **CARD),
        row(checking, "-7", date=feb(6), excluded=True),
        row(checking, "-20", date=feb(27), pending=True, **FOOD),
        row(checking, "5", date=feb(27), pending=True, **WAGE),
        # the days beside the period
        row(checking, "-1000", date=dt.date(2026, 1, 31), **FOOD),
        row(checking, "-2000", date=dt.date(2026, 3, 1), **FOOD),
    )


def test_first_time_user_sees_what_to_do(alice_client: FlaskClient) -> None:
    answer = alice_client.get("/")
    page = read(answer.text)
    assert answer.status_code == 200
    steps = page.get("first-steps")
    assert steps.one("a").attrs["href"] == "/accounts/link"
    for part in ("period", "recent", "net-worth", "freshness", "accounts"):
        assert page.find(part) is None


def test_linked_bank_without_rows_is_quiet_and_not_a_first_visit(
    alice_client: FlaskClient, checking: BankAccount
) -> None:
    page = read(alice_client.get(SPAN).text)
    assert page.find("first-steps") is None
    assert "Nothing came or went in Feb 1" in page.get("quiet").text


@pytest.mark.usefixtures("history")
def test_figures_of_a_period(alice_client: FlaskClient) -> None:
    page = read(alice_client.get(SPAN).text)
    assert figures(page, "USD") == ("+$1,989.85", "+$2,000.10", "$10.25")


@pytest.mark.usefixtures("history")
def test_figures_beside_the_period_before(alice_client: FlaskClient) -> None:
    page = read(alice_client.get(SPAN).text)
    net, money_in, money_out = page.get("totals-USD").all(css="delta")
    # January had one coffee of $1,000 and no income
    assert "$2,989.85 more than Jan 4" in net.text.replace("–", "-")
    assert money_in.text.startswith("$2,000.10 more")
    assert money_out.text.startswith("$989.75 less (99%)")


@pytest.mark.usefixtures("history")
def test_what_is_not_in_the_totals_stands_beside_them(
    alice_client: FlaskClient,
) -> None:
    aside = read(alice_client.get(SPAN).text).get("pending-USD").text
    assert "2 not counted yet: $5.00 in, $20.00 out" in aside
    assert "Card payments (1) −$300.00" in aside
    assert "Left out by you (1) −$7.00" in aside


@pytest.mark.usefixtures("history")
def test_categories_with_refunds_netted(alice_client: FlaskClient) -> None:
    rows = (
        read(alice_client.get(SPAN).text).get("categories-USD").one("tbody").all("tr")
    )
    assert [one.text for one in rows] == ["Food & drink $10.25 100%"]


@pytest.mark.usefixtures("history")
def test_chart_data_and_table_are_the_same_exact_figures(
    alice_client: FlaskClient,
) -> None:
    part = read(alice_client.get(SPAN).text).get("cash-flow-USD")
    data = json.loads(part.one("script").text)
    assert data["currency"] == "USD"
    assert len(data["labels"]) == 28
    assert sum(map(Decimal, data["income"])) == Decimal("2000.10")
    assert sum(map(Decimal, data["spending"])) == Decimal("10.25")
    assert sum(map(Decimal, data["net"])) == Decimal("1989.85")
    table = part.one("tbody").all("tr")
    assert [one.one("th").text for one in table] == data["labels"]
    assert table[0].text == "Feb 1 $2,000.10 $0.00 +$2,000.10"


@pytest.mark.usefixtures("history")
def test_recent_transactions_newest_first_by_day(alice_client: FlaskClient) -> None:
    recent = read(alice_client.get(SPAN).text).get("recent")
    days = [head.attrs["id"] for head in recent.all(css="day-head")]
    assert days == sorted(days, reverse=True)
    assert days[0] == "day-2026-03-01"
    assert len(recent.all("li", "row-line")) == 10
    assert len(recent.all("li", "is-pending")) == 2
    assert "Card payment" in recent.text


def test_only_the_last_fifteen_are_recent(
    app: Flask, alice_client: FlaskClient, checking: BankAccount
) -> None:
    add(app, *(row(checking, "-1", date=feb(day)) for day in range(1, 21)))
    recent = read(alice_client.get("/").text).get("recent")
    lines = recent.all("li", "row-line")
    assert len(lines) == 15
    assert recent.all(css="day-head")[-1].attrs["id"] == "day-2026-02-06"


def test_balances_and_net_worth(app: Flask, alice: User, item: PlaidItem) -> None:
    hidden_at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    make_account(app, item, current_balance=Decimal("1000.50"))
    make_account(app, item, type="credit", current_balance=Decimal("200.25"))
    make_account(app, item, name="Gone", closed_at=hidden_at)
    make_account(app, item, current_balance=Decimal(9), hidden_at=hidden_at)
    make_account(app, item, name="Riddle", current_balance=None, available_balance=None)
    page = read(browser_of(app, alice).get("/").text)
    worth = page.get("net-worth")
    assert worth.one(css="worth").text == "$800.25"
    assert [pair.text for pair in worth.all("dd")] == ["$1,000.50", "$200.25"]
    accounts = page.get("accounts").text
    assert "−$200.25" in accounts
    assert "Riddle ··0000 Checking unknown" in accounts
    assert "Gone" not in accounts


@pytest.mark.parametrize(
    ("subtype", "words"),
    [("cd", "CD"), ("simple ira", "Simple IRA"), ("401k", "401k"),
     ("cash management", "Cash management"), (None, "Depository")],
)  # fmt: skip
def test_kind_of_account_is_written_as_people_do(
    app: Flask, alice: User, item: PlaidItem, subtype: str | None, words: str
) -> None:
    make_account(app, item, name="One", type="depository", subtype=subtype)
    accounts = read(browser_of(app, alice).get("/").text).get("accounts")
    assert accounts.one(css="row-under").text.split(" · ")[0] == words


def test_overpaid_card_is_something_you_have(
    app: Flask, alice: User, item: PlaidItem
) -> None:
    make_account(app, item, current_balance=Decimal(100))
    make_account(app, item, type="credit", current_balance=Decimal(-40))
    worth = read(browser_of(app, alice).get("/").text).get("net-worth")
    assert worth.one(css="worth").text == "$140.00"
    assert [pair.text for pair in worth.all("dd")] == ["$140.00", "$0.00"]


def test_currencies_stand_apart_and_are_never_added(
    app: Flask, alice_client: FlaskClient, item: PlaidItem, checking: BankAccount
) -> None:
    yen = make_account(app, item, currency="JPY", current_balance=Decimal(5000))
    add(
        app,
        row(checking, "-10.25", date=feb(2), **FOOD),
        row(yen, "-300", date=feb(2), **FOOD),
        row(yen, "900", date=feb(3), **WAGE),
    )
    page = read(alice_client.get(SPAN).text)
    sections = [part.attrs["aria-label"] for part in page.all("section", "currency")]
    assert sections == ["JPY", "USD"]  # the busiest first
    assert figures(page, "USD") == ("−$10.25", "$0.00", "$10.25")
    assert figures(page, "JPY") == ("+¥600", "+¥900", "¥300")
    worth = [figure.text for figure in page.get("net-worth").all(css="worth")]
    assert sorted(worth) == ["$110.00", "¥5,000"]
    assert "310" not in page.get("board").text


def test_same_day_sum_has_each_currency(
    app: Flask, alice_client: FlaskClient, item: PlaidItem, checking: BankAccount
) -> None:
    yen = make_account(app, item, currency="JPY")
    add(app, row(checking, "-10", date=feb(2)), row(yen, "-300", date=feb(2)))
    recent = read(alice_client.get("/").text).get("recent")
    assert recent.one(css="day-sum").text == "−¥300 −$10.00"


def test_freshness_names_the_bank_that_is_behind(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    now = dt.datetime.now(dt.UTC)
    complete = {"update_status": "HISTORICAL_UPDATE_COMPLETE"}
    make_item(app, alice, last_synced_at=now, **complete)
    make_item(
        app, alice, institution_name="Slow Bank", state="login_required", **complete,
        last_synced_at=dt.datetime(2026, 2, 3, 12, tzinfo=dt.UTC),
    )  # fmt: skip
    text = read(alice_client.get("/").text).get("freshness").text
    assert re.fullmatch(
        r"Complete to Feb 3.*, 1 of 2 banks current\. Slow Bank is behind", text
    )


def test_freshness_promises_nothing_while_a_bank_was_never_read(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    make_item(app, alice)
    make_item(app, alice, state="first_sync", last_synced_at=None, done_seq=0)
    text = read(alice_client.get("/").text).get("freshness").text
    assert text.startswith("1 of 2 banks current")


def test_board_asks_for_itself_while_a_bank_is_read(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    make_item(app, alice, state="first_sync", last_synced_at=None, done_seq=0)
    page = read(alice_client.get(SPAN).text)
    waiting = page.get("syncing")
    assert waiting.attrs["hx-get"] == SPAN
    assert "0 of 1 bank done" in waiting.text
    assert page.find("quiet") is None, "nothing came or went, it would say"


@pytest.mark.parametrize(
    "query", ["endpoint=x", "_external=1&_scheme=javascript", "_anchor=a", "values=1"]
)
def test_foreign_arguments_are_not_passed_on(
    app: Flask, alice: User, alice_client: FlaskClient, query: str
) -> None:
    make_item(app, alice, state="first_sync", last_synced_at=None, done_seq=0)
    answer = alice_client.get(f"/?period=last-30-days&{query}")
    assert answer.status_code == 200
    waiting = read(answer.text).get("syncing")
    assert waiting.attrs["hx-get"] == "/?period=last-30-days"


def test_today_is_the_day_where_the_person_lives(app: Flask) -> None:
    """25 hours apart: it is never the same day at both."""
    for name in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        user = make_person(app, time_zone=name)
        make_item(app, user)
        zone = zoneinfo.ZoneInfo(name)
        before = dt.datetime.now(zone).date()
        page = read(browser_of(app, user).get("/?period=last-30-days").text)
        last = page.get("period").all("input")[-1].attrs["value"]
        assert before.isoformat() <= last <= dt.datetime.now(zone).date().isoformat()


def test_row_of_today_is_in_and_of_tomorrow_is_not(
    app: Flask, alice: User, alice_client: FlaskClient, checking: BankAccount
) -> None:
    today = alice.today(dt.datetime.now(dt.UTC))
    add(
        app,
        row(checking, "-1", date=today, **FOOD),
        row(checking, "-2", date=today - dt.timedelta(days=29), **FOOD),
        row(checking, "-4", date=today + dt.timedelta(days=2), **FOOD),
        row(checking, "-8", date=today - dt.timedelta(days=31), **FOOD),
    )
    page = read(alice_client.get("/?period=last-30-days").text)
    assert figures(page, "USD")[2] == "$3.00"


def test_other_locale(app: Flask) -> None:
    user = make_person(app, locale="de_DE")
    account = make_account(app, make_item(app, user))
    add(app, row(account, "-1234.5", date=feb(2), **FOOD))
    page = read(browser_of(app, user).get(SPAN).text)
    assert "1.234,50" in figures(page, "USD")[2]
    assert "1.–28. Feb. 2026" in page.get("period").text


def test_bob_sees_nothing_of_alice(
    app: Flask, bob_client: FlaskClient, bob: User, history: None
) -> None:
    page = bob_client.get(SPAN).text
    assert read(page).find("first-steps")
    make_item(app, bob)
    page = bob_client.get(SPAN).text
    for hers in ("Employer", "4321", "2,000.10", "First Platypus Bank is"):
        assert hers not in page
    assert read(page).find("totals-USD") is None
    assert "No transactions yet" in read(page).get("recent").text


def test_bank_being_removed_is_gone_from_the_dashboard(
    app: Flask, alice: User, alice_client: FlaskClient, checking: BankAccount
) -> None:
    going = make_item(app, alice, institution_name="Leaving Bank", state="removing")
    add(app, row(checking, "-1", date=feb(1), **FOOD))
    add(app, *(row(make_account(app, going), "-500", date=feb(9)) for _ in range(16)))
    answer = alice_client.get(SPAN).text
    page = read(answer)
    assert "Leaving Bank" not in answer
    assert figures(page, "USD")[2] == "$1.00"
    assert len(page.get("recent").all("li", "row-line")) == 1
