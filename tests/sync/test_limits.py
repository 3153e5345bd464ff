"""Plaid's limits kept: what a sliding minute lets through, and who waits how."""

import datetime as dt
import threading
import time

import pytest

from config import load
from tests.sync.linked import (
    Background,
    ask_db,
    change_db,
    link,
    reload,
    run,
    runs,
    token,
)
from webapp.app import create_app
from webapp.extensions import db
from webapp.plaid.errors import PlaidError
from webapp.sync import schedule
from webapp.sync.limits import LIMITS, USED, Limit, Limits, bucket

pytestmark = pytest.mark.commits

SYNC = "transactions_sync"
ALL = sorted(
    {n for limits in LIMITS.values() for one in limits.values() for n in one if n}
)


@pytest.fixture
def limits(app):
    def engine():
        with app.app_context():
            return db.engine

    return lambda **given: Limits(engine, given)


def taken(limits: Limits, limit: Limit, token: str | None, tries: int = 200) -> int:
    """How many calls go through at once."""
    return sum(limits.take(SYNC, limit, token) == 0 for _ in range(tries))


def pass_seconds(app, seconds: float) -> None:
    change_db(
        app, "UPDATE plaid_buckets SET full_at = full_at - :s * interval '1 s'",
        s=seconds,
    )  # fmt: skip


# What goes through


@pytest.mark.parametrize("limit", ALL)
def test_no_sliding_minute_holds_more_than_80_percent(limit):
    found = bucket(limit)
    assert found.most >= 1, "a full bucket allows a call"
    in_a_minute = found.most + 60 / found.each
    assert in_a_minute <= USED * limit
    assert in_a_minute >= 0.7 * limit or limit < 10, "and not much less"


def test_the_buckets_give_what_the_arithmetic_says(app, limits):
    """An item's 50 a minute: 12 at once, then one in 2.25 s, 38 in any minute."""
    limit, given, shifted, began = Limit(50, None), [], 0.0, time.monotonic()
    while shifted < 130:
        while limits().take(SYNC, limit, "token") == 0:
            given.append(shifted + time.monotonic() - began)
        pass_seconds(app, 2.5)
        shifted += 2.5
    most = max(len([t for t in given if a <= t < a + 60]) for a in given)
    assert 34 <= most <= USED * 50
    assert len([t for t in given if t < given[0] + 2.5]) >= 12


def test_buckets_of_items_and_endpoints_are_apart(limits):
    limit = Limit(10, None)
    first = taken(limits(), limit, "token-1", 20)
    assert 1 < first < 8
    assert taken(limits(), limit, "token-1", 20) == 0
    assert taken(limits(), limit, "token-2", 20) == first
    assert limits().take("accounts_get", limit, "token-1") == 0


def test_all_items_share_the_bucket_of_the_client(limits):
    limit = Limit(None, 10)
    most = int(bucket(10).most)
    given = [limits().take(SYNC, limit, f"token-{n}") == 0 for n in range(10)]
    assert sum(given) == most


def test_an_item_that_gets_nothing_takes_nothing_from_the_others(app, limits):
    limit = Limit(2, 1000)
    assert taken(limits(), limit, "greedy", 50) == 1
    full_at = "SELECT full_at - now() < interval '1 s' FROM plaid_buckets"
    assert ask_db(app, full_at + " WHERE holder = ''")[0][0]


def test_a_refusal_names_the_wait_after_which_it_goes_through(app, limits):
    limit = Limit(10, 1000)
    while (wait := limits().take(SYNC, limit, "token")) == 0:
        pass
    assert 0 < wait <= bucket(10).each
    pass_seconds(app, wait - 0.5)
    assert limits().take(SYNC, limit, "token") > 0
    pass_seconds(app, 0.5)
    assert limits().take(SYNC, limit, "token") == 0


def test_sixteen_threads_at_once_get_no_token_twice(limits):
    limit, barrier = Limit(None, 100), threading.Barrier(16)

    def take_five():
        barrier.wait()
        return taken(limits(), limit, None, 5)

    threads = [Background(take_five) for _ in range(16)]
    began = time.monotonic()
    given = sum(thread.result() for thread in threads)
    grown = (time.monotonic() - began) / bucket(100).each
    assert int(bucket(100).most) <= given <= bucket(100).most + grown + 1


# Who waits


def test_a_wait_ends_with_a_token_or_with_patience(limits):
    tight = limits(**{SYNC: Limit(None, 200)})
    while tight.take(SYNC, Limit(None, 200), None) == 0:
        pass
    tight.admit(SYNC, "token", 10)
    tight.admit("of no limit", "token", 0)
    slow = limits(**{SYNC: Limit(2, None)})
    slow.admit(SYNC, "token", 0)
    began = time.monotonic()
    with pytest.raises(PlaidError, match="OUR_LIMIT"):
        slow.admit(SYNC, "token", 2)
    assert time.monotonic() - began < 2


@pytest.fixture
def limited(settings, tmp_path):
    """The app with the sandbox's limits."""
    return create_app(load(settings | {"PLAID_RATE_LIMITS": "sandbox"}, tmp_path))


def use_up(app, token: str | None, endpoint: str = SYNC) -> None:
    with app.app_context():
        buckets, limit = Limits(lambda: db.engine, {}), LIMITS["sandbox"][endpoint]
        while buckets.take(endpoint, limit, token) == 0:
            pass


def test_a_run_out_of_tokens_waits_and_keeps_its_lease(app, limited, bank, owner):
    item = link(app, bank, owner, "user_load_20", "any")
    use_up(limited, token(app, item))
    lease, seen = dt.timedelta(seconds=2), set()
    with app.app_context():
        held = schedule.claim_one(db.session(), item.user_id, item.id, lease)
        db.session.commit()
    began = time.monotonic()
    assert run(limited, held, lambda _: seen.add(reload(app, item).lease_until))
    assert time.monotonic() - began > 1, "it waited"
    assert len(seen) > 1, "it renewed the lease"
    assert [one.status for one in runs(app, item)] == ["succeeded"]


def test_a_run_that_lost_its_lease_does_not_wait_on(app, limited, bank, owner):
    item = link(app, bank, owner)
    use_up(limited, token(app, item))
    pass_seconds(app, -40)
    lease = dt.timedelta(seconds=2)
    with app.app_context():
        held = schedule.claim_one(db.session(), item.user_id, item.id, lease)
        db.session.commit()
    change_db(app, "UPDATE plaid_items SET lease_token = gen_random_uuid()")
    assert run(limited, held) == "superseded"
    assert bank.count_calls("/transactions/sync", item.item_id) == 0


def test_persons_wait_two_seconds_at_most(app, limited, bank):
    use_up(limited, None, "institutions_get_by_id")
    plaid = limited.extensions["plaid"]
    answer = plaid.institutions_get_by_id("ins_109508", ["US"])
    assert answer.institution.institution_id == "ins_109508", "it was worth the wait"
    pass_seconds(app, -30)
    with pytest.raises(PlaidError) as caught:
        plaid.institutions_get_by_id("ins_109508", ["US"])
    assert (caught.value.code, caught.value.http_status) == ("OUR_LIMIT", None)
    assert bank.count_calls("/institutions/get_by_id") == 1


def test_off_costs_no_statement(app, bank):
    assert app.config["PLAID_RATE_LIMITS"] == "off"
    app.extensions["plaid"].institutions_get_by_id("ins_109508", ["US"])
    assert ask_db(app, "SELECT 1 FROM plaid_buckets") == []
