"""Up, down to nothing and up again, on a database of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from flask import Flask
from sqlalchemy import create_engine, inspect, text

from config import load
from webapp import embedded
from webapp.app import create_app

NAME = "scratch_migrations"
WAITING = """
    INSERT INTO jobs (id, kind, key, args, secret)
    VALUES (gen_random_uuid(), 'item_removal', 'item', '{}', 'sealed')
"""


@pytest.fixture
def fresh(cluster: embedded.Cluster, tmp_path: Path) -> Iterator[Flask]:
    cluster.create_database(NAME)
    settings = {
        "DATABASE_URL": cluster.url(embedded.APP, NAME),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, NAME),
    }
    yield create_app(load(settings, tmp_path))
    cluster.drop_database(NAME)


def settings_of(app: Flask) -> Config:
    found = Config()
    found.set_main_option("script_location", app.extensions["migrate"].directory)
    return found


def shape(app: Flask) -> dict[str, list[str]]:
    """Tables and views with their columns, and what the app may do to each."""
    engine = create_engine(app.config["DATABASE_OWNER_URL"])
    with engine.connect() as connection:
        found = inspect(connection)
        names = [*found.get_table_names(), *found.get_view_names()]
        columns = {
            name: [f"{c['name']} {c['type']}" for c in found.get_columns(name)]
            for name in names
        }
        rights = connection.execute(
            text("""
                SELECT table_name, privilege_type
                FROM information_schema.role_table_grants
                WHERE grantee = :role ORDER BY 1, 2
            """),
            {"role": embedded.APP},
        )
        columns["rights"] = [f"{table} {right}" for table, right in rights]
    engine.dispose()
    return columns


def test_down_to_nothing_and_up_again(fresh: Flask) -> None:
    with fresh.app_context():
        command.upgrade(settings_of(fresh), "head")
        first = shape(fresh)
        assert "transactions" in first
        assert "ledger INSERT" in first["rights"] or "ledger SELECT" in first["rights"]
        command.downgrade(settings_of(fresh), "base")
        assert set(shape(fresh)) == {"alembic_version", "rights"}
        command.upgrade(settings_of(fresh), "head")
    assert shape(fresh) == first


def test_no_token_is_lost_on_the_way_down(fresh: Flask) -> None:
    with fresh.app_context():
        command.upgrade(settings_of(fresh), "head")
        engine = create_engine(fresh.config["DATABASE_OWNER_URL"])
        with engine.begin() as connection:
            connection.execute(text(WAITING))
        with pytest.raises(RuntimeError, match="1 banks wait"):
            command.downgrade(settings_of(fresh), "0008")
        with engine.begin() as connection:
            assert connection.scalar(text("SELECT count(*) FROM jobs")) == 1
            connection.execute(text("DELETE FROM jobs"))
        engine.dispose()
        command.downgrade(settings_of(fresh), "0008")


def test_init_db_may_be_repeated(fresh: Flask) -> None:
    runner = fresh.test_cli_runner()
    for _ in range(2):
        result = runner.invoke(args=["init-db"])
        assert result.exit_code == 0
        assert result.output.splitlines()[-1] == "The schema is at head."
