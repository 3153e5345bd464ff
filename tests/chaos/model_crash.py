"""A connection that is lost at the k-th statement, for real: PostgreSQL ends it."""

from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.pool import NullPool


class Crash:
    """Listens to an engine; `at` arms it. A COMMIT counts as a statement, too.

    What psycopg2 does below SQLAlchemy (COPY, many rows at once) is not counted.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.executioner = create_engine(engine.url, poolclass=NullPool)
        self.at: int | None = None
        self.happened = 0
        event.listen(engine, "before_cursor_execute", self._statement)
        event.listen(engine, "commit", self._statement)

    def close(self) -> None:
        event.remove(self.engine, "before_cursor_execute", self._statement)
        event.remove(self.engine, "commit", self._statement)

    def _statement(self, connection: Any, *about: Any) -> None:
        if self.at is None:
            return
        self.at -= 1
        if self.at > 0:
            return
        self.at = None
        self.happened += 1
        pid = connection.connection.dbapi_connection.get_backend_pid()
        with self.executioner.connect() as beside:
            kill = text("SELECT pg_terminate_backend(:pid, 5000)")
            assert beside.execute(kill, {"pid": pid}).scalar_one()
