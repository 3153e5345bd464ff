"""Where benchmarks run: a PostgreSQL as safe as in life, and the simulated bank."""

import base64
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psycopg2

from tests.bank import Bank, free_port
from webapp import embedded
from webapp.embedded.server import connect

ROOT = Path(__file__).resolve().parent.parent
DATABASE = "bench"


@dataclass(frozen=True)
class Place:
    """What every benchmark gets."""

    cluster: embedded.Cluster
    bank: Bank
    bank_data: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: object) -> Any:
        """One of `programs` in a process of its own; what it prints, as JSON."""
        module = f"benchmarks.programs.{program}"
        done = subprocess.run(
            [sys.executable, "-m", module, *(str(one) for one in arguments)],
            env=self.environment, cwd=ROOT, stdout=subprocess.PIPE, check=True,
        )  # fmt: skip
        return json.loads(done.stdout)

    def superuser(self) -> psycopg2.extensions.connection:
        return connect(self.cluster.sockets, DATABASE)

    def execute(self, *statements: str) -> None:
        with closing(self.superuser()) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def clear(self) -> None:
        """Nobody and nothing in the tables."""
        self.execute("TRUNCATE users CASCADE")

    def forget_syncs(self) -> None:
        """As if no bank had ever been read, and nothing left for a checkpoint to do."""
        self.execute(
            "TRUNCATE transactions, sync_runs CASCADE",
            "UPDATE plaid_items SET cursor = NULL, state = 'first_sync'",
            "CHECKPOINT",
        )

    def bank_ms(
        self,
        item_id: str,
        since: float,
        until: float = inf,
        endpoint: str = "",
    ) -> list[float]:
        """What the bank itself took for each call about this item."""
        query = urlencode({"item_id": item_id, "endpoint": endpoint})
        with urlopen(f"{self.bank.url}/_control/calls?{query}") as answer:
            calls = json.load(answer)["calls"]
        return [call["milliseconds"] for call in calls if since <= call["at"] <= until]


@contextmanager
def opened() -> Iterator[Place]:
    """Everything running, rate limits off on both sides."""
    with TemporaryDirectory(prefix="smartbudget-bench-") as folder:
        cluster = embedded.start(Path(folder) / "postgres")
        bank = Bank(free_port())
        try:
            cluster.create_database(DATABASE)
            (data := Path(folder) / "bank").mkdir()
            bank.start(data)
            bank.control("settings", rate_limits=False, webhooks=False)
            place = Place(cluster, bank, data, environment(cluster, bank))
            migrate(place)
            yield place
        finally:
            bank.stop()
            cluster.remove()


def environment(cluster: embedded.Cluster, bank: Bank) -> dict[str, str]:
    return os.environ | {
        "APP_MODE": "demo",
        "DATABASE_URL": cluster.url(embedded.APP, DATABASE),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, DATABASE),
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATA_KEYS": "b1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "PLAID_CLIENT_ID": "sandbox",
        "PLAID_SECRET": "sandbox",
        "PLAID_HOST": bank.url,
        "PLAID_RATE_LIMITS": "off",
    }


def migrate(place: Place) -> None:
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "init-db"],
        env=place.environment, cwd=ROOT, stdout=subprocess.DEVNULL, check=True,
    )  # fmt: skip
