"""Jobs as a queue: keys, claims, fences, back-off; by the database's clock."""

import datetime as dt
import threading
from collections import Counter

import pytest

from tests.sync.linked import Background, ask_db, change_db
from webapp.crypto import DecryptionError
from webapp.extensions import db
from webapp.jobs import queue
from webapp.jobs.lease import LEASE, LeaseLost

pytestmark = pytest.mark.commits

MINUTE = dt.timedelta(minutes=1)


# Put


def test_a_job_is_put_in_the_transaction_of_what_caused_it(app, jobs):
    with app.app_context():
        queue.put(db.session(), "post", "a", {})
        db.session.rollback()
    assert jobs.claim() is None
    jobs.put(args={"item": "7"})
    held = jobs.claim()
    assert (held.kind, held.key, held.args, held.attempts) == (
        "post", "a", {"item": "7"}, 1,
    )  # fmt: skip


def test_one_key_waits_once_and_each_kind_has_its_own(jobs):
    first = jobs.put()
    assert jobs.put() == first
    jobs.put(key="b")
    jobs.put(kind="other")
    assert len(jobs.rows()) == 3


def test_keys_put_at_the_same_moment_make_one_job(jobs):
    barrier = threading.Barrier(6)

    def begin():
        barrier.wait()
        return jobs.put()

    made = {thread.result() for thread in [Background(begin) for _ in range(6)]}
    assert len(made) == 1
    assert jobs.row().req_seq == 6


def test_what_is_put_during_a_run_is_done_once_more(jobs):
    jobs.put()
    held = jobs.claim()
    jobs.put(args={"item": "8"})
    assert jobs.claim() is None, "one at a time"
    jobs.finish(held)
    again = jobs.claim()
    assert (again.args, again.attempts) == ({"item": "8"}, 1)
    jobs.finish(again)
    assert jobs.rows() == []


def test_a_delay(jobs):
    jobs.put(delay=MINUTE)
    assert jobs.claim() is None
    row = jobs.row()
    assert row.run_at - row.created_at == MINUTE
    jobs.put()
    assert jobs.claim() is not None, "the earlier wish counts"


def test_an_ask_does_not_defeat_the_back_off(jobs):
    jobs.put()
    jobs.fail(jobs.claim())
    jobs.put()
    assert jobs.claim() is None


def test_the_secret_is_read_back_only_in_its_own_row(app, jobs):
    vault = app.extensions["vault"]
    jobs.put(secret="access-1", sealed_with=vault)
    jobs.put(key="b", secret="access-2", sealed_with=vault)
    change_db(
        app,
        "UPDATE jobs SET secret = (SELECT secret FROM jobs WHERE key = 'a')"
        " WHERE key = 'b'",
    )
    mine, moved = jobs.claim(), jobs.claim()
    assert b"access-1" not in bytes(mine.secret)
    assert vault.decrypt(mine.secret, queue.secret_place(mine.id)) == "access-1"
    with pytest.raises(DecryptionError):
        vault.decrypt(moved.secret, queue.secret_place(moved.id))


def test_a_job_outlives_its_user(app, jobs, alice, bob):
    jobs.put(user_id=alice.id)
    jobs.put(key="b", user_id=bob.id)
    change_db(app, "DELETE FROM users WHERE id = :id", id=alice.id)
    assert [jobs.claim().user_id, jobs.claim().user_id] == [None, bob.id]


# Claims


def test_no_job_is_served_twice(jobs):
    made = {jobs.put(key=str(number)) for number in range(20)}

    def take_all():
        taken = []
        while (held := jobs.claim()) is not None:
            taken.append(held.id)
        return taken

    takers = [Background(take_all) for _ in range(6)]
    served = Counter(id for taker in takers for id in taker.result())
    assert served == Counter(made)


def test_the_one_that_waits_longest_comes_first(app, jobs):
    for minutes, key in ((1, "a"), (3, "b"), (2, "c")):
        jobs.put(key=key)
        late = "UPDATE jobs SET run_at = now() - :m * interval '1 min' WHERE key = :k"
        change_db(app, late, m=minutes, k=key)
    assert [jobs.claim().key for _ in range(3)] == ["b", "c", "a"]


