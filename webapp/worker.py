"""The worker: claims what is due, does it, sleeps; leaves on SIGTERM."""

import datetime as dt
import logging
import random
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

from flask import Flask
from sqlalchemy.orm import Session

from webapp.extensions import DATABASE_DOWN, db
from webapp.jobs import run as jobs
from webapp.linking import institutions, removal
from webapp.sync import breaker, schedule
from webapp.sync.fetch import Fetched
from webapp.sync.run import Interrupted, Tools, sync_item
from webapp.sync.schedule import Claim, LeaseLost

log = logging.getLogger(__name__)
POLL_SECONDS = 1.0
AFTER_A_CRASH = 3.0  # seconds; a database that restarts needs a moment


def tools_of(app: Flask) -> Tools:
    """What a sync works with, inside an app context."""
    plaid, vault = app.extensions["plaid"], app.extensions["vault"]
    return Tools(db.session(), plaid, vault, app.config["PLAID_WEBHOOK_URL"])


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
    if status == "succeeded" and held.is_watched:
        breaker.succeeded(db.session(), held)
        db.session.commit()
    if held.cursor is None and held.institution_id:  # once linked, maybe not described
        countries = app.config["PLAID_COUNTRY_CODES"]
        institutions.describe(tools_of(app), held.institution_id, countries)
    return status


class Worker:
    """N threads over one database. Any number of these may run anywhere."""

    def __init__(self, app: Flask, threads: int) -> None:
        self.app = app
        self.stop = threading.Event()
        self.threads = [
            threading.Thread(target=self._loop, name=f"worker-{number}")
            for number in range(threads)
        ]

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for signal_number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signal_number, self._leave)
        log.info("Worker started with %d threads", len(self.threads))
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        log.info("Worker left")

    def _leave(self, signal_number: int, frame: FrameType | None) -> None:
        self.stop.set()

    def _loop(self) -> None:
        while not self.stop.is_set():
            pause = POLL_SECONDS
            try:
                if work_once(self.app, self.stop) is not None:
                    continue
            except LeaseLost:
                continue
            except DATABASE_DOWN as error:
                # minutes of this in every thread: a line each, not a page
                why = getattr(error, "orig", None) or error
                log.error("Database not available: %s", type(why).__name__)
                pause = AFTER_A_CRASH
            except Exception:
                # the last resort: whatever it is, this thread must go on working
                log.exception("A run crashed; its lease expires and it is done again")
                pause = AFTER_A_CRASH
            self.stop.wait(pause * random.uniform(0.7, 1.1))  # noqa: S311 - spreads polls
