"""Random histories of one person's banks: the machine that T1 lets hypothesis drive.

The bank, its customer, the person, the clock, workers, lost connections. The ledger
must be the bank's whenever that was promised, and keep what the person made of it.
"""

import datetime as dt
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
)
from sqlalchemy.exc import DBAPIError

from tests import factories
from tests.chaos.history import MUTATION
from tests.chaos.model_bank import pick
from tests.chaos.model_state import Linked, State
from tests.sync.linked import Background, ask, change_db, claim, run
from tests.webhooks.signing import body_of, sign
from webapp.extensions import db
from webapp.linking.removal import close_accounts, disconnect
from webapp.sync.replay import Replay
from webapp.sync.run import sync_item
from webapp.worker import tools_of

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


class Histories(State):
    """The rules; `model_state` has what they work on."""

    @initialize(world=st.sampled_from(["user_custom", "user_load_12"]))
    def begin(self, world: str) -> None:
        self.count("histories")
        self.bank.control("reset", items=True)
        self.bank.control("settings", rate_limits=False, grow=False)
        self.person = factories.make_user(self.app, password_hash="none")
        self.open_login(world)
        self.banks[0].login.add(Decimal("12.34"), 0, pending=True)
        self.all_is_settled()

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
            self.edit(one, id, fields)

    @rule(which=NUMBER, row=NUMBER, fields=MADE, amount=st.one_of(st.none(), AMOUNT))
    def a_pending_row_is_worked_on_and_posts(self, which, row, fields, amount):
        one = self.chosen(which)
        rows = one.login.rows(pending=True) if one else []
        known = [row for row in rows if row["transaction_id"] in one.data.live]
        if found := pick(known, row):
            self.edit(one, found["transaction_id"], fields)
            one.login.post_row(found, amount)

    def edit(self, one: Linked, id: str, fields: dict[str, Any]) -> None:
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
