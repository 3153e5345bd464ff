"""What does not work, for admins only, and without anybody's money on it."""

import datetime as dt
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.conftest import browser_of
from tests.dashboard.reading import Node, read
from tests.dashboard.test_fragments import HTMX
from tests.dashboard.test_statements import statements
from tests.factories import make_item, make_transaction, save
from tests.ledger.rows import make_person, open_account
from webapp.models import (
    Breaker,
    Institution,
    Job,
    PlaidItem,
    QuarantinedTransaction,
    SyncRun,
    User,
)

URL = "/admin/trouble"
NOW = dt.datetime(2026, 11, 22, 9, 30, tzinfo=dt.UTC)


@pytest.fixture
def admin_client(app: Flask) -> FlaskClient:
    return browser_of(app, make_person(app, email="root@example.com", is_admin=True))


def trouble(client: FlaskClient) -> Node:
    answer = client.get(URL)
    assert answer.status_code == 200
    return read(answer.text).get("trouble")


def hold(app: Flask, item: PlaidItem, **values) -> None:
    run = save(app, SyncRun(user_id=item.user_id, plaid_item_id=item.id,
                            status="succeeded", request_id="req-run"))  # fmt: skip
    usual = {
        "user_id": item.user_id, "plaid_item_id": item.id, "sync_run_id": run.id,
        "seq": 1, "code": "BAD_AMOUNT", "reason": "The amount is missing.",
        "raw": b"", "created_at": NOW, "plaid_transaction_id": "id-of-the-row",
    }  # fmt: skip
    save(app, QuarantinedTransaction(**usual | values))


def test_nothing_is_wrong(app: Flask, alice: User, admin_client: FlaskClient) -> None:
    make_item(app, alice)
    assert trouble(admin_client).text == "Trouble Nothing is wrong."


def test_rows_in_quarantine(app: Flask, alice: User, admin_client: FlaskClient) -> None:
    item = make_item(app, alice, institution_name="Tartan Bank")
    hold(app, item)
    hold(app, item, code="NO_ID", resolved_at=NOW)
    section = trouble(admin_client).one("section")
    assert section.one("h2").text == "Transactions in quarantine 1"
    (row,) = section.all("li")
    for words in ("Tartan Bank", "BAD_AMOUNT", "The amount is missing.", "req-run",
                  "alice@example.com", "Nov 22, 2026, 9:30"):  # fmt: skip
        assert words in row.text


@pytest.mark.parametrize("state", ["error", "quarantined", "institution_down"])
def test_banks_that_cannot_be_read(
    app: Flask, alice: User, admin_client: FlaskClient, state: str
) -> None:
    make_item(app, alice, state="healthy", last_error_code="STUMBLED")
    make_item(app, alice, state="login_required", last_error_code="HIS_OWN")
    item = make_item(
        app, alice, state=state, last_error_code="INTERNAL_SERVER_ERROR",
        last_error_message="an error", last_request_id="req-7", attempts=4,
    )  # fmt: skip
    section = trouble(admin_client).one("section")
    (row,) = section.all("li")
    assert row.attrs["id"] == f"item-{item.id}"
    for words in (state, "INTERNAL_SERVER_ERROR: an error", "request req-7",
                  "4 failed tries", "alice@example.com"):  # fmt: skip
        assert words in row.text


def test_jobs_that_were_given_up(
    app: Flask, alice: User, admin_client: FlaskClient
) -> None:
    for key, dead_at, user in (
        ("a", NOW, alice.id),
        ("b", NOW, None),
        ("c", None, None),
    ):
        save(app, Job(kind=f"kind-{key}", key=key, user_id=user, args={}, attempts=7,
                      dead_at=dead_at, last_error=f"why {key}"))  # fmt: skip
    found = trouble(admin_client).one("section").all("li")
    assert sorted(row.one("strong").text for row in found) == ["kind-a", "kind-b"]
    assert {"why a", "why b"} <= {p.text for row in found for p in row.all("p")}


def test_what_is_stopped_for_everybody(app: Flask, admin_client: FlaskClient) -> None:
    save(app, Institution(institution_id="ins_7", name="Tartan Bank"))
    for name, opened_at in (("plaid", NOW), ("ins_7", NOW), ("ins_8", None)):
        save(app, Breaker(name=name, failures=20, opened_at=opened_at, probe_at=NOW,
                          error_code="INTERNAL_SERVER_ERROR", request_id=f"req-{name}"),
        )  # fmt: skip
    section = trouble(admin_client).one("section")
    found = {row.one("strong").text: row.text for row in section.all("li")}
    assert found.keys() == {"plaid", "Tartan Bank"}
    assert "INTERNAL_SERVER_ERROR 20 failures in a row" in found["plaid"]
    assert "request req-ins_7" in found["Tartan Bank"]


def test_nothing_of_anybodys_money(app: Flask, admin_client: FlaskClient) -> None:
    account = open_account(app, name="Secret account")
    make_transaction(app, account, "-4711", name="Secret shop")
    item = make_item(app, make_person(app))
    hold(app, item, raw=b"SECRET")
    html = admin_client.get(URL).text
    for secret in ("Secret", "4711", "SECRET", "id-of-the-row", "access-sandbox"):
        assert secret not in html


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_there_is_no_such_page_for_others(
    app: Flask, alice_client: FlaskClient, headers: dict[str, str]
) -> None:
    hold(app, make_item(app, make_person(app)))
    assert alice_client.get(URL, headers=headers).status_code == 404
    assert alice_client.get("/admin/nothing").status_code == 404


def test_only_admins_have_the_link(
    alice_client: FlaskClient, admin_client: FlaskClient
) -> None:
    assert URL not in alice_client.get("/").text
    page = read(admin_client.get(URL).text)
    (entry,) = [a for a in page.all("a") if a.attrs["href"] == URL]
    assert (entry.text, entry.attrs["aria-current"]) == ("Admin", "page")


def test_few_statements(app: Flask, alice: User, admin_client: FlaskClient) -> None:
    for _ in range(3):
        hold(app, make_item(app, alice, state="error"), sync_run_id=uuid.uuid4())
    with statements(app) as seen:
        admin_client.get(URL)
    assert 0 < len(seen) <= 5
