"""T6: the database crashes, ends sessions, has no room; PgBouncer stands before it."""

import time

import pytest
from sqlalchemy import select

from tests.chaos.form import note, pick
from tests.chaos.invariants import check_all
from tests.chaos.procs import Place, until
from tests.chaos.traffic import (
    WELCOME,
    Changes,
    Loop,
    Person,
    Visitors,
    wait_for_webhooks,
)
from tests.factories import PASSWORD
from tests.linking.walk import said
from tests.sync.linked import link, public_token_of, state_at_bank
from webapp import embedded
from webapp.extensions import db
from webapp.models import PlaidItem, User

PAGES = ["/", "/accounts/", "/readyz"]
CRASHED = "A run crashed"  # what a worker says of an error that nobody foresaw


def linked(place: Place, owner: User, count: int) -> list[PlaidItem]:
    """Synced once, so that the bank knows where to send webhooks."""
    place.bank.control("settings", **WELCOME)
    items = [
        link(place.app, place.bank, owner, "user_load_60", "any") for _ in range(count)
    ]
    place.worker(4)
    synced = "SELECT count(*) FROM plaid_items WHERE last_synced_at IS NOT NULL"
    until(lambda: place.query(synced)[0][0] == count)
    return items


def no_surprises(place: Place) -> None:
    """Nobody died, and nothing happened that the code did not foresee."""
    for process in place.processes:
        assert process.is_alive, process.said()
        assert process.count(CRASHED) == 0, process.said()
        assert process.count("Traceback") == 0, process.said()


def test_the_database_crashes_under_load(place: Place, owner: User):
    web = place.web()
    items = linked(place, owner, 4)
    visitors = Visitors(place, owner, PAGES)
    visitors.come(threads=2)
    changes = Changes(place.bank, items, quiet=False)
    changing = Loop(changes.one, 0.1)
    down, back, claimed = [], [], []
    for _ in range(pick(1, 2, 10)):
        time.sleep(pick(0.5, 2, 5))
        went_at = time.time()
        place.crash_database()
        time.sleep(pick(1.5, 10, 10))
        down += [v for v in visitors.visits if went_at < v.at and v.status]
        place.start_database()
        up_at = time.time()
        again = lambda: [v for v in visitors.visits if v.at > up_at and v.status == 200]  # noqa: B023, E731
        back.append(until(again)[0].at + again()[0].took - up_at)
        claimed.append(until(lambda: first_run_after(place, up_at)) - up_at)  # noqa: B023
    changing.stop()
    visitors.go()
    assert {visit.status for visit in down} == {503}
    assert visitors.statuses.keys() <= {200, 503}, visitors.statuses
    assert visitors.longest < 10, "a page hung"
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    no_surprises(place)
    assert web.is_alive
    note("T6: longest answer around a crash", visitors.longest, "s", 5, "R5")
    note("T6: first page after the database is back", max(back), "s", 2, "R5")
    note("T6: first run after the database is back", max(claimed), "s", 10, "R5")
    note("T6: pages refused with 503", visitors.statuses[503], "pages")


def first_run_after(place: Place, instant: float) -> float:
    found = place.query(
        "SELECT extract(epoch FROM min(started_at)) FROM sync_runs"
        " WHERE started_at > to_timestamp(%s)",
        instant,
    )[0][0]
    return float(found or 0)


def test_sessions_end_at_random(place: Place, owner: User):
    place.web()
    items = linked(place, owner, 4)
    visitors = Visitors(place, owner, PAGES)
    visitors.come(threads=2)
    changes = Changes(place.bank, items, quiet=False)
    loops = [Loop(changes.one, 0.05), Loop(lambda: end_a_session(place), 0.05)]
    time.sleep(pick(2, 15, 120))
    for loop in loops[::-1]:
        loop.stop()
    visitors.go()
    assert visitors.statuses.keys() <= {200, 503}, visitors.statuses
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    no_surprises(place)
    note("T6: sessions ended", loops[1].turns, "sessions")
    note("T6: pages refused with 503", visitors.statuses[503], "pages")


def end_a_session(place: Place) -> None:
    place.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = %s ORDER BY random() LIMIT 1",
        embedded.APP,
    )


def test_there_is_room_for_few_sessions(place: Place, owner: User):
    place.web()
    items = linked(place, owner, 4)
    visitors = Visitors(place, owner, PAGES)
    place.query(f"ALTER ROLE {embedded.APP} CONNECTION LIMIT 3")
    changes = Changes(place.bank, items, quiet=False)
    try:
        visitors.come(threads=6, pause=0.01)
        changing = Loop(changes.one, 0.05)
        time.sleep(pick(1, 8, 60))
        changing.stop()
        visitors.go()
    finally:
        place.query(f"ALTER ROLE {embedded.APP} CONNECTION LIMIT -1")
    assert visitors.statuses.keys() <= {200, 503}, visitors.statuses
    assert visitors.longest < 10, "a page hung"
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    no_surprises(place)
    note("T6: longest answer with room for 3 sessions", visitors.longest, "s", 5, "R5")


# Behind PgBouncer: fewer sessions than threads, a new one for each transaction


@pytest.fixture
def pooled(place: Place) -> str:
    url = place.pgbouncer(pool_size=3)
    if url is None:
        pytest.skip("no PgBouncer here; `make test` says why it could not install one")
    return url


def test_a_whole_walk_behind_pgbouncer(place: Place, pooled: str):
    place.bank.control("settings", **WELCOME)
    place.web(DATABASE_URL=pooled)
    for _ in range(pick(1, 2, 2)):
        place.worker(6, DATABASE_URL=pooled)
    carol = Person(place)
    name = {"email": "carol@example.com", "password": PASSWORD, "first_name": "Carol"}
    carol.post("/register", "/register", **name)
    banks = [f"ins_{number}" for number in range(109508, 109508 + pick(1, 4, 5))]
    for bank in banks:
        attempt = carol.post("/accounts/link", "/accounts/link")
        opened = public_token_of(place.bank, "user_load_700", "any", bank)
        metadata = said({"institution_id": bank, "name": "A bank"})
        given = {"public_token": opened, "metadata": metadata}
        carol.post("/accounts/link", f"{attempt}/success", **given)
    items = items_of(place)
    assert len(items) == len(banks)
    wait_for_webhooks(place, items)
    changes = Changes(place.bank, items, quiet=False)
    pressing = Loop(lambda: press_sync(carol, items[0]), 0.1)
    loops = [Loop(changes.one, 0.03), pressing]
    time.sleep(pick(1, 8, 120))
    for loop in loops:
        loop.stop()
    wait_for_webhooks(place, items)
    assert check_all(place.engine, place.bank) == []
    assert carol.get("/accounts/") == 200
    assert "First Platypus Bank" in carol.page
    found = place.query("SELECT count(*) FROM sync_runs WHERE status = 'succeeded'")
    note("T6: runs behind PgBouncer", found[0][0], "runs")
    carol.post("/accounts/link", f"/accounts/{items[-1].id}/removal", history="delete")
    until(lambda: is_gone(place, items[-1]))
    no_surprises(place)


def items_of(place: Place) -> list[PlaidItem]:
    with place.app.app_context():
        found = list(db.session.scalars(select(PlaidItem)))
        db.session.expunge_all()
        return found


def press_sync(person: Person, item: PlaidItem) -> None:
    person.post("/accounts/link", f"/accounts/{item.id}/syncs")


def is_gone(place: Place, item: PlaidItem) -> bool:
    try:
        state_at_bank(place.bank, item.item_id)
    except KeyError:
        return True
    return False
