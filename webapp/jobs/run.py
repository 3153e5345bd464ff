"""One job, end to end: claim, do by the handler of its kind, finish or fail."""

import logging
import time
from collections.abc import Callable, Mapping

from sqlalchemy.orm import Session

from webapp.jobs import queue
from webapp.jobs.lease import LEASE, Interrupted
from webapp.jobs.queue import Held

log = logging.getLogger(__name__)

Meanwhile = Callable[[], None]
# Does the job, or raises JobFailed. It may be called again for work that is done
# already. It calls the second argument, which ends the transaction, before it waits for
# anybody and now and then; what it wrote last is committed with the end of the job.
Handler = Callable[[Held, Meanwhile], None]


class JobFailed(Exception):
    """Why, in a word that names no secret. `final`: another try is in vain."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


def work_once(
    session: Session, handlers: Mapping[str, Handler], leave: Meanwhile = lambda: None
) -> str | None:
    """Do one due job. 'done', 'failed' or 'given back'; None when nothing was due.

    Commits. `leave` raises Interrupted where the process must end.
    """
    held = queue.claim(session)
    session.commit()
    if held is None:
        return None
    if held.max_attempts is not None and held.attempts > held.max_attempts:
        return _failed(session, held, JobFailed("CRASHED", final=True))
    do = handlers.get(held.kind)
    try:
        if do is None:  # of a newer version, whose worker will know it
            raise JobFailed("UNKNOWN_KIND")
        do(held, _keep_alive(session, held, leave))
    except JobFailed as error:
        session.rollback()
        return _failed(session, held, error)
    except Interrupted:
        session.rollback()
        queue.release(session, held)
        session.commit()
        return "given back"
    queue.finish(session, held)
    session.commit()
    log.info("Job %s %s done", held.kind, held.key)
    return "done"


def _keep_alive(session: Session, held: Held, leave: Meanwhile) -> Meanwhile:
    renewed = time.monotonic()

    def meanwhile() -> None:
        nonlocal renewed
        leave()
        if time.monotonic() - renewed > LEASE.total_seconds() / 2:
            queue.renew(session, held)
            renewed = time.monotonic()
        session.commit()

    return meanwhile


def _failed(session: Session, held: Held, error: JobFailed) -> str:
    log.warning("Job %s %s failed: %s", held.kind, held.key, error)
    queue.fail(session, held, str(error), final=error.final)
    session.commit()
    return "failed"
