"""What is the same account and the same transaction, in two links of a bank."""

import datetime as dt
import uuid
from decimal import Decimal

import pytest

from tests.factories import make_account
from tests.ledger.rows import make_person
from tests.linking.histories import new_item, old_item
from webapp.extensions import db
from webapp.linking.adoption.accounts import match_accounts
from webapp.linking.adoption.matching import Row, pair_up

ACCOUNT = uuid.uuid4()
DAY = dt.date(2026, 11, 10)


def row(amount: str = "-5", name: str = "Cafe", days: int = 0, **more) -> Row:
    values = {
        "id": uuid.uuid4(),
        "account": ACCOUNT,
        "date": DAY + dt.timedelta(days=days),
        "authorized_date": None,
        "amount": Decimal(amount),
        "currency": "USD",
        "name": name,
        "pending": False,
        "is_touched": False,
    }
    return Row(**values | more)


WAS = (Decimal(-5), DAY, "Cafe")
PENDING = {"pending": True}


@pytest.mark.parametrize(
    ("old", "new", "sure", "doubtful"),
    [
        (row(**PENDING), row(), 1, 0),
        (row(), row(**PENDING), 1, 0),
        (row(**PENDING), row("-6", "Cafe Ltd", 2, was=WAS), 1, 0),
        (row("-6", "Cafe Ltd", 2, was=WAS), row(**PENDING), 1, 0),
        (row(**PENDING), row(days=2, authorized_date=DAY), 1, 0),
        (row(), row(days=3), 0, 1),
        (row(), row(days=6), 0, 0),
        (row(), row(name="Other"), 0, 1),
        (row(), row(name="Other", days=1), 0, 0),
        (row(**PENDING), row(name="Other", days=1), 0, 1),
        (row(**PENDING), row("-6"), 0, 1),
        (row(**PENDING), row("6"), 0, 0),
        (row(), row("-6"), 0, 0),
        (row(), row(days=1, currency="EUR"), 0, 0),
        (row(), row(days=1, account=uuid.uuid4()), 0, 0),
    ],
)
def test_one_and_another(old, new, sure, doubtful):
    found = pair_up([old], [new])
    assert tuple(len(pairs) for pairs in found) == (sure, doubtful)


def test_each_row_is_in_one_pair_and_the_nearest_wins():
    old, near, far = row(), row(days=1), row(days=3)
    _, (pair,) = pair_up([old], [far, near])
    assert (pair.old, pair.new) == (old, near)
    _, pairs = pair_up([old, row()], [far, near])
    assert {p.new for p in pairs} == {near, far}


CHECKING = {"name": "Checking", "mask": "0000"}


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        (CHECKING, CHECKING, True),
        (CHECKING, CHECKING | {"mask": "0001"}, False),
        (CHECKING, CHECKING | {"name": "Everyday"}, False),
        (CHECKING, CHECKING | {"subtype": "savings"}, False),
        (CHECKING, CHECKING | {"currency": "EUR"}, False),
        (
            CHECKING | {"persistent_account_id": "p"},
            {"name": "Renamed", "mask": "9", "persistent_account_id": "p"},
            True,
        ),
        (
            CHECKING | {"persistent_account_id": "p"},
            CHECKING | {"persistent_account_id": "q"},
            False,
        ),
        (CHECKING | {"persistent_account_id": "p"}, CHECKING, True),
    ],
)
def test_accounts(app, old, new, same):
    user = make_person(app)
    before, after = old_item(app, user), new_item(app, user)
    mine = make_account(app, before, **old)
    make_account(app, after, **new)
    with app.app_context():
        found = match_accounts(db.session(), user.id, after.id, before.id)
        assert [one.old_id for one in found] == ([mine.id] if same else [])
        assert match_accounts(db.session(), user.id, before.id, after.id) == []
        stranger = make_person(app)
        assert match_accounts(db.session(), stranger.id, after.id, before.id) == []


def test_what_fits_twice_fits_not(app):
    user = make_person(app)
    before, after = old_item(app, user), new_item(app, user)
    make_account(app, before, **CHECKING)
    for _ in range(2):
        make_account(app, after, **CHECKING)
    with app.app_context():
        assert match_accounts(db.session(), user.id, after.id, before.id) == []


def test_equal_accounts_of_another_bank_are_others(app):
    user = make_person(app)
    before = old_item(app, user, institution_id="ins_1")
    after = new_item(app, user)
    make_account(app, before, **CHECKING)
    make_account(app, after, **CHECKING)
    with app.app_context():
        assert match_accounts(db.session(), user.id, after.id, before.id) == []
