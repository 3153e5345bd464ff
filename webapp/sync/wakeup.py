"""Wakes idle workers when somebody asks: LISTEN, where a connection is direct.

Only a short cut: workers also poll. A pooler that hands out a connection for each
transaction cannot pass news on, so behind one (and while the database is away) polling
is all there is.
"""

import logging
import random
import select
import threading
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2.extensions import connection as Connection
from sqlalchemy import URL, make_url

from webapp.sync.schedule import CHANNEL

log = logging.getLogger(__name__)
LOOK_UP = 1.0  # seconds between two looks whether the process must leave
TRY_AGAIN = 2.0  # seconds, after a connection was lost
ASK_POOLER_AGAIN = 300.0  # seconds; somebody may have taken it out of the way


class Listener(threading.Thread):
    """Calls `wake` at each NOTIFY, until `stop`. Connects again when it has to."""

    def __init__(
        self, url: str, wake: Callable[[], None], stop: threading.Event
    ) -> None:
        super().__init__(name="listener", daemon=True)
        self.url, self.wake, self.stop = make_url(url), wake, stop

    def run(self) -> None:
        while not self.stop.is_set():
            pause = TRY_AGAIN
            try:
                pause = self._listen()
            except psycopg2.Error as why:
                log.info("Not listening, so polling: %s", type(why).__name__)
            self.stop.wait(pause * random.uniform(0.5, 1))  # noqa: S311 - spreads load

    def _listen(self) -> float:
        """Until `stop` or an error of the database; seconds until the next try."""
        with closing(connect(self.url)) as connection:
            if is_pooled(connection):
                log.info("A pooler is in between: polling instead of listening")
                return ASK_POOLER_AGAIN
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
            log.info("Listening for asks")
            self.wake()  # what came before
            while not self.stop.is_set():
                if select.select([connection], [], [], LOOK_UP)[0]:
                    connection.poll()
                    for _ in range(len(connection.notifies)):
                        connection.notifies.pop()
                        self.wake()
            return 0.0


def connect(url: URL) -> Connection:
    positional, named = url.get_dialect()().create_connect_args(url)
    found: Connection = psycopg2.connect(
        *positional,
        connect_timeout=2,
        # a host that vanished is noticed within a quarter of a minute
        keepalives_idle=5,
        keepalives_interval=3,
        keepalives_count=3,
        application_name="smartbudget listener",
        **named,
    )
    found.autocommit = True
    return found


def is_pooled(connection: Connection) -> bool:
    """A pooler invents the process id that it tells its clients at the start."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone() or (None,)
    return bool(pid != connection.info.backend_pid)
