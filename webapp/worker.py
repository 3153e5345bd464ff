"""The worker: claims what is due, does it, sleeps; leaves on SIGTERM."""

import datetime as dt
import logging
import random
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from flask import Flask
from sqlalchemy.orm import Session

from webapp.extensions import DATABASE_DOWN, db
from webapp.jobs import run as jobs
from webapp.linking import choice, departure, institutions, removal
from webapp.mail import bank_notice
from webapp.sync import breaker, notice, schedule
from webapp.sync.fetch import Fetched
from webapp.sync.run import Interrupted, Tools, sync_item
from webapp.sync.schedule import Claim, LeaseLost
from webapp.sync.wakeup import Listener

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
UNDER_LIMITS = 60.0  # seconds that a call waits for its turn; the lease is renewed
AFTER_A_CRASH = 3.0  # seconds; a database that restarts needs a moment


def tools_of(app: Flask) -> Tools:
    """What a sync works with, inside an app context."""
    return Tools(
        db.session(),
        app.extensions["plaid"].patient(UNDER_LIMITS),
        app.extensions["vault"],
        webhook=app.config["PLAID_WEBHOOK_URL"],
        sends_mail=app.extensions["post"] is not None,
    )


def work_once(app: Flask, stop: threading.Event | None = None) -> str | None:
    """Do one due item or job, or probe what failed. How it ended; None: nothing due."""
    return (
        sync_once(app, schedule.claim, stop)
        or job_once(app, stop)
        or sync_once(app, schedule.claim_probe, stop)
    )


def sync_once(
    app: Flask,
    claim: Callable[[Session, dt.timedelta], Claim | None],
    stop: threading.Event | None = None,
) -> str | None:
    """Claim an item so and sync it."""
    with app.app_context():
        held = claim(db.session(), lease_of(app))
        db.session.commit()
        return None if held is None else work_on(app, held, stop)


def job_once(app: Flask, stop: threading.Event | None = None) -> str | None:
    """Do one due job."""
    with app.app_context():
        leave = partial(leave_when_asked, stop)
        return jobs.work_once(db.session(), handlers(app), leave)


def handlers(app: Flask) -> dict[str, jobs.Handler]:
    """Who does the jobs of which kind."""
    tools = tools_of(app)
    return {
        removal.AT_PLAID: partial(removal.remove_at_plaid, tools),
        removal.ERASURE: partial(removal.erase_rows, tools),
        departure.ERASURE: partial(departure.erase_account, tools),
        notice.KIND: partial(bank_notice.send, app, tools.session),
        choice.UNCHOSEN: partial(choice.drop_unchosen, tools),
    }


def leave_when_asked(
    stop: threading.Event | None, fetched: Fetched | None = None
) -> None:
    if stop is not None and stop.is_set():
        raise Interrupted


def lease_of(app: Flask) -> dt.timedelta:
    return dt.timedelta(seconds=app.config["LEASE_SECONDS"])


def work_on(app: Flask, held: Claim, stop: threading.Event | None = None) -> str:
    """Sync the claimed item, inside an app context."""
    leave = partial(leave_when_asked, stop)
    status = sync_item(tools_of(app), held, leave)
    if status != "succeeded":
        return status
    if held.is_watched:
        breaker.succeeded(db.session(), held)
        db.session.commit()
    if held.cursor is None and held.institution_id:  # once linked, maybe not described
        countries = app.config["PLAID_COUNTRY_CODES"]
        with suppress(Interrupted):
            institutions.describe(tools_of(app), held.institution_id, countries, leave)
    return status


class Worker:
    """N threads over one database. Any number of these may run anywhere."""

    def __init__(self, app: Flask, threads: int, poll: float = POLL_SECONDS) -> None:
        self.app, self.poll = app, poll
        self.stop = threading.Event()
        self.idle = threading.Condition()
        self.news = 0  # how often somebody asked
        self.probe_after = 0.0  # by time.monotonic()
        self.threads = [
            threading.Thread(target=self._loop, name=f"worker-{number}")
            for number in range(threads)
        ]
        config = app.config
        url = config["DATABASE_DIRECT_URL"] or config["DATABASE_URL"]
        self.listener = Listener(url, self._wake, self.stop)

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, lambda *_: self.leave())
        log.info("Worker started with %d threads", len(self.threads))
        self.start()
        for thread in self.threads:
            while thread.is_alive():
                # not for ever: a signal may meet a thread that is just being started,
                # and is heard only when this one wakes
                thread.join(0.5)
        log.info("Worker left")

    def start(self) -> None:
        self.listener.start()
        for thread in self.threads:
            thread.start()

    def leave(self) -> None:
        """Give back what is under way, and end."""
        self.stop.set()
        with self.idle:
            self.idle.notify_all()

    def _wake(self) -> None:
        """One idle thread looks at once; a busy one looks anyway when it is done."""
        with self.idle:
            self.news += 1
            self.idle.notify()

    def _loop(self) -> None:
        # items and jobs take turns at being asked first: neither waits for the other
        sources = deque(
            (partial(sync_once, self.app, schedule.claim), partial(job_once, self.app))
        )
        self._rest(random.random(), self.news)  # noqa: S311 - not all of them at once
        while not self.stop.is_set():
            heard, pause = self.news, self.poll
            sources.rotate()
            try:
                if self._probe() or any(source(self.stop) for source in sources):
                    continue
            except LeaseLost:
                continue
            except DATABASE_DOWN as error:
                # minutes of this in every thread: a line each, not a page
                why = getattr(error, "orig", None) or error
                log.error("Database not available: %s", type(why).__name__)
                heard, pause = self.news, AFTER_A_CRASH
            except Exception:
                # the last resort: whatever it is, this thread must go on working
                log.exception("A run crashed; its lease expires and it is done again")
                heard, pause = self.news, AFTER_A_CRASH
            self._rest(pause * random.uniform(0.7, 1.1), heard)  # noqa: S311 - spreads

    def _rest(self, seconds: float, heard: int) -> None:
        """Until then, or until somebody asks; not at all if somebody has since."""
        with self.idle:
            if self.news == heard and not self.stop.is_set():
                self.idle.wait(seconds)

    def _probe(self) -> str | None:
        """Once a second in all threads, also while others keep them busy."""
        with self.idle:
            if time.monotonic() < self.probe_after:
                return None
            self.probe_after = time.monotonic() + POLL_SECONDS
        return sync_once(self.app, schedule.claim_probe, self.stop)
