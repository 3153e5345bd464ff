"""One transaction: the bank's facts, the person's own values, its history."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.reading import Node, read, without_secrets
from tests.dashboard.test_fragments import HTMX
from tests.dashboard.test_statements import statements
from tests.factories import (
    csrf_token,
    make_account,
    make_item,
    make_transaction,
    save,
)
from webapp.extensions import db
from webapp.models import (
    BankAccount,
    ItemState,
    Transaction,
    TransactionChange,
    User,
)

NASTY = '"><script>alert(1)</script>{{ 7*7 }}'


@pytest.fixture
def account(app: Flask, alice: User) -> BankAccount:
    return make_account(app, make_item(app, alice), name="Everyday", mask="1234")


@pytest.fixture
def row(app: Flask, account: BankAccount) -> Transaction:
    return make_transaction(
        app, account, "-12.50", name="SQ *CAFE 0815", merchant_name="Café Sperl",
        category="FOOD_AND_DRINK_COFFEE", plaid_transaction_id="q",
        pending_transaction_id="p",
        bank_facts={
            "location": {"address": "Gumpendorfer 11", "city": "Wien", "region": None},
            "counterparties": [{"name": "Square", "type": "payment_terminal"}],
        },
    )  # fmt: skip


def address(row: Transaction, part: str = "") -> str:
    return f"/transactions/{row.id}{part}"


def show(client: FlaskClient, row: Transaction) -> Node:
    answer = client.get(address(row))
    assert answer.status_code == 200
    return read(answer.text).get("transaction")


def post(client: FlaskClient, row: Transaction, headers=None, **wanted):
    token = csrf_token(client.get(address(row)).text)
    data = {"csrf_token": token, **wanted}
    return client.post(address(row, "/edits"), data=data, headers=headers)


def stored(app: Flask, row: Transaction) -> Transaction:
    with app.app_context():
        found = db.session.get(Transaction, (row.user_id, row.id))
        db.session.expunge(found)
        return found


def facts(page: Node) -> dict[str, str]:
    pairs = [n for n in page.all("dl", "facts")[0] if "pair" in n.classes]
    return {pair.one("dt").text: pair.one("dd").text for pair in pairs}


def test_facts_of_the_bank(alice_client: FlaskClient, row: Transaction) -> None:
    page = show(alice_client, row)
    assert page.one("h1").text == "Café Sperl"
    assert facts(page) == {
        "Name": "Café Sperl",
        "On the statement": "SQ *CAFE 0815",
        "Category": "Coffee",
        "Amount": "−$12.50",
        "Day": page.one("dl", "facts").one("time").text,
        "Account": "Everyday ··1234",
        "Bank": "First Platypus Bank",
        "With": "Square",
        "Place": "Gumpendorfer 11, Wien",
    }
    assert "Nothing since it first came." in page.text


def test_what_is_written_is_kept_and_shown(
    app: Flask, alice_client: FlaskClient, row: Transaction
) -> None:
    answer = post(
        alice_client, row, user_category="TRAVEL_FLIGHTS", user_name="Breakfast",
        note="With\r\nMia", excluded="y", reviewed="y",
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, address(row))
    found = stored(app, row)
    assert (found.user_category, found.user_name) == ("TRAVEL_FLIGHTS", "Breakfast")
    assert (found.note, found.excluded) == ("With\nMia", True)
    assert found.reviewed_at is not None
    page = read(alice_client.get(address(row)).text)
    assert "Saved." in page.get("messages").text
    assert page.one("h1").text == "Breakfast"
    form = page.get("edit")
    chosen = [o for o in form.all("option") if "selected" in o.attrs]
    assert [option.attrs["value"] for option in chosen] == ["TRAVEL_FLIGHTS"]
    assert form.get("user_name").attrs["value"] == "Breakfast"
    assert form.get("note").text == "With Mia"
    assert "checked" in form.get("excluded").attrs
    assert facts(page)["Category"] == "Coffee", "the bank's own stays visible"


def test_left_empty_it_is_the_banks_again(
    app: Flask, alice_client: FlaskClient, row: Transaction
) -> None:
    post(alice_client, row, user_category="TRAVEL_FLIGHTS", user_name="B", note="n",
         excluded="y", reviewed="y")  # fmt: skip
    post(alice_client, row, user_category="", user_name=" ", note="")
    found = stored(app, row)
    assert (found.user_category, found.user_name, found.note) == (None, None, None)
    assert (found.excluded, found.reviewed_at) == (False, None)


def test_htmx_gets_the_part_anew(
    app: Flask, alice_client: FlaskClient, row: Transaction
) -> None:
    answer = post(alice_client, row, HTMX, user_name="Breakfast")
    assert answer.status_code == 200
    (part,) = [n for n in read(answer.text).children if not isinstance(n, str)]
    assert (part.attrs["id"], part.attrs["data-announce"]) == ("transaction", "Saved")
    assert part.one("h1").text == "Breakfast"
    assert stored(app, row).user_name == "Breakfast"


def test_fragment_is_the_part_inside_the_page(
    alice_client: FlaskClient, row: Transaction
) -> None:
    page = alice_client.get(address(row))
    fragment = alice_client.get(address(row), headers=HTMX)
    assert without_secrets(fragment.text.strip()) in without_secrets(page.text)
    assert "HX-Request" in page.vary


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("user_category", "NO_SUCH", "There is no such category."),
        ("user_name", "x" * 201, "Use at most 200 characters."),
        ("note", "x" * 2001, "Use at most 2,000 characters."),
    ],
)
def test_what_cannot_be_written_stays_in_the_form(
    app: Flask, alice_client: FlaskClient, row: Transaction, headers: dict[str, str],
    field: str, value: str, words: str,
) -> None:  # fmt: skip
    answer = post(alice_client, row, headers, **{"user_name": "fine", field: value})
    assert answer.status_code == 422
    form = read(answer.text).get("edit")
    assert form.get(f"{field}-errors").text == words
    assert form.get(field).attrs["aria-invalid"] == "true"
    if field != "user_category":
        said = form.get(field)
        assert value in (said.text, said.attrs.get("value"))
    assert stored(app, row).user_name is None


def test_pending_and_posted_lead_to_each_other(
    app: Flask, alice_client: FlaskClient, account: BankAccount, row: Transaction
) -> None:
    gone = dt.datetime.now(dt.UTC)
    pending = make_transaction(
        app, account, "-11", pending=True, plaid_transaction_id="p", removed_at=gone
    )
    page = show(alice_client, row)
    assert "It was pending as −$11.00, Nov 10." in page.text
    assert address(pending) in [a.attrs["href"] for a in page.all("a")]
    page = show(alice_client, pending)
    assert "It has posted: −$12.50, Nov 10." in page.text
    assert address(row) in [a.attrs["href"] for a in page.all("a")]
    assert "took this transaction back" not in page.text


def test_a_row_that_the_bank_took_back(
    app: Flask, alice_client: FlaskClient, account: BankAccount
) -> None:
    gone = dt.datetime.now(dt.UTC) - dt.timedelta(days=2)
    row = make_transaction(app, account, "-11", removed_at=gone)
    assert (
        "Your bank took this transaction back 2 days ago."
        in show(alice_client, row).text
    )


def changed(app: Flask, row: Transaction, hours_ago: int, was, became, **more) -> None:
    at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
    change = TransactionChange(
        user_id=row.user_id, transaction_id=row.id, sync_run_id=row.id, was=was,
        became=became, changed_at=at, **more,
    )  # fmt: skip
    save(app, change)


def test_history_of_what_the_bank_changed(
    app: Flask, alice_client: FlaskClient, row: Transaction
) -> None:
    changed(app, row, 3, {"amount": -10}, {"amount": -12.5})
    changed(
        app, row, 2, {"merchant_name": None}, {"merchant_name": "Café Sperl"},
        decision="kept", decided_at=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    changed(app, row, 1, {"bank_facts": {}}, {"bank_facts": {"location": None}})
    section = show(alice_client, row).one("ul", "past")
    first, second, third = section.all("li")
    assert "Nothing that you see above." in first.text
    assert "Name was SQ *CAFE 0815 now Café Sperl" in second.text
    assert "you kept yours" in second.text
    assert "Amount was −$10.00 now −$12.50" in third.text


def test_nobody_elses(
    app: Flask, bob_client: FlaskClient, alice_client: FlaskClient, row: Transaction
) -> None:
    assert bob_client.get(address(row)).status_code == 404
    token = csrf_token(bob_client.get("/accounts/link").text)
    data = {"csrf_token": token, "user_name": "Bob was here"}
    assert bob_client.post(address(row, "/edits"), data=data).status_code == 404
    assert stored(app, row).user_name is None


@pytest.mark.parametrize(
    ("state", "status"), [(ItemState.REMOVING, 404), (ItemState.REMOVED, 200)]
)
def test_of_a_bank_that_is_erased_or_was_disconnected(
    app: Flask, alice: User, alice_client: FlaskClient, state: str, status: int
) -> None:
    item = make_item(app, alice, state=state)
    row = make_transaction(app, make_account(app, item), "-5")
    assert alice_client.get(address(row)).status_code == status


def test_texts_of_bank_and_person_are_text(
    app: Flask, alice_client: FlaskClient, account: BankAccount
) -> None:
    row = make_transaction(
        app, account, "-5", name=NASTY, merchant_name=NASTY, user_name=NASTY,
        note=NASTY, check_number=NASTY, payment_channel=NASTY,
        original_description=NASTY + "!",
        bank_facts={"location": {"city": NASTY}, "counterparties": [{"name": NASTY}]},
    )  # fmt: skip
    changed(app, row, 1, {"name": NASTY, "merchant_name": "B"}, {"name": "A"})
    answer = alice_client.get(address(row))
    assert "<script>alert" not in answer.text
    assert read(answer.text).one("h1").text == NASTY


def test_few_statements(
    app: Flask, alice_client: FlaskClient, row: Transaction
) -> None:
    with statements(app) as seen:
        alice_client.get(address(row))
    assert 0 < len(seen) <= 5


def test_recent_rows_of_the_dashboard_lead_here(
    alice_client: FlaskClient, row: Transaction
) -> None:
    recent = read(alice_client.get("/?period=all").text).get("recent")
    link = recent.one("a", "row-link")
    assert (link.text, link.attrs["href"]) == ("Café Sperl", address(row))
