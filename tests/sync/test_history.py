"""Any history at the bank: what is stored is what it has, and user data never falls."""

import random
from decimal import Decimal

import pytest

from tests.sync.linked import ask_db, edit, link, live, reload, rows, sync, token

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
        path = f"/_control/items/{self.id}/transactions?pending={pending}"
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


@pytest.mark.parametrize("seed", [1, 2])
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
    for row in found:
        for name, last in (("amount", row.amount), ("removed_at", row.removed_at)):
            was = [one[name] for one in row.was if name in one]
            became = [one[name] for one in row.became if name in one]
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
