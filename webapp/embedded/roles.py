"""The database roles of the app and what each may do in a database."""

from contextlib import suppress

from psycopg2.errors import DuplicateDatabase, UniqueViolation
from psycopg2.extensions import connection
from psycopg2.sql import SQL, Identifier

SUPERUSER = "postgres"
OWNER = "smartbudget_owner"
APP = "smartbudget_app"
QUEUE = "smartbudget_queue"

ROLES = """
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'smartbudget_queue') THEN
    CREATE ROLE smartbudget_queue NOLOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'smartbudget_owner') THEN
    CREATE ROLE smartbudget_owner LOGIN IN ROLE smartbudget_queue;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'smartbudget_app') THEN
    CREATE ROLE smartbudget_app LOGIN;
  END IF;
END
$$;
-- A process that freezes in a transaction must not hold its rows for ever, nor must
-- anybody wait for them. On the role: a session's own settings do not pass a pooler.
ALTER ROLE smartbudget_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE smartbudget_app SET lock_timeout = '3s';
ALTER ROLE smartbudget_app SET statement_timeout = '30s'
"""
RIGHTS = """
REVOKE ALL ON DATABASE {name} FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {app}
"""


def create_roles(session: connection) -> None:
    with session.cursor() as cursor:
        cursor.execute(ROLES)


def create_database(session: connection, name: str, template: str | None) -> None:
    with session.cursor() as cursor:
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [name])
        if cursor.rowcount == 0:
            create = SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                Identifier(name), Identifier(OWNER), Identifier(template or "template1")
            )
            # another process may make it at the same moment
            with suppress(DuplicateDatabase, UniqueViolation):
                cursor.execute(create)
        rights = SQL(RIGHTS).format(name=Identifier(name), app=Identifier(APP))
        cursor.execute(rights)


def drop_database(session: connection, name: str) -> None:
    with session.cursor() as cursor:
        drop = SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        cursor.execute(drop.format(Identifier(name)))
