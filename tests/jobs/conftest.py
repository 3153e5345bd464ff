"""Jobs put, claimed and done by hand."""

import datetime as dt

import pytest

from tests.sync.linked import ask_db, change_db
from webapp.extensions import db
from webapp.jobs import queue
from webapp.jobs.run import work_once


@pytest.fixture
def jobs(app):
    return Jobs(app)


class Jobs:
    """The queue, each call in a transaction of its own."""

    def __init__(self, app) -> None:
        self.app = app

    def _do(self, call, *args, **options):
        with self.app.app_context():
            done = call(db.session(), *args, **options)
            db.session.commit()
            return done

    def put(self, kind="post", key="a", args=None, **options):
        return self._do(queue.put, kind, key, args or {}, **options)

    def claim(self):
        return self._do(queue.claim)

    def finish(self, held):
        self._do(queue.finish, held)

    def fail(self, held, why="NO", **options):
        self._do(queue.fail, held, why, **options)

    def renew(self, held):
        self._do(queue.renew, held)

    def release(self, held):
        self._do(queue.release, held)

    def retry(self, id):
        return self._do(queue.retry, id)

    def withdraw(self, kind, key):
        self._do(queue.withdraw, kind, key)

    def work(self, handlers, leave=lambda: None):
        with self.app.app_context():
            return work_once(db.session(), handlers, leave)

    def rows(self):
        return ask_db(self.app, "SELECT * FROM jobs ORDER BY created_at, id")

    def row(self):
        (found,) = self.rows()
        return found

    def now(self) -> dt.datetime:
        return ask_db(self.app, "SELECT now()")[0][0]

    def all_due(self) -> None:
        """Lets the back-off and the leases run out."""
        change_db(self.app, "UPDATE jobs SET run_at = now(), lease_until = NULL")
