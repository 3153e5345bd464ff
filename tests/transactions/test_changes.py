"""The page of what the bank changed on rows a person had worked on."""

import datetime as dt
import uuid

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
from webapp.models import BankAccount, Transaction, TransactionChange, User

URL = "/transactions/changes"
NASTY = '"><script>alert(1)</script>'


@pytest.fixture
def account(app: Flask, alice: User) -> BankAccount:
    return make_account(app, make_item(app, alice), name="Everyday")


def changed(app: Flask, account: BankAccount, hours_ago: int = 1, was=None, **row):
    """A row that the bank changed, by default its name from 'Old', after an edit."""
    values = {"name": "New", "note": "n"} | row
    made = make_transaction(app, account, "-12.50", **values)
    at = dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours_ago)
    was = was or {"name": "Old"}
    became = {name: getattr(made, name) for name in was}
    for name, value in became.items():
        if isinstance(value, dt.date):
            became[name] = value.isoformat()
    change = TransactionChange(
        user_id=made.user_id, transaction_id=made.id, sync_run_id=made.id, was=was,
        became=became, changed_at=at, asks_user=True,
    )  # fmt: skip
    save(app, change)
    return made


def page(client: FlaskClient, url: str = URL) -> Node:
    answer = client.get(url)
    assert answer.status_code == 200
    return read(answer.text).get("changes")


def shown(found: Node) -> list[str]:
    return [n.attrs["id"].removeprefix("change-") for n in found.all("li", "change")]


def answer(client: FlaskClient, action: str, decision: str, headers=None, **more):
    found = read(client.get(URL).text)
    forms = [f for f in found.all("form") if f.attrs["action"].startswith(action)]
    data = {i.attrs["name"]: i.attrs["value"] for i in forms[0].all("input")}
    data |= {"decision": decision, **more}
    return client.post(forms[0].attrs["action"], data=data, headers=headers)


def stored(app: Flask, row: Transaction) -> Transaction:
    with app.app_context():
        found = db.session.get(Transaction, (row.user_id, row.id))
        db.session.expunge(found)
        return found


def of(row: Transaction) -> str:
    return f"/transactions/{row.id}/decisions"


def test_nothing_to_look_at(app: Flask, alice_client: FlaskClient) -> None:
    assert "changed nothing that you had worked on" in page(alice_client).text
    assert page(alice_client).all("form") == []