def test_a_claim_is_by_the_clock_of_the_database(app, jobs):
    jobs.put()
    with app.app_context():
        held = queue.claim(db.session())
        statement = "SELECT lease_until - now(), run_at - now() FROM jobs"
        assert tuple(db.session.execute(db.text(statement)).one()) == (LEASE, LEASE)
        queue.release(db.session(), held)
        statement = "SELECT run_at - now(), attempts FROM jobs"
        found = tuple(db.session.execute(db.text(statement)).one())
        assert found == (dt.timedelta(), 0)
        db.session.rollback()


def test_a_crash_is_done_again_after_the_lease_and_backs_off(app, jobs):
    jobs.put()
    first = jobs.claim()
    change_db(app, "UPDATE jobs SET lease_until = now() - interval '1 s'")
    assert jobs.claim() is None, "a job that kills its worker must not do so at once"
    change_db(app, "UPDATE jobs SET run_at = now()")
    second = jobs.claim()
    assert (second.id, second.attempts) == (first.id, 2)
    row = jobs.row()
    assert row.run_at - row.lease_until == LEASE


def test_a_lease_that_lives_keeps_others_away(app, jobs):
    jobs.put()
    held = jobs.claim()
    change_db(app, "UPDATE jobs SET run_at = now(), lease_until = now() + :l", l=MINUTE)
    jobs.renew(held)
    assert jobs.claim() is None


@pytest.mark.parametrize("call", ["finish", "fail", "renew", "release"])
def test_whoever_lost_the_lease_writes_nothing(jobs, call):
    jobs.put()
    late = jobs.claim()
    jobs.all_due()
    assert jobs.claim() is not None
    before = jobs.row()
    with pytest.raises(LeaseLost):
        getattr(jobs, call)(late)
    assert jobs.row() == before


# Ends


def test_a_failure_says_why_and_backs_off(jobs):
    jobs.put()
    jobs.fail(jobs.claim(), "BANK_ASLEEP")
    row = jobs.row()
    assert (row.last_error, row.lease_token, row.dead_at) == ("BANK_ASLEEP", None, None)
    assert jobs.now() < row.run_at < jobs.now() + MINUTE


@pytest.mark.parametrize(("tries", "options"), [(2, {}), (1, {"final": True})])
def test_after_the_last_try_it_is_given_up_and_can_be_taken_up(jobs, tries, options):
    id = jobs.put(max_attempts=2)
    for _ in range(tries):
        jobs.all_due()
        jobs.fail(jobs.claim(), **options)
    jobs.all_due()
    assert jobs.claim() is None
    assert jobs.row().dead_at is not None
    assert jobs.retry(id)
    assert jobs.claim().attempts == 1


def test_without_a_last_try_it_is_never_given_up(app, jobs):
    jobs.put()
    change_db(app, "UPDATE jobs SET attempts = 1000")
    jobs.fail(jobs.claim())
    row = jobs.row()
    assert row.dead_at is None
    assert row.run_at < jobs.now() + dt.timedelta(hours=6, seconds=1)


def test_a_dead_job_does_not_stand_in_the_way_of_a_new_one(jobs):
    dead = jobs.put(max_attempts=1)
    jobs.fail(jobs.claim())
    new = jobs.put()
    assert new != dead
    assert not jobs.retry(dead), "another one does the same"
    jobs.finish(jobs.claim())
    assert jobs.retry(dead)


def test_what_is_withdrawn_is_gone_and_loses_its_fence(jobs):
    jobs.put()
    jobs.put(key="b")
    held = jobs.claim()
    jobs.withdraw("post", "a")
    with pytest.raises(LeaseLost):
        jobs.finish(held)
    assert jobs.row().key == "b"


def test_the_claim_reads_its_index(app, jobs):
    """Dead jobs and those of next week cost a claim nothing."""
    change_db(
        app,
        "INSERT INTO jobs (id, kind, key, args, run_at, dead_at)"
        " SELECT gen_random_uuid(), 'post', n::text, '{}',"
        " now() + interval '7 days', CASE WHEN n % 2 = 0 THEN now() END"
        " FROM generate_series(1, 3000) n",
    )
    plan = ask_db(
        app,
        "EXPLAIN SELECT id FROM jobs WHERE run_at <= now() AND dead_at IS NULL"
        " AND (lease_until IS NULL OR lease_until < now())"
        " ORDER BY run_at FOR UPDATE SKIP LOCKED LIMIT 1",
    )
    assert "ix_jobs_due" in " ".join(line[0] for line in plan)
