"""psycopg2 itself, below SQLAlchemy: COPY and many rows a statement need it."""

from typing import Any

from sqlalchemy.orm import Session


def cursor_of(session: Session) -> Any:
    """psycopg2's own cursor, in the session's transaction."""
    driver: Any = session.connection().connection
    return driver.cursor()
