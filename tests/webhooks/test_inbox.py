"""What a run makes of the inbox, and of Plaid's word beside it. No database."""

import datetime as dt
import uuid
from types import SimpleNamespace
from typing import Any

import pytest

from webapp.plaid.decode import ErrorBody, Item, ItemAnswer
from webapp.plaid.errors import PlaidError
from webapp.sync.inbox import check, ends_at, hear

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
WEEK = NOW + dt.timedelta(days=7)


def row(code: str, **more: Any) -> Any:
    kind = "TRANSACTIONS" if code == "SYNC_UPDATES_AVAILABLE" else "ITEM"
    values = {
        "id": uuid.uuid4(),
        "webhook_type": kind,
        "webhook_code": code,
        "expires_at": WEEK if code.startswith("PENDING") else None,
        "is_new": True,
        "is_ahead": code.startswith("PENDING"),
        "is_outdated": False,
    }
    return SimpleNamespace(**values | more)


def answer(error: str | None = None, consent: dt.datetime | None = None) -> ItemAnswer:
    found = ErrorBody(error_code=error) if error else None
    item = Item(item_id="item", error=found, consent_expiration_time=consent)
    return ItemAnswer(request_id="request", item=item)


REVOKED, REPAIRED = row("USER_PERMISSION_REVOKED"), row("LOGIN_REPAIRED")
EXPIRATION, DISCONNECT = row("PENDING_EXPIRATION"), row("PENDING_DISCONNECT")


def test_nothing_heard():
    heard = hear([])
    assert (heard.ids, heard.concerns_item, heard.ends_at) == ([], False, None)
    check(heard, answer())


def test_news_alone_does_not_concern_the_item():
    assert not hear([row("SYNC_UPDATES_AVAILABLE")]).concerns_item
    assert hear([row("SYNC_UPDATES_AVAILABLE"), row("ERROR")]).concerns_item


@pytest.mark.parametrize(
    ("rows", "revoked", "ends"),
    [
        ([REVOKED], True, None),
        ([REVOKED, REPAIRED], False, None),
        ([REPAIRED, REVOKED], True, None),
        ([DISCONNECT], False, WEEK),
        ([DISCONNECT, REPAIRED], False, None),
        ([REPAIRED, DISCONNECT], False, WEEK),
        ([row("PENDING_DISCONNECT", is_outdated=True)], False, None),
        ([row("USER_PERMISSION_REVOKED", is_outdated=True)], False, None),
        ([row("PENDING_DISCONNECT", is_ahead=False)], False, None),
    ],
)
def test_the_last_word_counts(rows, revoked, ends):
    heard = hear(rows)
    assert heard.ids == [one.id for one in rows], "all are settled, whatever they say"
    assert heard.is_revoked is revoked
    assert ends_at(heard, answer()) == ends


def test_a_repair_settles_the_notice_before_it():
    assert hear([DISCONNECT, REPAIRED, EXPIRATION]).settled == [DISCONNECT.id]


def test_an_old_notice_stands_without_being_new():
    heard = hear([row("PENDING_DISCONNECT", is_new=False)])
    assert (heard.ids, heard.concerns_item) == ([], False)
    assert ends_at(heard, answer()) == WEEK


@pytest.mark.parametrize(
    ("code", "consent", "ends"),
    [
        ("PENDING_EXPIRATION", WEEK, WEEK),
        ("PENDING_EXPIRATION", None, WEEK),
        ("PENDING_EXPIRATION", NOW + dt.timedelta(days=90), None),
        ("PENDING_DISCONNECT", NOW + dt.timedelta(days=90), WEEK),
    ],
)
def test_a_consent_given_anew_outweighs_the_notice(code, consent, ends):
    assert ends_at(hear([row(code)]), answer(consent=consent)) == ends


@pytest.mark.parametrize("code", ["ITEM_LOGIN_REQUIRED", "ITEM_NOT_FOUND"])
def test_plaids_word_on_the_item_stops_a_run(code):
    with pytest.raises(PlaidError, match=code) as caught:
        check(hear([row("ERROR")]), answer(code))
    assert caught.value.request_id == "request"


@pytest.mark.parametrize("code", [None, "INSTITUTION_DOWN", "INTERNAL_SERVER_ERROR"])
def test_what_the_person_cannot_mend_does_not_stop_it(code):
    check(hear([row("ERROR")]), answer(code))


def test_a_permission_taken_back_stops_a_run():
    with pytest.raises(PlaidError, match="USER_PERMISSION_REVOKED"):
        check(hear([REVOKED]), answer())
