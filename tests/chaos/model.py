"""Random histories of one person's banks: the machine that T1 lets hypothesis drive.

The bank, its customer, the person, the clock, workers, lost connections. The ledger
must be the bank's whenever that was promised, and keep what the person made of it.
"""

import datetime as dt
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests import factories
from tests.bank import Bank
from tests.chaos.history import MUTATION, Books
from tests.chaos.invariants import check_all
from tests.chaos.model_bank import Login, pick
from tests.chaos.model_crash import Crash
from tests.chaos.model_people import UserData, stored
from tests.sync.linked import Background, ask, change_db, claim, link, run, token
from tests.webhooks.signing import body_of, sign
from webapp.extensions import db
from webapp.linking.removal import close_accounts, disconnect
from webapp.models import PlaidItem, User
from webapp.sync import incoming
from webapp.sync.replay import Replay
from webapp.sync.run import sync_item
from webapp.worker import tools_of, work_once

NUMBER = st.integers(0, 40)
# money out and in and none at all; one has more digits than a float
AMOUNT = st.one_of(
    st.integers(-9_999, 9_999).map(lambda cents: Decimal(cents).scaleb(-2)),
    st.sampled_from([Decimal("0.10"), Decimal("-8765432.1098765432109"), Decimal(0)]),
)
MAYBE = st.one_of(st.none(), NUMBER)
MADE = st.one_of(
    st.fixed_dictionaries({"note": st.sampled_from(["for two", "", None])}),
    st.fixed_dictionaries({"user_name": st.sampled_from(["Mine", None])}),
    st.fixed_dictionaries({"user_category": st.sampled_from(["TRAVEL_FLIGHTS", None])}),
    st.fixed_dictionaries({"excluded": st.booleans()}),
    st.fixed_dictionaries(
        {"reviewed_at": st.just(dt.datetime(2026, 10, 7, 9, 30, tzinfo=dt.UTC))}
    ),
)
CODES = ["SYNC_UPDATES_AVAILABLE", "TRANSACTIONS_REMOVED"]
CHANGES = st.one_of(
    st.fixed_dictionaries({"amount": AMOUNT}),
    st.fixed_dictionaries({"name": st.sampled_from(["A\tB\\N", "Café ☕", "x" * 300])}),
    st.fixed_dictionaries({"date": st.sampled_from(["2026-01-31", "2025-02-28"])}),
    st.fixed_dictionaries({"account_id": NUMBER}),
)
BROKEN = [
    {"error_code": MUTATION},
    {"mutate": True},
    {"error_code": "INTERNAL_SERVER_ERROR"},
    {"truncate": 40},
    {"empty": True},
]
UNLINKED_AFTER = 2  # logins at most at once: histories of one bank are the harder ones


class Linked:
    """A bank of the person's: our item, the login behind it, what was promised."""

    def __init__(self, item: PlaidItem, login: Login) -> None:
        self.item, self.login = item, login
        self.data = UserData()
        self.is_asked = True  # a sync was asked for since the last one came through
        self.is_held_off = False  # the clock must move before anything is tried again
        self.synced_at: Any = None


