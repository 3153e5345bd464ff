"""T3: many at one item at the same moment; items that go in mid-sync (R4)."""

import random
import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests import factories
from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import Place, until
from tests.chaos.traffic import WELCOME, is_quiet, settle
from tests.sync.linked import Background, change_db, link
from webapp.extensions import db
from webapp.linking.removal import disconnect
from webapp.models import PlaidItem, User
from webapp.plaid.errors import PlaidError
from webapp.sync import schedule
from webapp.sync.schedule import Claim, LeaseLost
from webapp.worker import tools_of

SHORT = timedelta(milliseconds=40)
NOW = text("SELECT clock_timestamp(), now() FROM plaid_items WHERE id = :id FOR UPDATE")


@dataclass(frozen=True)
class Act:
    """What somebody did to an item while he had its row locked, so they have an order.

    `began` is the instant by which the statement judged leases.
    """

    at: Any
    began: Any
    name: str
    token: uuid.UUID | None
    worked: bool


class Racer:
    """Claims, and ends what it claimed: late, early, well or badly."""

    def __init__(self, place: Place, items: list[PlaidItem]) -> None:
        self.place, self.items = place, items
        self.acts: dict[uuid.UUID, list[Act]] = defaultdict(list)

    def race(self, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            item = random.choice(self.items)
            if random.random() < 0.3:
                self.ask(item)
                continue
            held = self.claim(item)
            if held is None:
                continue
            # some outlive their lease
            time.sleep(random.choice([0, 0, 0.01, 0.06]))
            end = random.choice([self.fail, self.release, self.renew])
            end(item, held)

    def ask(self, item: PlaidItem) -> None:
        with self.place.app.app_context():
            schedule.ask(db.session(), item.user_id, item.id, by_person=True)
            db.session.commit()

    def claim(self, item: PlaidItem) -> Claim | None:
        with self.place.app.app_context():
            session = db.session()
            held = schedule.claim_one(session, item.user_id, item.id, SHORT)
            if held is not None:
                self.note(item, "claim", held.lease_token, True)
            session.commit()
            return held

    def fail(self, item: PlaidItem, held: Claim) -> None:
        error = PlaidError("INTERNAL_SERVER_ERROR", "it stumbled")
        self.end("fail", item, held, lambda s: schedule.fail(s, held, error))

    def release(self, item: PlaidItem, held: Claim) -> None:
        self.end("release", item, held, lambda s: schedule.release(s, held))

    def renew(self, item: PlaidItem, held: Claim) -> None:
        self.end("renew", item, held, lambda s: schedule.renew(s, held))

    def end(self, name: str, item: PlaidItem, held: Claim, act: Any) -> None:
        with self.place.app.app_context():
            session = db.session()
            try:
                act(session)
                worked = True
            except LeaseLost:
                worked = False
            self.note(item, name, held.lease_token, worked)
            session.commit()

    def note(self, item: PlaidItem, name: str, token: uuid.UUID, worked: bool) -> None:
        at, began = db.session().execute(NOW, {"id": item.id}).one()
        self.acts[item.id].append(Act(at, began, name, token, worked))


def broken_rules(acts: list[Act], lease: Any = SHORT) -> list[str]:
    """Replay them in their order: one holder at most, and only he may write."""
    found = []
    holder, until_ = None, None
    for act in sorted(acts, key=lambda act: act.at):
        if act.name == "claim":
            if holder is not None and act.began <= until_:
                found.append(f"{act} while {holder} holds it until {until_}")
            holder, until_ = act.token, act.began + lease
        elif act.worked:
            if act.token != holder:
                found.append(f"{act} but {holder} holds it")
            if act.name == "renew":
                until_ = act.began + lease
            else:
                holder = None
        elif act.token == holder:
            found.append(f"{act} was refused and nobody else held it")
    return found


def test_one_holder_at_a_time(place: Place, owner: User):
    """Sixteen racers at five items, in one order that the rows' locks give."""
    items = [factories.make_item(place.app, owner) for _ in range(5)]
    racers = [Racer(place, items) for _ in range(pick(8, 16, 16))]
    threads = [Background(racer.race, pick(1, 10, 60)) for racer in racers]
    until(lambda: not any(thread.is_alive() for thread in threads), 120)
    for thread in threads:
        thread.result()
    acts = {
        item.id: [act for racer in racers for act in racer.acts[item.id]]
        for item in items
    }
    assert [line for one in acts.values() for line in broken_rules(one)] == []
    every = [act for one in acts.values() for act in one]
    refused = sum(not act.worked for act in every)
    assert refused > 0, "nobody was ever late"
    note("T3: claims and ends of racers", len(every), "acts")
    note("T3: late ones refused", refused, "acts")
    note("T3: broken rules", 0, "acts", about="R4")


@pytest.mark.parametrize("end", ["unlinked", "kept", "user deleted"])
def test_what_goes_in_mid_sync_does_not_come_back(place: Place, owner: User, end: str):
    place.bank.control("settings", **WELCOME | {"webhooks": False})
    stays = link(place.app, place.bank, owner, "user_load_60", "any")
    place.bank.fault("/transactions/sync", latency=0.3, times=None)
    workers = [place.worker(4)]
    for _ in range(pick(1, 1, 20)):
        leaver = factories.make_user(place.app, password_hash="nobody signs in")
        going = [
            link(place.app, place.bank, leaver, "user_load_600", "any")
            for _ in range(4)
        ]
        ends = [Background(finish, place, item, end) for item in going]
        for thread in ends:
            thread.result()
        if end == "kept":
            assert left(place, leaver) == len(going)
        else:
            until(lambda: rows_of(place, leaver) + left(place, leaver) == 0)  # noqa: B023
        count = rows_of(place, leaver)
        time.sleep(0.5)  # for whatever is under way still
        assert rows_of(place, leaver) == count
    if end != "user deleted":
        # a row that went between the fence and the first write is refused by its key,
        # which the worker tells as a crash of that run
        assert all(worker.count("A run crashed") == 0 for worker in workers)
    settle(place, [stays])
    assert check_all(place.engine, place.bank) == []
    assert is_quiet(place, [stays.id])


def finish(place: Place, item: PlaidItem, end: str) -> None:
    """At some moment of its first sync."""
    time.sleep(random.uniform(0, 2.5))
    if end == "user deleted":
        delete = "DELETE FROM users WHERE id = :id"
        change_db(place.app, delete, id=item.user_id)
        return
    with place.app.app_context():
        keep = end == "kept"
        disconnect(tools_of(place.app), item.user_id, item.id, keep_history=keep)
        db.session.commit()


def left(place: Place, user: User) -> int:
    statement = "SELECT count(*) FROM plaid_items WHERE user_id = %s AND state <> %s"
    return place.query(statement, str(user.id), "removing")[0][0]


def rows_of(place: Place, user: User) -> int:
    statement = "SELECT count(*) FROM transactions WHERE user_id = %s"
    return place.query(statement, str(user.id))[0][0]


def test_the_rules_find_a_second_holder_and_a_false_refusal():
    one, two = uuid.uuid4(), uuid.uuid4()
    first = Act(1, 1, "claim", one, True)
    assert not broken_rules([first, Act(7, 7, "claim", two, True)], 5)
    assert broken_rules([first, Act(3, 3, "claim", two, True)], 5)
    assert broken_rules([first, Act(2, 2, "fail", two, True)], 5)
    assert broken_rules([first, Act(2, 2, "fail", one, False)], 5)
