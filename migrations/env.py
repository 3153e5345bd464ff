"""Alembic's environment: migrates as the owner role, in one transaction."""

from alembic import context
from flask import current_app
from sqlalchemy import create_engine, text

LOCK = 0x5B0D6E7  # any two `flask init-db` at once take turns


def include(object_, name, type_, reflected, compare_to):
    """Views are written by hand in the migrations."""
    return not (type_ == "table" and object_.info.get("is_view"))


def run() -> None:
    database = current_app.extensions["migrate"].db
    url = current_app.config["DATABASE_OWNER_URL"] or current_app.config["DATABASE_URL"]
    engine = create_engine(url, connect_args={"connect_timeout": 5})
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            include_object=include,
            compare_server_default=False,
        )
        with context.begin_transaction():
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK}
            )
            context.run_migrations()
    engine.dispose()


run()
