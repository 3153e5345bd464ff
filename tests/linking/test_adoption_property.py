"""Random histories of two logins: adopting keeps what people made and doubles nothing;
undoing gives back what was, whatever the bank and the person did in between."""

import datetime as dt
import itertools
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.ledger.rows import make_person
from tests.linking.histories import (
    DAY,
    adopted,
    bought,
    by_plaid_id,
    everything,
    new_item,
    old_item,
    plan_of,
    store,
    twins,
    undone,
)
from tests.sync.linked import MADE_BY_USER, made_by_user
from webapp.extensions import db
from webapp.models import BankAccount

_numbers = itertools.count()
EDITS: list[dict[str, Any]] = [
    {},
    {"note": "mine"},
    {"user_category": "MEDICAL", "excluded": True},
    MADE_BY_USER,
]


@dataclass(frozen=True)
class Event:
    """A purchase, as each of the logins knows it, or does not."""

    account: int
    days: int  # before DAY
    cents: int
    name: str
    in_old: bool
    in_new: bool
    old_pending: bool
    new_pending: bool
    renamed: bool
    moved: int
    old_removed: bool
    new_removed: bool
    old_edit: int
    new_edit: int


often = st.sampled_from([True, True, True, False])
rare = st.sampled_from([False, False, False, False, True])
events = st.builds(
    Event,
    account=st.integers(0, 1),
    days=st.integers(0, 40),
    cents=st.sampled_from([-100, -100, -250, 500]),
    name=st.sampled_from(["Cafe", "Shop"]),
    in_old=often,
    in_new=often,
    old_pending=rare,
    new_pending=rare,
    renamed=rare,
    moved=st.sampled_from([0, 0, 0, 1, 3, 9]),
    old_removed=rare,
    new_removed=rare,
    old_edit=st.integers(0, len(EDITS) - 1),
    new_edit=st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
)


@dataclass
class World:
    user: Any
    old: Any
    new: Any
    starts: int  # the new login's history begins so many days before DAY


def make_world(app, history: list[Event], starts: int) -> World:
    user = make_person(app)
    old, new = old_item(app, user), new_item(app, user)
    pairs = [twins(app, old, new, name=name, mask=name) for name in ("One", "Two")]
    rows = []
    for event in history:
        ours, theirs = pairs[event.account]
        amount, number = str(Decimal(event.cents) / 100), next(_numbers)
        date = DAY - dt.timedelta(days=event.days)
        gone = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
        if event.in_old:
            rows.append(
                bought(
                    ours, f"old{number}", amount, date=date, name=event.name,
                    pending=event.old_pending,
                    removed_at=gone if event.old_removed else None,
                    **EDITS[event.old_edit],
                )
            )  # fmt: skip
        moved = date + dt.timedelta(days=event.moved)
        if event.in_new and moved >= DAY - dt.timedelta(days=starts):
            rows.append(
                bought(
                    theirs, f"new{number}", amount, date=moved,
                    name="Renamed" if event.renamed else event.name,
                    pending=event.new_pending,
                    removed_at=gone if event.new_removed else None,
                    **EDITS[event.new_edit],
                )
            )  # fmt: skip
    store(app, *rows)
    return World(user, old, new, starts)


FACTS = ("amount", "currency", "date", "name", "pending", "bank_facts", "plaid_amount")


def facts(row: Any) -> tuple:
    return tuple(str(getattr(row, name)) for name in FACTS)


