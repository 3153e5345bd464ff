"""SQLite under the bank: what must survive a restart or a kill -9."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOG_BYTES = 16 * 1024 * 1024
SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS items (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  item_id TEXT NOT NULL UNIQUE,
  access_token TEXT UNIQUE,
  watched INTEGER NOT NULL DEFAULT 0,
  state BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS items_watched ON items (number) WHERE watched;
CREATE TABLE IF NOT EXISTS accounts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  item INTEGER NOT NULL,
  account_id TEXT NOT NULL UNIQUE,
  state BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS accounts_item ON accounts (item, number);
-- One row a transaction, in its newest version. seq is when it last changed, created
-- when it first appeared: a cursor is a place in that order, so it never grows stale.
CREATE TABLE IF NOT EXISTS transactions (
  seq INTEGER PRIMARY KEY,
  created INTEGER NOT NULL,
  item INTEGER NOT NULL,
  account INTEGER NOT NULL,
  transaction_id TEXT NOT NULL,
  posted_on TEXT NOT NULL,
  posts_on TEXT,
  removed INTEGER NOT NULL DEFAULT 0,
  category TEXT NOT NULL,
  original TEXT,
  posted_amount TEXT,
  body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS transactions_item ON transactions (item, seq);
CREATE UNIQUE INDEX IF NOT EXISTS transactions_id ON transactions (transaction_id);
CREATE INDEX IF NOT EXISTS transactions_pending ON transactions (item, posts_on)
  WHERE posts_on IS NOT NULL;
CREATE TABLE IF NOT EXISTS link_tokens (
  link_token TEXT PRIMARY KEY, state BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS link_sessions (
  link_session_id TEXT PRIMARY KEY,
  link_token TEXT NOT NULL,
  oauth_state_id TEXT UNIQUE,
  state BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS public_tokens (
  public_token TEXT PRIMARY KEY,
  item INTEGER NOT NULL,
  expires_at TEXT NOT NULL,
  used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS webhooks (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  item INTEGER,
  code TEXT NOT NULL,
  url TEXT NOT NULL,
  body BLOB NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at REAL,
  first_at REAL NOT NULL,
  status TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS webhook_keys (
  kid TEXT PRIMARY KEY, pem BLOB NOT NULL, created_at INTEGER NOT NULL,
  expired_at INTEGER
);
"""


class Store:
    """A connection a thread for reading, and one lock for everyone who writes."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "bank.sqlite3"
        self._local = threading.local()
        self._lock = threading.RLock()
        self.connection.executescript(SCHEMA)

    @property
    def connection(self) -> sqlite3.Connection:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-2000")
            connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
            self._local.connection = connection
        return connection

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that nobody else writes beside; an inner one joins it."""
        with self._lock:
            connection = self.connection
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Everything read inside is of one moment."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def setting(self, name: str) -> str | None:
        row = self.connection.execute(
            "SELECT value FROM settings WHERE name = ?", (name,)
        ).fetchone()
        return row["value"] if row else None

    def set_setting(self, name: str, value: str) -> None:
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO settings VALUES (?, ?) "
                "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, value),
            )
