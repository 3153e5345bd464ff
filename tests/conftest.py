"""Real PostgreSQL, migrated once a session; two people: Alice owns, Bob sees nothing.

A test runs inside one transaction that is rolled back. Tests marked `commits` (sync,
worker, linking: whatever needs the clock to move or two connections) commit for real,
and the tables are emptied after them.
"""

import base64
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, sync_playwright
from sqlalchemy import text

from config import load
from tests import factories
from tests.bank import ROOT, Bank, free_port
from webapp import embedded
from webapp.app import create_app
from webapp.extensions import db
from webapp.models import User

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
KEPT = {"alembic_version", "categories"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "commits: real commits, emptied afterwards")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.Cluster]:
    found = embedded.start(tmp_path_factory.mktemp("pg"), fast=True)
    yield found
    found.remove()


@pytest.fixture(scope="session")
def bank_port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def running_bank(
    bank_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bank]:
    """The bank's process; tests take `bank`, which starts each from a clean state."""
    found = Bank(bank_port)
    found.start(tmp_path_factory.mktemp("bank"))
    yield found
    found.stop()


@pytest.fixture
def bank(running_bank: Bank) -> Bank:
    running_bank.control("reset")
    return running_bank


@pytest.fixture(scope="session")
def settings(cluster: embedded.Cluster, bank_port: int) -> dict[str, str]:
    cluster.create_database("test")
    return {
        "APP_MODE": "demo",
        "DATABASE_URL": cluster.url(embedded.APP, "test"),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, "test"),
        "SECRET_KEY": "only-for-tests-" * 3,
        "DATA_KEYS": "t1:" + base64.b64encode(b"k" * 32).decode(),
        "PLAID_HOST": f"http://127.0.0.1:{bank_port}",
        "PUBLIC_URL": "http://localhost",
        # tests call an item more often than a bank allows; tests/sync/test_limits.py
        "PLAID_RATE_LIMITS": "off",
        "MAIL_BACKEND": "off",
    }


@pytest.fixture(scope="session")
def app(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    made = create_app(load(settings, tmp_path_factory.mktemp("root")))
    made.testing = True
    result = made.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, result.output
    return made


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """Undoes what the test wrote."""
    if "app" not in request.fixturenames:
        yield
        return
    app: Flask = request.getfixturevalue("app")
    if request.node.get_closest_marker("commits"):
        yield
        empty(app)
    else:
        yield from rolled_back(app)


def rolled_back(app: Flask) -> Iterator[None]:
    with app.app_context():
        engine = db.engines[None]
        connection = engine.connect()
        outer = connection.begin()
        db.engines[None] = connection  # type: ignore[assignment]
    yield
    with app.app_context():
        db.engines[None] = engine
    outer.rollback()
    connection.close()


def empty(app: Flask) -> None:
    names = sorted(
        table.name
        for table in db.metadata.tables.values()
        if table.name not in KEPT and not table.info.get("is_view")
    )
    with app.app_context(), db.engine.begin() as connection:
        # DELETE: the app's role may not truncate, and few rows are there
        connection.execute(text("DELETE FROM users"))
        for name in names:
            connection.execute(text(f"DELETE FROM {name}"))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def alice(app: Flask) -> User:
    return factories.make_user(app, email="alice@example.com", first_name="Alice")


@pytest.fixture
def bob(app: Flask) -> User:
    return factories.make_user(app, email="bob@example.com", first_name="Bob")


@pytest.fixture
def alice_client(app: Flask, alice: User) -> FlaskClient:
    return factories.signed_in(app, alice)


@pytest.fixture
def bob_client(app: Flask, bob: User) -> FlaskClient:
    return factories.signed_in(app, bob)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process: Playwright starts only once in it."""
    path = chromium_path()
    if path is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up("no Chromium here; `make test` says why it could not install one")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


def chromium_path() -> str | None:
    """What `make test` found or installed; by hand, whatever the system has."""
    kept = ROOT / ".cache" / "chromium"
    found = kept.read_text().strip() if kept.exists() else shutil.which("chromium")
    return found if found and Path(found).exists() else None
