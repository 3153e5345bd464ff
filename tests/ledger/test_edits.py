"""What a person writes on transactions: only his own rows, only his own columns."""

import datetime as dt
import uuid
from typing import Any

import pytest
from flask import Flask

from tests.factories import make_account, make_item, make_transaction
from tests.ledger.rows import make_person, open_account
from webapp.extensions import db
from webapp.ledger.edits import LONGEST_NAME, LONGEST_NOTE, EditError, Own, edit
from webapp.models import Transaction

NOTHING = Own(None, None, None, False, None)
ALL = {
    "user_category": "TRAVEL_FLIGHTS",
    "user_name": "My flight",
    "note": "For two,\nboth ways",
    "excluded": True,
    "reviewed": True,
}


@pytest.fixture
def mine(app: Flask) -> Transaction:
    return make_transaction(app, open_account(app), "-5")


def write(app: Flask, row: Transaction, *ids: uuid.UUID, **wanted: Any) -> dict:
    with app.app_context():
        former = edit(db.session(), row.user_id, ids or [row.id], wanted)
        db.session.commit()
        return former


def stored(app: Flask, row: Transaction) -> Transaction:
    with app.app_context():
        found = db.session.get(Transaction, (row.user_id, row.id))
        assert found is not None
        db.session.expunge(found)
        return found


def own(row: Transaction) -> Own:
    return Own(*(getattr(row, name) for name in Own.__dataclass_fields__))


def banks(row: Transaction) -> dict[str, Any]:
    names = {column.key for column in Transaction.__table__.columns}
    return {n: getattr(row, n) for n in names - set(Own.__dataclass_fields__)}


def test_all_at_once_and_back_to_the_banks(app: Flask, mine: Transaction) -> None:
    assert write(app, mine, **ALL) == {mine.id: NOTHING}
    found = stored(app, mine)
    assert own(found) == Own(
        "TRAVEL_FLIGHTS", "My flight", "For two,\nboth ways", True, found.reviewed_at
    )
    assert found.reviewed_at is not None
    assert banks(found) == banks(mine)
    empty = {"user_category": "", "user_name": None, "note": " \n"}
    former = write(app, mine, **empty, excluded=False, reviewed=False)
    assert former == {mine.id: own(found)}
    assert own(stored(app, mine)) == NOTHING


@pytest.mark.parametrize("field", ALL)
def test_one_field_leaves_the_others(app: Flask, mine: Transaction, field: str) -> None:
    write(app, mine, **ALL)
    before = own(stored(app, mine))
    empty = False if isinstance(ALL[field], bool) else ""
    write(app, mine, **{field: empty})
    after = own(stored(app, mine))
    differing = [n for n in Own.__dataclass_fields__
                 if getattr(before, n) != getattr(after, n)]  # fmt: skip
    assert differing == ["reviewed_at" if field == "reviewed" else field]


def test_what_stands_there_already_is_not_written(
    app: Flask, mine: Transaction
) -> None:
    write(app, mine, **ALL)
    reviewed_at = stored(app, mine).reviewed_at
    assert write(app, mine, **ALL) == {}
    assert stored(app, mine).reviewed_at == reviewed_at
    assert write(app, mine) == {}


def test_many_rows_and_what_an_undo_needs(app: Flask) -> None:
    account = open_account(app)
    rows = [make_transaction(app, account, "-1", note=f"n{n}") for n in range(3)]
    former = write(app, rows[0], *(row.id for row in rows), note="n1")
    assert former == {
        row.id: Own(None, None, row.note, False, None) for row in (rows[0], rows[2])
    }
    assert [stored(app, row).note for row in rows] == ["n1"] * 3


def test_rows_of_others_are_passed_over(app: Flask, mine: Transaction) -> None:
    bobs = make_account(app, make_item(app, make_person(app)))
    his = make_transaction(app, bobs, "-5")
    former = write(app, mine, mine.id, his.id, uuid.uuid4(), note="mine")
    assert former.keys() == {mine.id}
    assert own(stored(app, his)) == NOTHING


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("user_category", "NO_SUCH", "There is no such category."),
        ("user_category", "x" * 300, "There is no such category."),
        ("user_name", "x" * (LONGEST_NAME + 1), "at most 200 characters"),
        ("note", "x" * (LONGEST_NOTE + 1), "at most 2,000 characters"),
        ("note", 5, "Write a text."),
        ("excluded", "yes", "Say yes or no."),
        ("reviewed", None, "Say yes or no."),
        ("amount", "5", "Only the bank writes this."),
        ("user_id", "5", "Only the bank writes this."),
    ],
)
def test_refused(
    app: Flask, mine: Transaction, field: str, value: object, words: str
) -> None:
    with pytest.raises(EditError, match=words) as caught:
        write(app, mine, **{"user_name": "fine", field: value})
    assert caught.value.field == field
    assert own(stored(app, mine)) == NOTHING


@pytest.mark.parametrize(
    ("field", "written", "kept"),
    [
        ("user_name", "  Café\x00\tof\r\nmine ", "Café  of mine"),
        ("note", " one\r\ntwo\x00\x1b ", "one\ntwo"),
        ("note", "y" * LONGEST_NOTE + "  ", "y" * LONGEST_NOTE),
        ("user_name", "<b>\N{PILE OF POO}</b>", "<b>\N{PILE OF POO}</b>"),
    ],
)
def test_texts_are_tidied(
    app: Flask, mine: Transaction, field: str, written: str, kept: str
) -> None:
    write(app, mine, **{field: written})
    assert getattr(stored(app, mine), field) == kept


def test_a_tombstone_takes_a_note(app: Flask) -> None:
    gone = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    row = make_transaction(app, open_account(app), "-5", removed_at=gone)
    write(app, row, note="why is it gone?")
    assert stored(app, row).note == "why is it gone?"
    assert stored(app, row).removed_at == gone
