"""Any history at the bank: what is stored is what it has, and user data never falls."""

import random
from contextlib import contextmanager
from decimal import Decimal

import pytest
from sqlalchemy import event

from tests import factories
from tests.sync.linked import (
    MADE_BY_USER,
    account_ids,
    ask_db,
    edit,
    link,
    live,
    made_by_user,
    page,
    reload,
    row,
    rows,
    runs,
    sync,
    token,
)
from webapp.extensions import db
from webapp.sync.columns import BANK
from webapp.sync.incoming import FEW

pytestmark = pytest.mark.commits

STEPS = 30


class History:
    """Things that happen to one item at its bank, at random but repeatable."""

    def __init__(self, bank, item, seed: int) -> None:
        self.bank, self.id = bank, item.item_id
        self.random = random.Random(seed)
        self.successor: dict[str, str] = {}  # of a pending row: what it became

    def control(self, path: str, **body):
        return self.bank.control(f"items/{self.id}/{path}", quiet=True, **body)

    def ids(self, pending: int) -> list[str]:
        path = f"/_control/items/{self.id}/transactions"
        found = self.bank.get(path)["transactions"]
        wanted = [t for t in found if t["pending"] is bool(pending)]
        return [t["transaction_id"] for t in wanted]

    def step(self) -> None:
        self.random.choice([self.add, self.add, self.change, self.remove, self.post,
                            self.repeat])()  # fmt: skip

    def add(self) -> None:
        today = self.bank.state()["now"][:10]
        posts = self.random.choice([today, "2030-01-01"])
        cents = self.random.randrange(-50_000, 50_000)
        made = {
            "date_transacted": today,
            "date_posted": posts,
            "amount": cents / 100 or 1,
            "description": self.random.choice(["SHELL OIL", "PAYROLL", "KFC", "ATM"]),
        }
        self.control("transactions", transactions=[made])

    def change(self) -> None:
        if ids := self.ids(pending=0):
            id, cents = self.random.choice(ids), self.random.randrange(1, 9999)
            self.control(f"transactions/{id}", amount=cents / 100)

    def remove(self) -> None:
        if ids := self.ids(pending=0) + self.ids(pending=1):
            self.control(f"transactions/{self.random.choice(ids)}/remove")

    def post(self) -> None:
        if ids := self.ids(pending=1):
            id = self.random.choice(ids)
            self.successor[id] = self.control(f"transactions/{id}/post")["id"]

    def repeat(self) -> None:
        self.control("repeat", count=3)


@pytest.mark.parametrize("seed", [1, 3])
def test_any_history_ends_as_the_bank_has_it(app, bank, owner, seed):
    bank.control("settings", rate_limits=False)
    item = link(app, bank, owner)
    history = History(bank, item, seed)
    notes: dict[str, str] = {}
    for number in range(STEPS):
        history.step()
        if history.random.random() < 0.4:
            assert sync(app, item) == "succeeded"
            without = sorted(id for id, row in live(app, item).items() if not row.note)
            if without:
                id = history.random.choice(without)
                notes[id] = f"note {number}"
                edit(app, item, id, note=notes[id])
    assert sync(app, item) == "succeeded"
    check(app, bank, item)
    stored, alive = rows(app, item), live(app, item)
    for id, note in notes.items():
        assert stored[id].note == note
        heir = history.successor.get(id)
        if heir in alive:
            assert alive[heir].note is not None, "what the user wrote was lost"
    check_changes(app, item)


def check_changes(app, item) -> None:
    """What was kept of each row leads, step by step, to the row as it is."""
    found = ask_db(
        app,
        "SELECT t.id, t.amount, t.removed_at, array_agg(c.was ORDER BY c.changed_at)"
        " AS was, array_agg(c.became ORDER BY c.changed_at) AS became"
        " FROM transactions t JOIN transaction_changes c"
        " ON c.user_id = t.user_id AND c.transaction_id = t.id"
        " WHERE t.user_id = :u GROUP BY t.user_id, t.id",
        u=item.user_id,
    )
    assert found
    for one in found:
        for name, last in (("amount", one.amount), ("removed_at", one.removed_at)):
            was = [old[name] for old in one.was if name in old]
            became = [new[name] for new in one.became if name in new]
            assert was[1:] == became[:-1]
            if became and name == "amount":
                assert Decimal(str(became[-1])) == last
            elif became:
                assert (became[-1] is None) == (last is None)