histories = st.lists(events, max_size=30)
tried = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@given(history=histories, starts=st.sampled_from([20, 60]), data=st.data())
@tried
def test_adopting_keeps_all_doubles_nothing_and_can_be_undone(
    app, history, starts, data
):
    world = make_world(app, history, starts)
    ours, theirs = by_plaid_id(app, world.old), by_plaid_id(app, world.new)
    plan = plan_of(app, world.new, world.old)
    apart = {p.old.id for p in plan.doubtful if data.draw(st.booleans())}
    before = everything(app, world.user.id)
    made = adopted(app, world.new, world.old, apart)
    after = by_plaid_id(app, world.new)

    # the bank as it is now, to the fact and under its own ids, and the older rows
    older = {id: row for id, row in ours.items() if id in after}
    assert after.keys() == theirs.keys() | older.keys()
    assert {id: facts(after[id]) for id in theirs} == {
        id: facts(row) for id, row in theirs.items()
    }
    first = {}
    for row in theirs.values():
        name = row.plaid_account_id
        first[name] = min(first.get(name, row.date), row.date)
    assert by_plaid_id(app, world.old) == {}
    for id, row in older.items():
        assert not row.pending
        account = after[id].plaid_account_id
        assert account not in first or row.date < first[account], "no doubles"
    # every row of ours is where it was, under its id; what was matched is one row
    all_rows = everything(app, world.user.id)["transactions"]
    assert all_rows.keys() == before["transactions"].keys()
    old_ids = {row.id for row in ours.values()}
    kept = [row for row in after.values() if row.id in old_ids]
    assert made.matched == len(kept) - len(older)
    assert made.kept == len(older)
    assert made.added == len(after) - len(kept)
    assert made.gone == len(ours) - len(kept)
    assert len(after) == made.matched + made.added + made.kept
    assert all(row.bank_account_id in before["bank_accounts"] for row in kept)
    # what the person made of an old row is on it, filled up from the new one
    for row in kept:
        was = before["transactions"][row.id]
        for name, value in made_by_user(row).items():
            assert value == was[name] or was[name] in (None, False)
    marks = Counter(row.note for row in after.values() if row.note)
    parked = {row.id for row in theirs.values()} - {r.id for r in after.values()}
    lost = [before["transactions"][id]["note"] for id in parked]
    assert sum(marks.values()) + len([n for n in lost if n]) >= len(
        [r for r in theirs.values() if r.note]
    )

    undone(app, made)
    after_all = everything(app, world.user.id)
    for id, row in after_all["bank_accounts"].items():
        is_old = row["plaid_item_id"] == world.old.id  # ended: its accounts are closed
        assert (row["closed_at"] is not None) == is_old
        row["closed_at"] = before["bank_accounts"][id]["closed_at"]
    assert after_all == before


since = st.lists(
    st.tuples(st.integers(0, 100), st.sampled_from(["edit", "amount", "removed"])),
    max_size=8,
)


@given(history=histories, starts=st.sampled_from([20, 60]), since=since)
@tried
def test_what_came_since_stays_where_it_belongs(app, history, starts, since):
    """The bank's changes go with the bank's ids, the person's with the row."""
    world = make_world(app, history, starts)
    before = everything(app, world.user.id)["transactions"]
    made = adopted(app, world.new, world.old)
    live = sorted(by_plaid_id(app, world.new).items())
    by_user: dict[Any, str] = {}
    by_bank: dict[str, str] = {}
    for number, what in since:
        if not live:
            break
        id, row = live[number % len(live)]
        if what == "edit":
            by_user[row.id] = f"edited {number}"
            change(app, "note = :v", row.id, f"edited {number}")
        elif by_bank.get(id) == "removed":
            continue
        elif what == "amount":
            by_bank[id] = "amount"
            change(app, "amount = 77, plaid_amount = -77", row.id)
        else:
            by_bank[id] = "removed"
            change(app, "removed_at = now()", row.id)
    store(app, bought(account_of(app, world), "later", "-3"))
    undone(app, made)
    after = everything(app, world.user.id)["transactions"]
    by_id = {row["plaid_transaction_id"]: row for row in after.values()}
    assert by_id.keys() == {r["plaid_transaction_id"] for r in before.values()} | {
        "later"
    }
    for id, row in after.items():
        if id in before:
            note = by_user.get(id, before[id]["note"])
            assert row["note"] == note
            assert row["plaid_transaction_id"] == before[id]["plaid_transaction_id"]
    for id, what in by_bank.items():
        if what == "amount":
            assert by_id[id]["amount"] == 77
    removed = {id for id, what in by_bank.items() if what == "removed"}
    for id, row in by_id.items():
        was = next(
            (r for r in before.values() if r["plaid_transaction_id"] == id), None
        )
        if was is not None and id not in removed:
            assert (row["removed_at"] is None) == (was["removed_at"] is None)
        elif was is not None and id.startswith("new"):
            assert row["removed_at"] is not None


def change(app, what: str, id: Any, value: str = "") -> None:
    with app.app_context():
        db.session.execute(
            text(f"UPDATE transactions SET {what} WHERE id = :id"),
            {"id": id} | ({"v": value} if value else {}),
        )
        db.session.commit()


def account_of(app, world: World):
    with app.app_context():
        return (
            db.session.query(BankAccount)
            .filter_by(plaid_item_id=world.new.id, closed_at=None)
            .order_by(BankAccount.name)
            .first()
        )
