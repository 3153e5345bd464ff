"""What a history knows of one person's banks, and what must be so after any step."""

from typing import Any, ClassVar

from flask import Flask
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import Engine, text

from tests.bank import Bank
from tests.chaos.history import Books
from tests.chaos.invariants import check_all
from tests.chaos.model_bank import Login, pick
from tests.chaos.model_crash import Crash
from tests.chaos.model_people import UserData, stored
from tests.sync.linked import link, token
from webapp.models import PlaidItem, User
from webapp.sync import incoming
from webapp.worker import work_once

QUEUE = text("""
    SELECT coalesce(not_before > now() OR lease_until > now(), false) AS is_held_off,
           last_synced_at
    FROM plaid_items WHERE id = :id
""")


class Linked:
    """A bank of the person's: our item, the login behind it, what was promised."""

    def __init__(self, item: PlaidItem, login: Login) -> None:
        self.item, self.login = item, login
        self.data = UserData()
        self.is_asked = True  # a sync was asked for since the last one came through
        self.is_held_off = False  # the clock must move before anything is tried again
        self.synced_at: Any = None


class State(RuleBasedStateMachine):
    """`app` and the rest are set on a subclass by whoever runs it."""

    app: ClassVar[Flask]
    bank: ClassVar[Bank]
    books: ClassVar[Books]
    engine: ClassVar[Engine]
    crash: ClassVar[Crash]
    told: ClassVar[Any]  # posts a webhook
    tried: ClassVar[dict[str, int]]

    def __init__(self) -> None:
        super().__init__()
        self.banks: list[Linked] = []
        self.kept: list[Linked] = []  # unlinked, with their history
        self.erased: list[Linked] = []
        self.person: User | None = None

    def open_login(self, world: str) -> None:
        assert self.person is not None
        about = () if world == "user_custom" else (world, "x")
        item = link(self.app, self.bank, self.person, *about)
        key = token(self.app, item)
        login = Login(self.bank, self.books, item.item_id, key)
        self.banks.append(Linked(item, login))

    # What must be so

    def nothing_is_left(self) -> None:
        """Of a bank that was unlinked: at Plaid nothing, here what was to be kept."""
        at_bank = self.books.items()
        for one in self.kept + self.erased:
            assert one.item.item_id not in at_bank, "linked at Plaid still"
        with self.engine.connect() as connection:
            for one in self.erased:
                assert not stored(connection, one.item.id)

    def work(self, size: int, copied: bool) -> list[str]:
        """As a worker does; how each run ended."""
        self.app.extensions["plaid"].page = size
        incoming.FEW, few = (0 if copied else incoming.FEW), incoming.FEW
        ended: list[str] = []
        try:
            while (status := work_once(self.app)) is not None:
                ended.append(status)
                self.count("runs")
                assert len(ended) < 20, f"it never ends: {ended}"
        finally:
            incoming.FEW = few
        return ended

    def came_through(self, promised: list[Linked]) -> None:
        self.look({one.item.item_id for one in promised})

    def look(self, settled: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        broken = check_all(self.engine, self.bank, settled=settled)
        with self.engine.connect() as connection:
            for one in self.banks:
                rows = stored(connection, one.item.id)
                one.data.synced(rows.values())
                broken += one.data.differences(rows)
                queue = connection.execute(QUEUE, {"id": one.item.id}).one()
                one.is_held_off = queue.is_held_off
                if queue.last_synced_at != one.synced_at:  # a run came through
                    one.is_asked, one.synced_at = False, queue.last_synced_at
            for one in self.kept:
                broken += one.data.differences(stored(connection, one.item.id))
        assert not broken, "\n".join(broken)
        self.count("checks")

    def chosen(self, which: int) -> Linked | None:
        self.count("steps")
        return pick(self.banks, which)

    def count(self, what: str, times: int = 1) -> None:
        self.tried[what] = self.tried.get(what, 0) + times
