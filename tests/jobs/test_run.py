"""One job, end to end: done, failed, given back, crashed; and `flask jobs`."""

import uuid

import pytest

from tests.sync.linked import change_db, every_log_line
from webapp.extensions import db
from webapp.jobs.lease import Interrupted, LeaseLost
from webapp.jobs.run import JobFailed

pytestmark = pytest.mark.commits


def test_nothing_to_do(jobs):
    assert jobs.work({}) is None


def test_the_handler_of_its_kind_does_it(jobs):
    seen = []
    jobs.put("post", "a", {"item": "7"})
    jobs.put("other", "b")
    handlers = {
        "post": lambda held, meanwhile: seen.append((held.key, held.args)),
        "other": lambda held, meanwhile: seen.append(held.key),
    }
    assert [jobs.work(handlers) for _ in range(3)] == ["done", "done", None]
    assert seen == [("a", {"item": "7"}), "b"]
    assert jobs.rows() == []


def test_what_the_handler_wrote_and_the_end_of_the_job_are_one(app, jobs, alice):
    """A fence that was lost meanwhile takes back what the handler wrote last."""
    jobs.put()

    def rename(held, meanwhile):
        db.session.execute(db.text("UPDATE users SET first_name = 'Eve'"))
        if held.attempts == 1:
            change_db(app, "UPDATE jobs SET lease_token = gen_random_uuid()")

    with pytest.raises(LeaseLost):
        jobs.work({"post": rename})
    with app.app_context():
        assert db.session.get(type(alice), alice.id).first_name == "Alice"
    jobs.all_due()
    assert jobs.work({"post": rename}) == "done"
    with app.app_context():
        assert db.session.get(type(alice), alice.id).first_name == "Eve"


def test_a_failure_keeps_nothing_that_the_handler_wrote(app, jobs, alice):
    jobs.put()

    def stumble(held, meanwhile):
        db.session.execute(db.text("UPDATE users SET first_name = 'Eve'"))
        raise JobFailed("BANK_ASLEEP")

    assert jobs.work({"post": stumble}) == "failed"
    assert jobs.row().last_error == "BANK_ASLEEP"
    with app.app_context():
        assert db.session.get(type(alice), alice.id).first_name == "Alice"
    assert jobs.work({"post": stumble}) is None, "it backs off"


def test_a_final_failure_is_given_up(jobs):
    jobs.put()

    def refuse(held, meanwhile):
        raise JobFailed("NO_SUCH_ADDRESS", final=True)

    assert jobs.work({"post": refuse}) == "failed"
    assert jobs.row().dead_at is not None


def test_a_kind_that_nobody_knows_waits_for_a_worker_that_does(jobs):
    jobs.put("new kind")
    assert jobs.work({}) == "failed"
    row = jobs.row()
    assert (row.last_error, row.dead_at) == ("UNKNOWN_KIND", None)


def test_a_worker_that_leaves_gives_the_job_back(jobs):
    jobs.put()

    def leave():
        raise Interrupted

    wait = {"post": lambda held, meanwhile: meanwhile()}
    assert jobs.work(wait, leave) == "given back"
    row = jobs.row()
    assert (row.attempts, row.lease_token, row.last_error) == (0, None, None)
    assert jobs.work(wait) == "done"


def test_a_crash_is_done_again_and_given_up_after_the_last_try(jobs):
    jobs.put(max_attempts=2)
    calls = []

    def crash(held, meanwhile):
        calls.append(held.attempts)
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            jobs.work({"post": crash})
        jobs.all_due()
    assert jobs.work({"post": crash}) == "failed"
    assert calls == [1, 2], "the third claim only finds that it was tried enough"
    row = jobs.row()
    assert (row.last_error, row.dead_at is not None) == ("CRASHED", True)


def test_the_log_tells_no_secret(app, jobs):
    vault = app.extensions["vault"]
    jobs.put(secret="access-sandbox-1", sealed_with=vault)
    with every_log_line() as lines:
        jobs.work({})
    assert "UNKNOWN_KIND" in "".join(lines)
    assert "access-sandbox" not in "".join(lines)


# flask jobs


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["jobs", *arguments])


def test_the_list_says_what_waits_and_why(app, jobs, flask):
    id = jobs.put(max_attempts=1, secret="s", sealed_with=app.extensions["vault"])
    jobs.put("other", "b")
    jobs.work({"post": fail_at_once})
    dead, waiting = flask("list").stdout.splitlines()
    assert dead == f"{id}  post  a  given up  1 tries  NO"
    assert "other  b  due " in waiting


def fail_at_once(held, meanwhile):
    raise JobFailed("NO")


def test_a_dead_job_is_taken_up_by_its_id(jobs, flask):
    id = jobs.put(max_attempts=1)
    jobs.work({"post": fail_at_once})
    assert flask("retry", str(id)).exit_code == 0
    assert jobs.work({"post": lambda held, meanwhile: None}) == "done"
    missing = flask("retry", str(uuid.UUID(int=7)))
    assert missing.exit_code == 1
    assert "There is no job 0000" in missing.output
