"""/healthz and /readyz, and what happens when the database goes and comes back."""

import datetime as dt
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from config import load
from tests.ledger.rows import make_person
from webapp import embedded
from webapp.app import create_app
from webapp.extensions import db


def make_app(cluster: embedded.Cluster, name: str, root: Path) -> Flask:
    settings = {
        "DATABASE_URL": cluster.url(embedded.APP, name),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, name),
        "PUBLIC_URL": "http://localhost",
    }
    return create_app(load(settings, root))


def migrate(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["init-db"]).exit_code == 0


def test_process_is_healthy_whatever_the_database_does(tmp_path: Path) -> None:
    url = f"postgresql://nobody@/nothing?host={tmp_path}"
    client = create_app(load({"DATABASE_URL": url}, tmp_path)).test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json == {
        "status": "database not ready",
        "reason": "OperationalError",
    }


def test_ready_with_the_schema_at_head(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["status"] == "ok"


def test_vanished_host_is_noticed_in_time(app: Flask) -> None:
    """An open connection finds out, then a new one is tried: both within 5 s."""
    with app.app_context():
        raw = db.session.connection().connection.dbapi_connection
    said = raw.info.dsn_parameters  # type: ignore[union-attr]
    found_out = int(said["tcp_user_timeout"]) / 1000
    assert found_out + int(said["connect_timeout"]) < 5
    assert int(said["keepalives_idle"]) <= 30


def test_silent_host_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        url = f"postgresql://app@127.0.0.1:{port}/money"
        client = create_app(load({"DATABASE_URL": url}, tmp_path)).test_client()
        assert client.get("/readyz").status_code == 503


@pytest.fixture
def scratch(cluster: embedded.Cluster) -> Iterator[str]:
    name = "scratch_health"
    cluster.create_database(name)
    yield name
    cluster.drop_database(name)


def test_not_ready_until_the_schema_is_at_head(
    cluster: embedded.Cluster, scratch: str, tmp_path: Path
) -> None:
    app = make_app(cluster, scratch, tmp_path)
    client = app.test_client()
    assert client.get("/readyz").status_code == 503
    migrate(app)
    assert client.get("/readyz").status_code == 200
    owner = create_engine(cluster.url(embedded.OWNER, scratch))
    with owner.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    owner.dispose()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "schema not at head, run flask init-db"}


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("going") / "pg"
    yield path
    embedded.start(path, fast=True).remove()


def test_a_connection_lost_after_the_last_read_spoils_no_page(
    settings: dict[str, str], cluster: embedded.Cluster, tmp_path: Path
) -> None:
    app = create_app(load(settings, tmp_path))
    watch = create_engine(cluster.url(embedded.SUPERUSER, "test"))

    @app.get("/late")
    def late() -> str:
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        with watch.connect() as other:
            end = text("SELECT pg_terminate_backend(:pid, 5000)")
            assert other.scalar(end, {"pid": pid}), "it did not end"
        return "all was read"

    client = app.test_client()
    for _ in range(2):
        answer = client.get("/late")
        assert (answer.status_code, answer.text) == (200, "all was read")
    watch.dispose()
    with app.app_context():
        db.engine.dispose()


def test_database_goes_and_comes_back(home: Path, tmp_path: Path) -> None:
    cluster = embedded.start(home, fast=True)
    cluster.create_database("money")
    app = make_app(cluster, "money", tmp_path)
    migrate(app)
    user = make_person(app)
    client = app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = str(user.id)
        session["signed_in_at"] = int(dt.datetime.now(dt.UTC).timestamp())
    assert client.get("/").status_code == 200

    cluster.stop()
    for path in ("/", "/accounts/", "/readyz"):
        for headers in ({}, {"HX-Request": "true"}):
            assert client.get(path, headers=headers).status_code == 503
    assert client.get("/healthz").status_code == 200

    again = embedded.start(home, fast=True)
    assert again.url(embedded.APP, "money") == cluster.url(embedded.APP, "money")
    assert client.get("/").status_code == 200
    assert client.get("/readyz").status_code == 200

    # a restart that nobody saw breaks nobody's page
    again.stop()
    embedded.start(home, fast=True)
    assert client.get("/").status_code == 200
