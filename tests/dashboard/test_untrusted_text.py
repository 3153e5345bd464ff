"""Names that banks and merchants chose are text on every page and in chart data."""

import datetime as dt
import itertools
import json

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.dashboard.reading import read
from tests.dashboard.test_fragments import HTMX
from tests.factories import make_account, make_item
from tests.ledger.rows import add, row
from webapp.models import PlaidItem, User

SPAN = "/?period=custom&from=2026-02-01&to=2026-02-28"
NASTY = (
    """"><script>alert(1)</script><img src=x onerror='alert(2)'>{{ 7*7 }}</script>"""
)


@pytest.fixture
def item(app: Flask, alice: User) -> PlaidItem:
    """Every text that comes from outside is hostile, and long where it may be."""
    item = make_item(
        app, alice, institution_name=NASTY, state="login_required",
        last_error_code=NASTY, last_error_message=NASTY, last_request_id=NASTY,
    )  # fmt: skip
    account = make_account(
        app, item, name=NASTY, mask=NASTY, subtype=NASTY, currency=NASTY,
    )  # fmt: skip
    day = dt.date(2026, 2, 3)
    for amount, category in itertools.product(("-5", "7"), (NASTY, None)):
        values = {"category_primary": category, "category_detailed": category}
        add(app, row(account, amount, date=day, name=NASTY, **values))
    add(app, row(account, "-1", date=day, name=NASTY, pending=True))
    return item


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    "url", [SPAN, "/accounts/", "/accounts/{}/status", "/accounts/{}/repair",
            "/accounts/link"]
)  # fmt: skip
def test_hostile_names_are_text(
    alice_client: FlaskClient, item: PlaidItem, url: str, headers: dict[str, str]
) -> None:
    answer = alice_client.get(url.format(item.id), headers=headers)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    assert "{{ 7*7 }}" in answer.text
    page = read(answer.text)  # nothing was closed by force
    assert not [node for node in page if "onerror" in node.attrs]
    assert all(
        "nonce" in script.attrs or script.attrs.get("type") == "application/json"
        for script in page.all("script")
    )
    assert NASTY in page.text


def test_chart_data_holds_the_name_and_ends_no_script(
    alice_client: FlaskClient, item: PlaidItem
) -> None:
    page = read(alice_client.get(SPAN).text)
    scripts = page.all("script")
    [data] = [one for one in scripts if one.attrs.get("type") == "application/json"]
    assert json.loads(data.text)["currency"] == NASTY
    assert "<" not in data.text