def test_old_and_new_and_what_one_wrote(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    row = changed(app, account, user_name="Mine", note="Look here", excluded=True)
    (one,) = page(alice_client).all("li", "change")
    assert "Name was Old now New" in one.text
    own = [line.text for line in one.one("ul", "yours").all("li")]
    assert own == [
        "Your name: Mine",
        "Your note: Look here",
        "Left out of totals by you",
    ]
    assert one.one("a").attrs["href"] == f"/transactions/{row.id}"
    assert [b.text for b in one.all("button")] == ["Keep mine", "Take the bank's"]


def test_one_button_where_there_is_nothing_to_keep(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    changed(app, account, was={"date": "2026-11-01"})
    gone = dt.datetime.now(dt.UTC)
    changed(app, account, 2, was={"removed_at": None}, removed_at=gone)
    first, second = page(alice_client).all("li", "change")
    assert [b.text for b in first.all("button")] == ["Understood"]
    assert [b.text for b in second.all("button")] == ["Understood"]
    assert "Removed It is in no total any more." in second.text


@pytest.mark.parametrize(("decision", "name"), [("accepted", None), ("kept", "Mine")])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_decision(
    app: Flask, account: BankAccount, alice_client: FlaskClient, decision: str,
    name: str | None, headers: dict[str, str],
) -> None:  # fmt: skip
    row = changed(app, account, user_name="Mine")
    other = changed(app, account, 2, user_name="Mine")
    reply = answer(alice_client, of(row), decision, headers)
    if headers:
        assert reply.status_code == 200
        (part,) = [n for n in read(reply.text).children if not isinstance(n, str)]
        assert (part.attrs["id"], shown(part)) == ("changes", [str(other.id)])
    else:
        assert (reply.status_code, reply.location) == (303, URL)
    assert stored(app, row).user_name == name
    assert stored(app, other).user_name == "Mine"
    assert shown(page(alice_client)) == [str(other.id)]


def test_sent_twice(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    row = changed(app, account, user_name="Mine")
    html = read(alice_client.get(URL).text)
    form = next(f for f in html.all("form") if f.attrs["action"] == of(row))
    data = {i.attrs["name"]: i.attrs["value"] for i in form.all("input")}
    for decision in ("kept", "kept", "accepted"):
        reply = alice_client.post(of(row), data=data | {"decision": decision})
        assert reply.status_code == 303
    assert stored(app, row).user_name == "Mine"


def test_accept_all(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    rows = [changed(app, account, n + 1, user_name="Mine") for n in range(22)]
    assert "22 to look at" in page(alice_client).text
    reply = answer(alice_client, URL + "/decisions", "accepted")
    assert reply.status_code == 303
    assert {stored(app, row).user_name for row in rows} == {None}
    assert shown(page(alice_client)) == []


def test_accept_all_leaves_what_came_since(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    for _ in range(2):
        changed(app, account, 2, user_name="Mine")
    html = read(alice_client.get(URL).text).get("accept-all")
    data = {i.attrs["name"]: i.attrs["value"] for i in html.all("input")}
    new = changed(app, account, 1, user_name="Mine")
    alice_client.post(URL + "/decisions", data=data | {"decision": "accepted"})
    assert shown(page(alice_client)) == [str(new.id)]
    assert stored(app, new).user_name == "Mine"


def test_pages(app: Flask, account: BankAccount, alice_client: FlaskClient) -> None:
    rows = [changed(app, account, n + 1) for n in range(23)]
    first = page(alice_client)
    assert shown(first) == [str(row.id) for row in rows[:20]]
    link = next(a for a in first.all("a") if a.text == "Older ones")
    second = page(alice_client, link.attrs["href"])
    assert shown(second) == [str(row.id) for row in rows[20:]]
    assert second.find("accept-all") is None, "it is about what one has seen"
    # htmx stays on the page where one is; the last one of it leads to the first page
    for row in rows[20:]:
        form = second.get(f"change-{row.id}").one("form")
        data = {i.attrs["name"]: i.attrs["value"] for i in form.all("input")}
        reply = alice_client.post(
            form.attrs["hx-post"], data=data | {"decision": "kept"}, headers=HTMX
        )
        second = read(reply.text).get("changes")
    assert shown(second) == [str(row.id) for row in rows[:20]]


@pytest.mark.parametrize(
    "before", ["x", "2026-01-01_x", f"2026-01-01_{uuid.UUID(int=7)}"]
)
def test_a_place_that_is_none(alice_client: FlaskClient, before: str) -> None:
    assert alice_client.get(URL, query_string={"before": before}).status_code == 404


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    "wrong", [{"decision": "maybe"}, {"decision": ""}, {"seen_at": "yesterday"},
              {"seen_at": "2026-11-22T10:00:00"}]
)  # fmt: skip
def test_what_is_no_decision(
    app: Flask, account: BankAccount, alice_client: FlaskClient, headers, wrong
) -> None:
    row = changed(app, account)
    more = {"decision": "accepted", **wrong}
    assert answer(alice_client, of(row), headers=headers, **more).status_code == 422
    assert shown(page(alice_client)) == [str(row.id)]


def test_an_instant_of_any_zone_is_one(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    """Python knows zones and years that PostgreSQL refuses."""
    row = changed(app, account)
    long_ago = "2020-01-01T00:00:00+20:00"
    answered = answer(alice_client, of(row), decision="accepted", seen_at=long_ago)
    assert answered.status_code == 303
    before = {"before": f"{long_ago}_{row.id}"}
    assert alice_client.get(URL, query_string=before).status_code == 200
    no_year = {"before": f"0001-01-01T00:00:00+20:00_{row.id}"}
    assert alice_client.get(URL, query_string=no_year).status_code == 404


def test_fragment_is_the_part_inside_the_page(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    changed(app, account)
    whole, part = alice_client.get(URL), alice_client.get(URL, headers=HTMX)
    assert without_secrets(part.text.strip()) in without_secrets(whole.text)
    assert "HX-Request" in whole.vary


def test_nobody_elses(
    app: Flask, account: BankAccount, alice_client: FlaskClient,
    bob_client: FlaskClient, bob: User,
) -> None:  # fmt: skip
    row = changed(app, account, user_name="Mine")
    assert "changed nothing" in page(bob_client).text
    make_account(app, make_item(app, bob))
    assert read(bob_client.get("/").text).find("bank-news") is None
    token = csrf_token(bob_client.get("/accounts/link").text)
    seen_at = dt.datetime.now(dt.UTC).isoformat()
    data = {"csrf_token": token, "decision": "accepted", "seen_at": seen_at}
    assert bob_client.post(of(row), data=data).status_code == 404
    assert bob_client.post(URL + "/decisions", data=data).status_code == 303
    assert stored(app, row).user_name == "Mine"
    assert shown(page(alice_client)) == [str(row.id)]


def test_texts_of_bank_and_person_are_text(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    changed(app, account, was={"name": NASTY}, name=NASTY + "!", user_name=NASTY,
            note=NASTY)  # fmt: skip
    html = alice_client.get(URL).text
    assert "<script>alert" not in html
    assert read(html).get("changes").text.count(NASTY) == 5


@pytest.mark.parametrize(("count", "words"), [(1, "1 change"), (2, "2 changes")])
def test_the_dashboard_says_so_only_when_there_is_something(
    app: Flask, account: BankAccount, alice_client: FlaskClient, count: int, words: str
) -> None:
    assert read(alice_client.get("/").text).find("bank-news") is None
    for _ in range(count):
        changed(app, account)
    news = read(alice_client.get("/").text).get("bank-news")
    assert news.text == f"{words} by your bank to look at"
    assert news.attrs["href"] == URL


def test_few_statements(
    app: Flask, account: BankAccount, alice_client: FlaskClient
) -> None:
    for n in range(22):
        changed(app, account, n + 1)
    with statements(app) as seen:
        alice_client.get(URL)
    assert 0 < len(seen) <= 5
