"""How old everything is: the bank at Plaid, Plaid here, and the oldest of all."""

import datetime as dt

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.accounts.test_banks import card, linked
from tests.dashboard.reading import read
from webapp.models import User


def before(**span: float) -> dt.datetime:
    return dt.datetime.now(dt.UTC) - dt.timedelta(**span)


def test_a_bank_shows_both_ages(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(
        app, alice, bank_updated_at=before(hours=5), last_synced_at=before(hours=3)
    )
    ages = card(alice_client, item).one(css="ages").text
    assert "Bank to Plaid 5 hours ago · Plaid to here 3 hours ago" in ages
    assert "The full history that the bank gives is here." in ages


@pytest.mark.parametrize(("hours", "told"), [(2, True), (10, False)])
def test_a_last_try_that_failed_is_told_until_one_works(
    app: Flask, alice: User, alice_client: FlaskClient, hours: int, told: bool
) -> None:
    item = linked(
        app, alice, bank_updated_at=before(hours=5),
        bank_failed_at=before(hours=hours),
    )  # fmt: skip
    ages = card(alice_client, item).one(css="ages").text
    words = "Plaid's last try at the bank, 2 hours ago, did not work."
    assert (words in ages) is told


@pytest.mark.parametrize("path", ["/", "/accounts/"])
def test_the_oldest_word_of_a_linked_bank_decides(
    app: Flask, alice: User, alice_client: FlaskClient, path: str
) -> None:
    day = dt.datetime(2026, 3, 9, 12, tzinfo=dt.UTC)
    linked(app, alice, bank_updated_at=before())
    linked(app, alice, bank_updated_at=day, state="login_required")
    linked(app, alice, bank_updated_at=day.replace(year=2020), state="removed")
    said = read(alice_client.get(path).text).get("freshness")
    assert said.one("time").attrs["datetime"] == "2026-03-09"
    assert "1 of 2 banks current" in said.text


def test_a_last_try_is_not_told_where_the_bank_wants_a_login(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    item = linked(
        app, alice, state="login_required", bank_updated_at=before(hours=5),
        bank_failed_at=before(hours=2),
    )  # fmt: skip
    assert "did not work" not in card(alice_client, item).text


def test_all_that_are_behind_are_counted(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    for name, state in [("A", "login_required"), ("B", "revoked"), ("C", "healthy")]:
        day = before(days=2 if name == "B" else 1)
        linked(app, alice, institution_name=name, state=state, bank_updated_at=day)
    said = read(alice_client.get("/accounts/").text).get("freshness").text
    assert "1 of 3 banks current. B and 1 more are behind" in said


@pytest.mark.parametrize("path", ["/", "/accounts/"])
def test_a_bank_read_for_the_first_time_is_not_called_behind(
    app: Flask, alice: User, alice_client: FlaskClient, path: str
) -> None:
    linked(app, alice, institution_name="Old Bank")
    linked(
        app, alice, state="first_sync", institution_name="New Bank", req_seq=2,
        last_synced_at=None, bank_updated_at=None, update_status=None,
    )  # fmt: skip
    said = read(alice_client.get(path).text).get("freshness").text
    assert "1 of 2 banks current. New Bank is being read" in said
    assert "behind" not in said
    assert "still coming" not in said


@pytest.mark.parametrize("path", ["/", "/accounts/"])
def test_history_that_is_still_coming_is_said_beside_the_figures(
    app: Flask, alice: User, alice_client: FlaskClient, path: str
) -> None:
    item = linked(app, alice)
    said = read(alice_client.get(path).text).get("freshness").text
    assert "still coming" not in said
    young = linked(app, alice, update_status="INITIAL_UPDATE_COMPLETE")
    said = read(alice_client.get(path).text).get("freshness").text
    assert "Older history of one bank is still coming" in said
    assert "full history" not in card(alice_client, young).text
    assert "full history" in card(alice_client, item).text
