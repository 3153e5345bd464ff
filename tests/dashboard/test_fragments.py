"""Page and fragment at one address: which one is sent, and that they are the same."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.reading import read, without_secrets
from tests.factories import make_account, make_item
from tests.ledger.rows import add, row
from webapp.models import User

# What htmx 4 sends when a part of a page asks for another one.
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial", "HX-Source": "form"}
BOOSTED = HTMX | {"HX-Request-Type": "full", "HX-Boosted": "true"}
RESTORED = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
SPAN = "/?period=custom&from=2026-02-01&to=2026-02-28"
DAY = dt.date(2026, 2, 3)


@pytest.fixture
def history(app: Flask, alice: User) -> None:
    checking = make_account(app, make_item(app, alice))
    yen = make_account(app, make_item(app, alice, done_seq=0), currency="JPY")
    for account in (checking, yen):
        add(app, row(account, "-3", date=DAY), row(account, "5", date=DAY))


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("url", [SPAN, "/?period=last-90-days", "/"])
def test_fragment_is_the_part_inside_the_page(
    alice_client: FlaskClient, url: str
) -> None:
    page = alice_client.get(url)
    fragment = alice_client.get(url, headers=HTMX)
    assert page.status_code == fragment.status_code == 200
    assert fragment.text.strip().startswith('<div id="board"')
    assert without_secrets(fragment.text.strip()) in without_secrets(page.text)
    board, *others = [n for n in read(fragment.text).children if not isinstance(n, str)]
    assert board.attrs["id"] == "board"
    assert not others


def test_first_steps_as_a_fragment(alice_client: FlaskClient) -> None:
    page, fragment = alice_client.get("/"), alice_client.get("/", headers=HTMX)
    assert read(fragment.text).get("first-steps")
    assert without_secrets(fragment.text.strip()) in without_secrets(page.text)


@pytest.mark.parametrize(
    "headers", [{}, BOOSTED, RESTORED, {"HX-Request": "false"}, {"HX-Boosted": "true"}]
)
def test_whole_page_unless_a_part_asks(
    alice_client: FlaskClient, headers: dict[str, str]
) -> None:
    assert "<html" in alice_client.get("/", headers=headers).text


@pytest.mark.parametrize("headers", [{}, HTMX, BOOSTED])
@pytest.mark.parametrize(
    ("url", "status"),
    [("/", 200), ("/?period=custom", 422), ("/accounts/", 200), ("/no-such", 404)],
)
def test_caches_keep_page_and_fragment_apart(
    alice_client: FlaskClient, headers: dict[str, str], url: str, status: int
) -> None:
    answer = alice_client.get(url, headers=headers)
    assert answer.status_code == status
    assert "HX-Request" in answer.vary
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("entered", "field", "words"),
    [
        (("2026-03-02", "2026-03-01"), "to", "To: The last day is before the first"),
        (("2026-02-30", "2026-03-01"), "from", "From: Write the day as YYYY-MM-DD."),
        (("2026-03-01", ""), "to", "To: Choose a day."),
        (('"><b>', "2026-03-01"), "from", "From: Write the day"),
    ],
)
def test_bad_range_is_kept_and_its_field_named(
    alice_client: FlaskClient, headers: dict[str, str], entered: tuple[str, str],
    field: str, words: str,
) -> None:  # fmt: skip
    args = {"period": "custom", "from": entered[0], "to": entered[1]}
    answer = alice_client.get("/", query_string=args, headers=headers)
    assert answer.status_code == 422
    board = read(answer.text).get("board")
    assert (board.get("period-from").attrs["value"], board.get("period-to").attrs[
        "value"]) == entered  # fmt: skip
    assert board.get("period-error").text.startswith(words)
    wrong = [node.attrs["name"] for node in board if "aria-invalid" in node.attrs]
    assert wrong == [field]
    # the figures are those of the default, and say so
    assert board.get("period-this-month").attrs["aria-pressed"] == "true"


@pytest.mark.usefixtures("history")
def test_bad_range_is_asked_for_again_while_a_bank_is_read(
    alice_client: FlaskClient,
) -> None:
    args = {"period": "custom", "from": "2026-03-02", "to": "2026-03-01"}
    page = read(alice_client.get("/", query_string=args).text)
    again = alice_client.get(page.get("syncing").attrs["hx-get"], headers=HTMX)
    assert again.status_code == 422
    assert read(again.text).get("period-from").attrs["value"] == "2026-03-02"


def test_bad_range_of_a_first_time_user_shows_the_first_steps(
    alice_client: FlaskClient,
) -> None:
    answer = alice_client.get("/?period=custom")
    assert answer.status_code == 422
    assert read(answer.text).get("first-steps")


def test_anonymous_is_sent_to_the_login_and_back(client: FlaskClient) -> None:
    answer = client.get("/?period=last-30-days")
    assert answer.status_code == 303
    assert answer.location == "/login?next=/?period%3Dlast-30-days"


def test_expired_login_leaves_the_whole_page(client: FlaskClient) -> None:
    answer = client.get("/?period=last-90-days", headers=HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"].startswith("/login")
    assert answer.text == ""
    assert "HX-Request" in answer.vary


def test_expired_login_behind_a_boosted_link_is_an_ordinary_redirect(
    client: FlaskClient,
) -> None:
    answer = client.get("/", headers=BOOSTED)
    assert answer.status_code == 303
    assert "HX-Redirect" not in answer.headers
