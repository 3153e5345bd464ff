"""psycopg2 itself, below SQLAlchemy: COPY and many rows a statement need it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session


@contextmanager
def cursor_of(session: Session) -> Iterator[Any]:
    """psycopg2's own cursor, in the session's transaction.

    Raises SQLAlchemy's OperationalError when the connection is lost.
    """
    connection = session.connection()
    driver: Any = connection.connection
    try:
        with driver.cursor() as cursor:
            yield cursor
    except psycopg2.Error as error:
        if not connection.dialect.is_disconnect(error, driver, None):
            raise
        connection.invalidate(error)
        raise OperationalError(None, None, error, connection_invalidated=True) from None
