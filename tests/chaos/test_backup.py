"""T7: a dump taken while banks sync goes on elsewhere; old schemas come along (R14)."""

import base64
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import Engine, create_engine, text
from uuid_utils.compat import uuid7

from config import load
from tests import factories
from tests.chaos.form import pick
from tests.chaos.invariants import check_all, made_by_users
from tests.chaos.traffic import Changes, Loop
from tests.models.test_migrations import settings_of
from tests.sync.linked import (
    ask_db,
    change_db,
    edit,
    link,
    live,
    open_at_bank,
    until,
)
from webapp import embedded
from webapp.app import create_app
from webapp.crypto import key_id_of
from webapp.embedded import programs, server
from webapp.sync.run import token_place
from webapp.worker import work_once

pytestmark = pytest.mark.commits

ROWS = pick(300, 2_000, 10_000)  # of each bank
BANKS = pick(2, 3, 5)
NEW_KEY = "new:" + base64.b64encode(b"n" * 32).decode()
DUE = """
    UPDATE plaid_items SET next_at = now(), not_before = NULL,
        lease_until = least(lease_until, now() - interval '1 s')"""


def work(app: Flask) -> None:
    """Everything, now: leases that died with the old place have ended, too."""
    change_db(app, DUE)
    while work_once(app) is not None:
        pass


@pytest.fixture
def quiet_bank(bank):
    bank.control("settings", rate_limits=False, grow=False)
    return bank


@pytest.fixture
def elsewhere(cluster, settings, tmp_path) -> Iterator[tuple[Flask, Engine]]:
    """The app on an empty database, with another first key."""
    cluster.create_database("restored")
    moved = settings | {
        "DATABASE_URL": cluster.url(embedded.APP, "restored"),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, "restored"),
        "DATA_KEYS": f"{NEW_KEY},{settings['DATA_KEYS']}",
    }
    engine = create_engine(moved["DATABASE_URL"])
    yield create_app(load(moved, tmp_path)), engine
    engine.dispose()
    cluster.drop_database("restored")