def check(app, bank, item) -> None:
    """Rows and amounts are the bank's own, to the digit."""
    shown = bank.plaid(
        "/transactions/get",
        access_token=token(app, item),
        start_date="2020-01-01",
        end_date="2031-01-01",
        options={"count": 500},
    )["transactions"]
    found = {
        id: (row.plaid_amount, row.amount, row.pending, row.pending_transaction_id)
        for id, row in live(app, item).items()
    }
    assert found == {
        t["transaction_id"]: (
            Decimal(str(t["amount"])), -Decimal(str(t["amount"])), t["pending"],
            t["pending_transaction_id"],
        )
        for t in shown
    }  # fmt: skip
    assert len(found) > 0
    assert reload(app, item).state == "healthy"


# Two ways to write a run: all rows are new, or some may be stored already


@contextmanager
def inserts(app):
    """The statements, as they are sent, that add transactions."""
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        if "INSERT INTO transactions " in statement:
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def is_merge(statement: str) -> bool:
    return "ON CONFLICT" in statement


def run_of(chance: random.Random, accounts: list[str], known: list[str], name: str):
    """Rows added and ids removed: new ones, posted ones, pending ones that vanish."""
    added, pending = [], list(known)
    for number in range(FEW + chance.randrange(2, 20)):
        id = f"{name}-{number}"
        said = {"pending": chance.random() < 0.4}
        if pending and chance.random() < 0.3:
            said = {"pending_transaction_id": pending.pop()}
        elif said["pending"] and chance.random() < 0.5:
            pending.append(id)
        cents = str(chance.randrange(-50_000, 50_000) / 100)
        added.append(row(chance.choice(accounts), id, cents, **said))
    posted = [one["pending_transaction_id"] for one in added]
    gone = [id for id in posted if id and chance.random() < 0.8]
    return added, gone + chance.sample(known, len(known) // 4)


def told(app, bank, item, seed: int, as_new: bool):
    """Three runs with edits in between. The last row of each comes as a new or as a
    modified one, which makes no difference to what is stored."""
    chance = random.Random(seed)
    accounts, known, heirs = account_ids(bank, item), [], 0
    edited: set[str] = set()
    for number in range(3):
        added, gone = run_of(chance, accounts, known, f"t{number}")
        if number == seed % 3 and seed % 2:  # the same row twice in a run
            added.append(added[0] | {"amount": Decimal("7.77")})
        cut = chance.randrange(1, len(added) - 1)
        end = len(added) if as_new else -1
        first = page(added[:cut], removed=gone, cursor=f"c{number}-1", more=True)
        last = page(added[cut:end], added[end:], cursor=f"c{number}-2")
        assert sync(app, item, first, last, bank=bank) == "succeeded"
        found = live(app, item)
        for one in added:
            if (was := one["pending_transaction_id"]) in edited:
                assert found[one["transaction_id"]].note == f"note on {was}"
                heirs += 1
        known = sorted(id for id, one in found.items() if one.pending)
        edited = set(known[::2])
        for id in edited:
            edit(app, item, id, **MADE_BY_USER | {"note": f"note on {id}"})
    stored = {
        id: {name: getattr(one, name) for name in BANK}
        | made_by_user(one)
        | {"account": accounts.index(one.plaid_account_id)}
        | {"live": one.removed_at is None}
        for id, one in rows(app, item).items()
    }
    counts = [(run.added, run.modified, run.removed) for run in runs(app, item)]
    return stored, counts, heirs


@pytest.mark.parametrize("seed", range(6))
def test_a_run_of_new_rows_is_stored_as_any_other(app, bank, seed):
    def person():
        return factories.make_user(app, password_hash="nobody signs in with this")

    with inserts(app) as plain:
        *new, heirs = told(app, bank, link(app, bank, person()), seed, as_new=True)
    with inserts(app) as merged:
        *any_, _ = told(app, bank, link(app, bank, person()), seed, as_new=False)
    assert new == any_
    assert heirs
    assert all(map(is_merge, merged))
    # a row that comes twice is found out, and the run is merged after all
    assert [is_merge(one) for one in plain].count(True) == seed % 2
    assert [is_merge(one) for one in plain].count(False) == 3


def test_a_run_of_rows_of_which_another_bank_has_one(app, bank, owner):
    """The same id at two items of a person: as ever, the last word counts."""
    first, second = link(app, bank, owner), link(app, bank, owner)
    accounts = [account_ids(bank, item)[0] for item in (first, second)]
    sync(app, first, page([row(accounts[0], "t5", "1")]), bank=bank)
    edit(app, first, "t5", note="mine")
    sent = [row(accounts[1], f"t{number}", "2") for number in range(FEW + 5)]
    with inserts(app) as statements:
        assert sync(app, second, page(sent), bank=bank) == "succeeded"
    assert [is_merge(one) for one in statements] == [False, True]
    found = live(app, second)
    assert len(found) == FEW + 5
    assert (found["t5"].amount, found["t5"].note) == (-2, "mine")
    assert (runs(app, second)[-1].added, runs(app, second)[-1].modified) == (FEW + 4, 1)