class Histories(RuleBasedStateMachine):
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

    @initialize(world=st.sampled_from(["user_custom", "user_load_12"]))
    def begin(self, world: str) -> None:
        self.count("histories")
        self.bank.control("reset", items=True)
        self.bank.control("settings", rate_limits=False, grow=False)
        self.person = factories.make_user(self.app, password_hash="none")
        self.open_login(world)
        self.banks[0].login.add(Decimal("12.34"), 0, pending=True)
        self.all_is_settled()

    def open_login(self, world: str) -> None:
        assert self.person is not None
        about = () if world == "user_custom" else (world, "x")
        item = link(self.app, self.bank, self.person, *about)
        key = token(self.app, item)
        login = Login(self.bank, self.books, item.item_id, key)
        self.banks.append(Linked(item, login))

    def teardown(self) -> None:
        if self.person is None:
            return
        try:
            self.time_passes()
            self.all_is_settled()
            self.nothing_is_left()
        finally:
            self.crash.at = None
            change_db(self.app, "DELETE FROM users WHERE id = :id", id=self.person.id)

    # The bank

    @rule(which=NUMBER, amount=AMOUNT, account=NUMBER, pending=st.booleans())
    def a_row_comes(self, which, amount, account, pending):
        if one := self.chosen(which):
            one.login.add(amount, account, pending=pending)

    @rule(which=NUMBER, row=NUMBER, amount=AMOUNT, account=NUMBER)
    def a_posted_row_comes_apart_from_its_pending_one(
        self, which, row, amount, account
    ):
        if one := self.chosen(which):
            one.login.add_posted(row, amount, account)

    @rule(which=NUMBER, row=NUMBER, amount=st.one_of(st.none(), AMOUNT), account=MAYBE)
    def a_pending_row_posts(self, which, row, amount, account):
        if one := self.chosen(which):
            one.login.post(row, amount, account)

    @rule(which=NUMBER, row=NUMBER, fields=CHANGES)
    def a_row_changes(self, which, row, fields):
        if one := self.chosen(which):
            one.login.change(row, **fields)

    @rule(which=NUMBER, row=NUMBER)
    def a_row_goes(self, which, row):
        if one := self.chosen(which):
            one.login.remove(row)

    @rule(which=NUMBER, count=st.integers(1, 5))
    def rows_come_again_unchanged(self, which, count):
        if one := self.chosen(which):
            one.login.repeat(count)

    @rule(which=NUMBER, kind=st.sampled_from(["depository", "credit", "other"]))
    def an_account_is_opened(self, which, kind):
        if one := self.chosen(which):
            one.login.open_account(kind)

    @rule(which=NUMBER, chosen=st.lists(st.booleans(), min_size=1, max_size=4))
    def accounts_are_shared(self, which, chosen):
        """What the bank tells of rows that change while this does is not known."""
        if one := self.chosen(which):
            for share in (lambda: one.login.share(chosen), lambda: None):
                self.time_passes()
                self.all_is_settled()
                share()

    # The person

    @rule(which=NUMBER, row=NUMBER, fields=MADE, waiting=st.booleans())
    def a_row_is_edited(self, which, row, fields, waiting):
        """`waiting`: one that is pending at the bank, where there is any."""
        one = self.chosen(which)
        ids = sorted(one.data.live) if one else []
        if one and waiting:
            pending = {row["transaction_id"] for row in one.login.rows(pending=True)}
            ids = sorted(one.data.live & pending) or ids
        if one and (id := pick(ids, row)):
            names = ", ".join(f"{name} = :{name}" for name in fields)
            edit = f"UPDATE transactions SET {names} WHERE plaid_transaction_id = :id"
            assert change_db(self.app, edit, id=id, **fields) == 1
            one.data.edit(id, **fields)

    @rule(which=NUMBER)
    def the_person_asks(self, which):
        if one := self.chosen(which):
            ask(self.app, one.item, by_person=True)
            one.is_asked, one.is_held_off = True, False

    @precondition(lambda self: len(self.banks) < UNLINKED_AFTER)
    @rule(world=st.sampled_from(["user_custom", "user_load_12"]))
    def a_bank_is_linked(self, world):
        self.open_login(world)

    @precondition(lambda self: len(self.banks) == UNLINKED_AFTER)
    @rule(which=NUMBER, keep=st.booleans())
    def a_bank_is_unlinked(self, which, keep):
        self.count("steps")
        one = self.banks.pop(which % len(self.banks))
        key = (one.item.user_id, one.item.id)
        with self.app.app_context():
            assert disconnect(tools_of(self.app), *key, keep_history=keep)
            db.session.commit()
            if keep:
                close_accounts(db.session(), *key)
                db.session.commit()
        (self.kept if keep else self.erased).append(one)

    # Plaid's word

    @rule(
        which=NUMBER,
        news=st.lists(AMOUNT, max_size=2),
        codes=st.lists(st.sampled_from(CODES), min_size=1, max_size=2),
        again=st.integers(0, 2),
        at_once=st.booleans(),
    )
    def webhooks_come(self, which, news, codes, again, at_once):
        """With news or without, in whatever order, the same bytes more than once."""
        one = self.chosen(which)
        for amount in news if one else []:
            one.login.add(amount, 0, pending=False)
        for code in codes if one else []:
            body = body_of(one.item.item_id, code)
            jwt = sign(body)
            for _ in range(1 + again):
                assert self.told(body, jwt).status_code == 200
            one.is_asked = True
        if at_once:
            self.all_is_settled()

    # The clock and the workers

    @rule()
    def time_passes(self):
        """Leases end, back-off ends, an outage is over, the next poll is due."""
        self.count("steps")
        change_db(
            self.app,
            """UPDATE plaid_items SET next_at = now(), not_before = NULL,
                      lease_until = least(lease_until, now() - interval '1 s')""",
        )
        change_db(
            self.app,
            """UPDATE jobs SET run_at = now(),
                      lease_until = least(lease_until, now() - interval '1 s')""",
        )
        change_db(self.app, "DELETE FROM breakers")
        for one in self.banks:
            one.is_asked, one.is_held_off = True, False

    @rule(size=st.sampled_from([1, 2, 3, 500]), copied=st.booleans())
    def all_is_settled(self, size=500, copied=False):
        """Everything that is due is done; then what was promised must be so."""
        self.count("steps")
        self.work(size, copied)
        promised = [one for one in self.banks if one.is_asked and not one.is_held_off]
        self.came_through(promised)

    @rule(
        size=st.sampled_from([1, 2, 3]),
        copied=st.booleans(),
        trouble=st.sampled_from(BROKEN),
        page=st.integers(0, 5),
        times=st.integers(1, 3),
    )
    def a_page_fails(self, size, copied, trouble, page, times):
        self.count("steps")
        fault = {"skip": page, "times": times} | trouble
        self.books.control("faults", endpoint="/transactions/sync", **fault)
        ended = self.work(size, copied)
        self.books.control("faults/clear")
        self.count("pages failed", "failed" in ended)
        self.look()

    @rule(
        size=st.sampled_from([1, 3, 500]),
        copied=st.booleans(),
        statement=st.integers(1, 30),
    )
    def the_connection_is_lost(self, size, copied, statement):
        self.count("steps")
        before = self.crash.happened
        self.crash.at = statement
        try:
            self.work(size, copied)
        except DBAPIError:
            assert self.crash.happened > before, "an error of its own making"
        self.crash.at = None
        self.count("connections lost", self.crash.happened - before)
        change_db(
            self.app,
            "UPDATE plaid_items SET lease_until = now() - interval '1 s'"
            " WHERE lease_until IS NOT NULL",
        )
        self.look()

    @rule(which=NUMBER, rows=st.lists(AMOUNT, max_size=2), late=st.booleans())
    def a_worker_is_overtaken(self, which, rows, late):
        """Its lease ends while it has all pages in hand; another one takes the item."""
        one = self.chosen(which)
        if one is None or (held := claim(self.app, one.item)) is None:
            return
        self.app.extensions["plaid"].page = 500
        has_pages, may_go_on = threading.Event(), threading.Event()

        def wait(fetched: Any) -> None:
            has_pages.set()
            assert may_go_on.wait(20)

        stale = Background(run, self.app, held, wait)
        assert has_pages.wait(20)
        change_db(
            self.app, "UPDATE plaid_items SET lease_until = now() - interval '1s'"
        )
        one.login.remove(0, newest=True)
        for amount in rows:
            one.login.add(amount, 0, pending=False)
        other = claim(self.app, one.item)

        def refuse_the_stale(fetched: Any) -> None:
            if not may_go_on.is_set():
                may_go_on.set()
                assert stale.result() == "superseded", "R4: a stale writer wrote"

        status = run(self.app, other, (lambda f: None) if late else refuse_the_stale)
        refuse_the_stale(None)
        assert status == "succeeded"
        self.count("stale writers")
        one.is_asked, one.is_held_off = True, False
        self.came_through([one])

    @rule(which=NUMBER, proven=st.booleans())
    def all_of_a_bank_is_read_again(self, which, proven):
        """Its cursor is lost, or somebody has it replayed."""
        if one := self.chosen(which):
            self.time_passes()
            self.all_is_settled()
            if proven:
                self.replay(one)
            else:
                back = "UPDATE plaid_items SET cursor = NULL WHERE id = :id"
                change_db(self.app, back, id=one.item.id)
                self.time_passes()
                self.all_is_settled()

    def replay(self, one: Linked) -> None:
        again, held = Replay(buries_many=True), claim(self.app, one.item)
        with self.app.app_context():
            held = replace(held, cursor=None)
            assert sync_item(tools_of(self.app), held, write=again.write) == "succeeded"
        assert again.proof is not None
        assert (again.proof.added, again.proof.changed, again.proof.buried) == (0, 0, 0)
        self.came_through([one])

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


QUEUE = text("""
    SELECT coalesce(not_before > now() OR lease_until > now(), false) AS is_held_off,
           last_synced_at
    FROM plaid_items WHERE id = :id
""")