def pg(cluster: embedded.Cluster, name: str, *arguments: str) -> None:
    """One of PostgreSQL's programs, as its superuser."""
    command = [programs.program(programs.installed(), name), *arguments]
    where = ["-h", str(cluster.sockets), "-p", str(server.PORT)]
    done = subprocess.run(
        [*command, *where, "-U", embedded.SUPERUSER], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def items(app, quiet_bank):
    """Banks of one person, synced, with user data on some rows of each."""
    owner = factories.make_user(app, password_hash="nobody signs in with this")
    items = [link(app, quiet_bank, owner, f"user_load_{ROWS}") for _ in range(BANKS)]
    work(app)
    for item in items:
        for number, id in enumerate(sorted(live(app, item))[::40]):
            edit(app, item, id, note=f"note {number}", excluded=number % 2 == 0)
    return items


@pytest.fixture
def dump(app, quiet_bank, items, cluster, tmp_path) -> Path:
    """Taken while the bank changes and a worker syncs; both went on after it."""
    changes = Changes(quiet_bank, items, quiet=True)
    living = Loop(changes.one, 0.005)
    working = Loop(lambda: work(app), 0.01)
    runs = "SELECT count(*) FROM sync_runs WHERE status = 'succeeded'"
    for path in (tmp_path / "early", tmp_path / "dump"):
        at_start = ask_db(app, runs)[0][0]
        until(lambda at=at_start: ask_db(app, runs)[0][0] > at + BANKS)
        pg(cluster, "pg_dump", "-Fc", "-f", str(path), "test")
    at_end = ask_db(app, runs)[0][0]
    until(lambda: ask_db(app, runs)[0][0] > at_end + BANKS)
    living.stop()
    working.stop()
    return path


def restored(cluster: embedded.Cluster, dump: Path) -> None:
    pg(cluster, "pg_restore", "--exit-on-error", "-d", "restored", str(dump))


def test_a_restored_dump_goes_on_from_its_old_cursors(
    quiet_bank, dump, cluster, elsewhere
):
    """R14: no difference; the new first key is used, the old one still read."""
    app, engine = elsewhere
    restored(cluster, dump)
    with engine.connect() as connection:
        before = made_by_users(connection)
    assert len(before) >= BANKS * 5
    assert check_all(engine, quiet_bank, settled=False, before=before) == []
    work(app)
    assert check_all(engine, quiet_bank, before=before) == []
    tokens = ask_db(app, "SELECT access_token FROM plaid_items")
    assert {key_id_of(bytes(token)) for (token,) in tokens} == {"t1"}
    owner = factories.make_user(app, password_hash="nobody signs in with this")
    assert key_id_of(link(app, quiet_bank, owner).access_token) == "new"


def test_cursors_set_back_give_the_same_rows(app, quiet_bank, items, settings):
    """R14: nothing twice, the same ids, user data as it was."""
    engine = create_engine(settings["DATABASE_URL"])
    changes = Changes(quiet_bank, items, quiet=True)
    for _ in range(40):
        changes.one()
    work(app)
    with engine.connect() as connection:
        before = made_by_users(connection)
    ids = "SELECT id, plaid_transaction_id, removed_at FROM transactions ORDER BY id"
    stored = ask_db(app, ids)
    change_db(app, "UPDATE plaid_items SET cursor = NULL")
    work(app)
    assert check_all(engine, quiet_bank, before=before) == []
    assert ask_db(app, ids) == stored
    engine.dispose()


def test_what_went_meanwhile_goes_when_a_dump_is_replayed(
    quiet_bank, dump, cluster, elsewhere
):
    """From an empty cursor Plaid tells what is there, and of no removal."""
    app, engine = elsewhere
    restored(cluster, dump)
    with engine.connect() as connection:
        before = made_by_users(connection)
    change_db(app, DUE)
    for (id,) in ask_db(app, "SELECT id::text FROM plaid_items"):
        done = app.test_cli_runner().invoke(args=["replay", "--item", id])
        assert done.exit_code == 0, done.output
    work(app)
    assert check_all(engine, quiet_bank, before=before) == []


# A row as each released revision could hold it; what has a default is left out.
WRITTEN_AT = {
    "0001": [
        "INSERT INTO users (id, email, password_hash) VALUES (:user, :id, 'x')",
        """INSERT INTO plaid_items
               (user_id, id, item_id, institution_name, access_token)
           VALUES (:user, :item, :item_id, 'Bank', :token)""",
        """INSERT INTO bank_accounts
               (user_id, id, plaid_item_id, plaid_account_id, name, type, currency)
           VALUES (:user, :account, :item, :id, 'Old', 'depository', 'USD')""",
        """INSERT INTO transactions
               (user_id, id, bank_account_id, plaid_transaction_id, date, amount,
                currency, plaid_amount, name, note)
           VALUES (:user, :row, :account, :id, '2020-02-29', -1.10, 'USD', 1.1, 'Old',
                   'mine')""",
        """INSERT INTO sync_runs (user_id, id, plaid_item_id, status)
           VALUES (:user, :run, :item, 'running')""",
    ],
    "0005": [
        """INSERT INTO quarantined_transactions
               (user_id, id, plaid_item_id, sync_run_id, seq, code, reason, raw)
           VALUES (:user, :row, :item, :run, 1, 'NO_ID', 'no id', :token)"""
    ],
    "0006": [
        """INSERT INTO transaction_changes
               (user_id, id, transaction_id, sync_run_id, was, became)
           VALUES (:user, :row, :row, :run, '{"name": "Older"}', '{"name": "Old"}')"""
    ],
    "0007": [
        """INSERT INTO webhook_events
               (user_id, id, plaid_item_id, item_id, webhook_type, webhook_code,
                jwt_sha256)
           VALUES (:user, :row, :item, :item_id, 'TRANSACTIONS',
                   'SYNC_UPDATES_AVAILABLE', '')"""
    ],
}
RELEASED = [f"{number:04}" for number in range(1, 8)]


def test_rows_of_every_released_revision_reach_the_newest(quiet_bank, elsewhere):
    """Written when that revision was the newest; then the banks sync."""
    app, engine = elsewhere
    vault = app.extensions["vault"]
    with app.app_context():
        for number, revision in enumerate(RELEASED):
            command.upgrade(settings_of(app), revision)
            token, item_id = open_at_bank(quiet_bank, "user_load_12", "x")
            names = ("user", "item", "account", "row", "run")
            values = {name: uuid7() for name in names}
            values |= {"id": f"{revision}@example.com", "item_id": item_id}
            place = token_place(values["item"])
            values["token"] = vault.encrypt(token, place)
            owner = create_engine(app.config["DATABASE_OWNER_URL"])
            with owner.begin() as connection:
                for known in RELEASED[: number + 1]:
                    for statement in WRITTEN_AT.get(known, []):
                        connection.execute(text(statement), values)
            owner.dispose()
        command.upgrade(settings_of(app), "head")
    work(app)
    assert check_all(engine, quiet_bank) == []
    for table, written in (
        ("users", 7),
        ("quarantined_transactions", 3),
        ("transaction_changes", 2),
        ("webhook_events", 1),
    ):
        assert ask_db(app, f"SELECT count(*) FROM {table}")[0][0] == written
    old = "SELECT amount, name, note FROM transactions WHERE date = '2020-02-29'"
    assert ask_db(app, old) == [(Decimal("-1.10"), "Old", "mine")] * 7
    left = ask_db(app, "SELECT DISTINCT status FROM sync_runs ORDER BY status")
    assert left == [("succeeded",), ("superseded",)]
