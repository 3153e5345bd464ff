"""Accept or keep: what waits, what a decision does, through a real sync each time."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.sync.conftest import item, owner
from tests.sync.linked import (
    Background,
    account_ids,
    ask_db,
    edit,
    link,
    live,
    page,
    row,
    rows,
    sync,
)
from webapp.extensions import db
from webapp.ledger.bank_changes import (
    BankChange,
    count_bank_changes,
    list_bank_changes,
)
from webapp.ledger.decisions import Decision, decide

__all__ = ["item", "owner"]
pytestmark = pytest.mark.commits

REVIEWED = {"reviewed_at": dt.datetime(2026, 10, 7, tzinfo=dt.UTC)}
FLIGHT = {"user_name": "My flight", "user_category": "TRAVEL_FLIGHTS"}
RENT = {"primary": "RENT_AND_UTILITIES", "detailed": "RENT_AND_UTILITIES_RENT"}
ACCEPT, KEEP = Decision.ACCEPT, Decision.KEEP


class Told:
    """One bank of one person, which says things one after the other."""

    def __init__(self, app, bank, item) -> None:
        self.app, self.bank, self.item = app, bank, item
        self.accounts = account_ids(bank, item)
        self.count = 0

    def row(self, id: str = "a", amount: str = "12.34", **said: Any) -> dict:
        if isinstance(category := said.get("category"), dict):
            said["personal_finance_category"] = category
        said.pop("category", None)
        return row(said.pop("account", self.accounts[0]), id, amount, **said)

    def says(self, *modified: dict, removed: tuple[str, ...] = ()) -> None:
        self.count += 1
        said = page([], list(modified), list(removed), cursor=f"c{self.count}")
        assert sync(self.app, self.item, said, bank=self.bank) == "succeeded"

    def edits(self, id: str = "a", **values: Any) -> None:
        edit(self.app, self.item, id, **values)

    def open(self, before=None) -> list[BankChange]:
        with self.app.app_context():
            found, _ = list_bank_changes(db.session(), self.item.user_id, before)
            if before is None:
                count = count_bank_changes(db.session(), self.item.user_id)
                assert count == len(found)
            return found

    def decides(
        self, decision: Decision, change: BankChange | None = None, **of
    ) -> int:
        with self.app.app_context():
            seen = of.get("seen_at") or (change or self.open()[0]).seen_at
            only = of.get("only", change.id if change else None)
            user = of.get("user_id", self.item.user_id)
            count = decide(db.session(), user, decision, seen, only)
            db.session.commit()
            return count

    def own(self, id: str = "a") -> tuple[str | None, str | None]:
        found = rows(self.app, self.item)[id]
        return found.user_name, found.user_category


@pytest.fixture
def told(app, bank, item) -> Told:
    told = Told(app, bank, item)
    told.says(told.row())
    return told


def test_nothing_waits_where_nobody_worked(told):
    told.says(told.row(amount="13"))
    told.says(removed=("a",))
    assert told.open() == []


def test_old_and_new_of_all_that_a_person_sees(told):
    told.edits(**REVIEWED, note="n")
    second = told.accounts[1]
    told.says(
        told.row(amount="13", account=second, date="2026-10-06", name="Another",
                 category=RENT, pending=True, location={"city": "Bern"})
    )  # fmt: skip
    (one,) = told.open()
    assert (one.was.amount, one.became.amount) == (Decimal("-12.34"), Decimal("-13"))
    assert (one.was.name, one.became.name) == ("Shop of a", "Another")
    assert (one.was.category_label, one.became.category_label) == ("Coffee", "Rent")
    assert (str(one.was.date), str(one.became.date)) == ("2026-10-05", "2026-10-06")
    assert (one.was.pending, one.became.pending) == (False, True)
    assert one.account_differs
    assert (one.note, one.own_name, one.can_keep) == ("n", None, True)


@pytest.mark.parametrize(
    ("decision", "own"), [(ACCEPT, (None, None)), (KEEP, tuple(FLIGHT.values()))]
)
def test_an_edited_row(told, decision, own):
    told.edits(**FLIGHT, note="n")
    told.says(told.row(amount="13", name="Another", category=RENT))
    assert told.own() == tuple(FLIGHT.values()), "nothing before the decision"
    assert told.decides(decision, told.open()[0]) == 1
    found = rows(told.app, told.item)["a"]
    assert (told.own(), found.note, found.amount) == (own, "n", -13)
    assert (found.name, found.category_detailed) == ("Another", RENT["detailed"])
    assert told.open() == []


@pytest.mark.parametrize(
    ("decision", "own"),
    [(ACCEPT, (None, None)), (KEEP, ("Shop of a", "FOOD_AND_DRINK_COFFEE"))],
)
def test_a_row_that_was_only_reviewed(told, decision, own):
    told.edits(**REVIEWED)
    told.says(told.row(name="Another", category=RENT))
    told.decides(decision, told.open()[0])
    assert told.own() == own
    assert rows(told.app, told.item)["a"].reviewed_at == REVIEWED["reviewed_at"]


@pytest.mark.parametrize("decision", Decision)
def test_facts_are_the_banks_in_any_case(told, decision):
    told.edits(**FLIGHT)
    told.says(told.row(amount="13", date="2026-10-06", iso_currency_code="CHF"))
    (one,) = told.open()
    assert one.can_keep is False
    told.decides(decision, one)
    found = rows(told.app, told.item)["a"]
    assert (told.own(), found.amount) == (tuple(FLIGHT.values()), -13)
    assert (found.currency, str(found.date)) == ("CHF", "2026-10-06")


def test_only_the_field_that_changed_is_given_back(told):
    told.edits(**FLIGHT)
    told.says(told.row(category=RENT))
    told.decides(ACCEPT, told.open()[0])
    assert told.own() == ("My flight", None)


def test_a_name_that_nobody_sees_is_no_change(told):
    told.says(told.row(merchant_name="M"))
    told.edits(**REVIEWED)
    told.says(told.row(merchant_name="M", name="Another"))
    assert told.open() == []


@pytest.mark.parametrize("was", [None, {"primary": "NEW", "detailed": "NEW_CODE"}])
def test_a_former_category_that_nobody_knows_cannot_be_kept(told, was):
    told.says(told.row(personal_finance_category=was))
    told.edits(**REVIEWED)
    told.says(told.row(category=RENT))
    (one,) = told.open()
    assert one.can_keep is False
    told.decides(KEEP, one)
    assert told.own() == (None, None)


def test_several_changes_are_one_question(told):
    told.edits(**REVIEWED)
    told.says(told.row(name="B", amount="13"))
    told.says(told.row(name="C", amount="12.34"))
    (one,) = told.open()
    assert (one.was.name, one.became.name) == ("Shop of a", "C")
    assert one.amount_differs is False
    told.decides(KEEP, one)
    assert told.own() == ("Shop of a", None)


def test_changed_and_changed_back_is_nothing(told):
    told.edits(**REVIEWED)
    told.says(told.row(amount="13"))
    told.says(told.row())
    assert told.open() == []


def test_what_came_after_the_person_looked_waits(told):
    told.edits(**FLIGHT)
    told.says(told.row(name="B"))
    (seen,) = told.open()
    told.says(told.row(name="B", category=RENT))
    told.decides(ACCEPT, seen)
    assert told.own() == (None, "TRAVEL_FLIGHTS")
    (left,) = told.open()
    assert (left.name_differs, left.category_differs) == (False, True)


def test_a_second_answer_does_nothing(told):
    told.edits(**REVIEWED)
    told.says(told.row(name="B"))
    (one,) = told.open()
    told.decides(KEEP, one)
    assert told.decides(ACCEPT, one) == 0
    assert told.own() == ("Shop of a", None)
    decided = ask_db(told.app, "SELECT decision, decided_at FROM transaction_changes")
    assert [(d.decision, d.decided_at is not None) for d in decided] == [("kept", True)]


def test_two_answers_at_the_same_time(told):
    told.edits(**REVIEWED)
    told.says(told.row(name="B"))
    (one,) = told.open()
    answers = [Background(told.decides, d, one) for d in [ACCEPT, KEEP] * 3]
    assert sorted(answer.result() for answer in answers) == [0] * 5 + [1]
    (kept,) = ask_db(told.app, "SELECT decision FROM transaction_changes")
    assert told.own()[0] == ("Shop of a" if kept.decision == "kept" else None)


def test_answers_while_the_bank_is_read(told):
    """Whatever comes first: every change is answered or waits, and the rows agree."""
    told.says(*(told.row(f"m{n}") for n in range(15)))
    for n in range(15):
        told.edits(f"m{n}", user_name="Mine", note="n")
    for turn in range(6):
        before = told.open()
        new = [told.row(f"m{n}", name=f"Turn {turn}") for n in range(15)]
        syncing = Background(told.says, *new)
        if before:
            told.decides(ACCEPT, seen_at=before[0].seen_at)
        syncing.result()
    told.decides(KEEP)
    assert told.open() == []
    found = live(told.app, told.item)
    assert {found[f"m{n}"].name for n in range(15)} == {"Turn 5"}


def test_accept_all(told):
    told.says(told.row("b"), told.row("c"))
    for id in "abc":
        told.edits(id, **FLIGHT)
    told.says(told.row("a", name="A"), told.row("b", category=RENT))
    told.says(removed=("c",))
    assert told.decides(ACCEPT) == 3
    assert [told.own(id) for id in "abc"] == [
        (None, "TRAVEL_FLIGHTS"), ("My flight", None), ("My flight", "TRAVEL_FLIGHTS"),
    ]  # fmt: skip
    assert told.open() == []


def test_newest_first_and_page_by_page(told):
    runs = [[f"m{run}-{n}" for n in range(9)] for run in range(3)]
    told.says(*(told.row(id) for ids in runs for id in ids))
    for ids in runs:
        for id in ids:
            told.edits(id, note="n")
        told.says(*(told.row(id, name=id) for id in ids))
    with told.app.app_context():
        user = told.item.user_id
        first, more = list_bank_changes(db.session(), user)
        place = (first[-1].seen_at, first[-1].id)
        second, no_more = list_bank_changes(db.session(), user, place)
        assert count_bank_changes(db.session(), user) == 27
    assert (len(first), more, len(second), no_more) == (20, True, 7, False)
    seen = [one.became.name for one in first + second]
    newest_first = [sorted(seen[at : at + 9]) for at in (0, 9, 18)]
    assert newest_first == runs[::-1]


# Removal and return


def test_a_removal_is_told_until_it_is_understood(told):
    told.edits(**FLIGHT)
    told.says(removed=("a",))
    (one,) = told.open()
    assert (one.is_removed, one.can_keep, one.own_name) == (True, False, "My flight")
    told.decides(ACCEPT, one)
    assert told.open() == []
    assert told.own() == tuple(FLIGHT.values())


def test_removed_and_back_unseen_is_nothing(told):
    told.edits(**FLIGHT)
    told.says(removed=("a",))
    told.says(told.row())
    assert told.open() == []
    assert told.own() == tuple(FLIGHT.values())


def test_back_after_its_removal_was_understood(told):
    told.edits(**FLIGHT)
    told.says(removed=("a",))
    told.decides(ACCEPT)
    told.says(told.row(amount="13"))
    (one,) = told.open()
    assert (one.is_back, one.amount_differs) == (True, True)


# Pending to posted


@pytest.fixture
def pending(told) -> Told:
    told.says(told.row("p", "20", pending=True))
    return told


def posted(told, amount: str = "20", **said: Any) -> dict:
    said = {"pending_transaction_id": "p", "name": "Shop of p"} | said
    return told.row("q", amount, **said)


def test_posted_with_another_amount(pending):
    pending.edits("p", **FLIGHT)
    pending.says(posted(pending, "23.6"), removed=("p",))
    (one,) = pending.open()
    assert one.id == rows(pending.app, pending.item)["q"].id
    assert (one.was.amount, one.became.amount) == (Decimal("-20"), Decimal("-23.6"))
    assert (one.has_posted, one.is_removed) == (True, False)
    pending.decides(ACCEPT, one)
    assert pending.open() == []
    assert pending.own("q") == tuple(FLIGHT.values())


@pytest.mark.parametrize(("decision", "name"), [(ACCEPT, None), (KEEP, "Shop of p")])
def test_posted_under_another_name(pending, decision, name):
    pending.edits("p", **REVIEWED)
    pending.says(posted(pending, name="In full"), removed=("p",))
    pending.decides(decision, pending.open()[0])
    assert pending.own("q") == (name, None)


def test_posted_as_it_was_is_no_question(pending):
    pending.edits("p", **FLIGHT)
    pending.says(posted(pending, date="2026-10-07"), removed=("p",))
    assert pending.open() == []


def test_removed_and_posted_later(pending):
    pending.edits("p", **FLIGHT)
    pending.says(removed=("p",))
    assert [one.is_removed for one in pending.open()] == [True]
    pending.says(posted(pending))
    assert pending.open() == []
    assert pending.own("q") == tuple(FLIGHT.values())


@pytest.mark.parametrize("in_one_run", [True, False])
def test_what_changed_while_pending_is_not_forgotten(pending, in_one_run):
    pending.edits("p", **REVIEWED)
    new = pending.row("p", "21", pending=True, name="Another")
    heir = posted(pending, "22", name="Another")
    if in_one_run:
        pending.says(new, heir, removed=("p",))
    else:
        pending.says(new)
        pending.says(heir, removed=("p",))
    (one,) = pending.open()
    assert (one.was.amount, one.became.amount) == (Decimal("-20"), Decimal("-22"))
    assert (one.was.name, one.became.name) == ("Shop of p", "Another")
    pending.decides(KEEP, one)
    assert pending.own("q") == ("Shop of p", None)
    assert pending.open() == []


# Whose


def test_nobody_else_sees_or_decides(told, bob):
    told.edits(**FLIGHT)
    told.says(told.row(name="B"))
    (one,) = told.open()
    with told.app.app_context():
        assert list_bank_changes(db.session(), bob.id) == ([], False)
        assert count_bank_changes(db.session(), bob.id) == 0
    assert told.decides(ACCEPT, one, user_id=bob.id) == 0
    assert told.decides(ACCEPT, seen_at=one.seen_at, user_id=bob.id) == 0
    assert told.own() == tuple(FLIGHT.values())
    assert len(told.open()) == 1


def test_a_bank_that_was_removed_asks_nothing(app, bank, owner, told):
    told.edits(**FLIGHT)
    told.says(told.row(name="B"))
    other = Told(app, bank, link(app, bank, owner))
    other.says(other.row("z"))
    other.edits("z", **FLIGHT)
    other.says(other.row("z", name="Y"))
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE plaid_items SET state = 'removing' WHERE id = '{other.item.id}'"
        )
    assert [one.became.name for one in told.open()] == ["B"]
