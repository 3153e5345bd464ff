"""The whole installation as real processes, and what can befall them.

A `Place` has PostgreSQL with nothing spared (a crash loses no commit), the simulated
bank, and whatever a storm starts: web servers, workers, PgBouncer, proxies.
"""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from psycopg2 import DatabaseError, InterfaceError
from sqlalchemy import Engine, create_engine

from config import load
from setup.tools import SEARCH
from tests import conftest
from tests.bank import ROOT, Bank, free_port, wait_for
from tests.chaos.proxy import Proxy
from webapp import embedded
from webapp.app import create_app
from webapp.embedded.server import PORT, connect

DATABASE = "storm"
LEASE = 3.0  # seconds, in the workers of a storm
SHORT_TIMES = {
    "lease": LEASE,
    "backoff": 0.5,  # the first ceiling, doubled with every failure
    "longest_backoff": 4,
    "deadlines": (2, 5, 8),  # of a call: connect, read, total
    "most_pages": 40,
    "probe_pause": 1,  # of a breaker that is open
    "spread": 1,  # over which those come back that waited for it
}


@dataclass
class Process:
    """A program that runs, and what it said so far."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def count(self, words: str) -> int:
        return self.said().count(words)

    def send(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self.popen.send_signal(number)

    def kill(self) -> None:
        """As a power cut does, with all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait(10)

    def leave(self, seconds: float = 10) -> int:
        """SIGTERM; its exit code. AssertionError with its log when it stays."""
        self.popen.terminate()
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGUSR1)
            time.sleep(0.5)
            raise AssertionError(f"it did not leave: {self.said()[-5000:]}") from None

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None


@dataclass
class Place:
    """Where a storm happens."""

    folder: Path
    cluster: embedded.Cluster
    bank: Bank
    web_port: int
    settings: dict[str, str]
    app: Flask  # in this process, to make rows and to look at them
    engine: Engine  # a superuser's, which sees everybody's rows
    processes: list[Process] = field(default_factory=list)
    proxies: list[Proxy] = field(default_factory=list)
    session: Any = None  # the superuser's
    numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    def query(self, statement: str, *values: Any) -> list[Any]:
        """As superuser, in a transaction of its own."""
        for is_last in (False, True):
            try:
                if self.session is None or self.session.closed:
                    self.session = connect(self.cluster.sockets, DATABASE)
                with self.session.cursor() as cursor:
                    cursor.execute(statement, values)
                    return cursor.fetchall() if cursor.description else []
            except (DatabaseError, InterfaceError):  # the database was away
                self.session = None
                if is_last:
                    raise
        raise AssertionError("the second try returns or raises")

    def start(self, name: str, *command: str, **settings: str) -> Process:
        log = self.folder / f"{next(self.numbers)}-{name}.log"
        with log.open("wb") as output:
            popen = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, env=os.environ | self.settings | settings,
                start_new_session=True,
            )  # fmt: skip
        made = Process(name, popen, log)
        self.processes.append(made)
        return made

    def worker(self, threads: int = 2, **times: Any) -> Process:
        """With short times; ready when this returns."""
        settings = {k: times.pop(k) for k in list(times) if k.isupper()}
        module = [sys.executable, "-m", "tests.chaos.worker", str(threads)]
        given = json.dumps(SHORT_TIMES | times)
        made = self.start("worker", *module, given, **settings)
        until(lambda: made.count("Worker started"), 30)
        return made

    def web(self, processes: int = 1, **settings: str) -> Process:
        """gunicorn as in life; it serves when this returns."""
        bind = ["-c", "gunicorn.conf.py", "--bind", f"127.0.0.1:{self.web_port}"]
        made = self.start(
            "web", sys.executable, "-m", "gunicorn", *bind, "wsgi:app",
            WEB_CONCURRENCY=str(processes), **settings,
        )  # fmt: skip
        wait_for(f"{self.url}/healthz", made.popen)
        return made

    def pgbouncer(self, pool_size: int = 4) -> str | None:
        """In transaction mode before the database; its URL, or None without one."""
        program = pgbouncer_path()
        if program is None:
            return None
        folder = self.folder / "pgbouncer"
        folder.mkdir(exist_ok=True)
        port = free_port()
        (folder / "users.txt").write_text(f'"{embedded.APP}" ""\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n{DATABASE} = host={self.cluster.sockets} port={PORT}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
            f"unix_socket_dir =\nauth_type = trust\nauth_file = {folder}/users.txt\n"
            f"pool_mode = transaction\ndefault_pool_size = {pool_size}\n"
            "max_client_conn = 200\nserver_login_retry = 1\n"
        )
        as_user = []
        if os.geteuid() == 0:  # it refuses to be root
            account = self.cluster.place.account
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, account.uid, account.gid)
            self.folder.chmod(0o711)
            as_user = ["-u", account.name]
        made = self.start("pgbouncer", program, *as_user, str(folder / "pgbouncer.ini"))
        until(lambda: made.count("process up") or not made.is_alive)
        assert made.is_alive, made.said()
        return f"postgresql://{embedded.APP}@127.0.0.1:{port}/{DATABASE}"

    def proxy_to_database(self) -> tuple[Proxy, str]:
        """A proxy before the database, and the app's URL through it."""
        made = Proxy(str(self.cluster.sockets / f".s.PGSQL.{PORT}"))
        self.proxies.append(made)
        url = f"postgresql://{embedded.APP}@127.0.0.1:{made.port}/{DATABASE}"
        return made, url

    def proxy_to_bank(self) -> tuple[Proxy, str]:
        made = Proxy(("127.0.0.1", self.bank.port))
        self.proxies.append(made)
        return made, f"http://127.0.0.1:{made.port}"

    def lose_patience_after(self, seconds: float) -> None:
        """With sessions of the app that do nothing in a transaction; it is 10 s."""
        name = "idle_in_transaction_session_timeout"
        self.query(f"ALTER ROLE {embedded.APP} SET {name} = %s", f"{seconds}s")

    def crash_database(self) -> None:
        """What `pg_ctl stop -m immediate` does."""
        pid = (self.cluster.place.data / "postmaster.pid").read_text().split()[0]
        os.kill(int(pid), signal.SIGQUIT)
        until(lambda: not self.cluster.is_running())

    def start_database(self) -> None:
        embedded.start(self.cluster.home)

    def clear(self) -> None:
        """Nobody there, nothing running, the bank as it was started."""
        for process in self.processes:
            process.send(signal.SIGCONT)
            process.kill()
        for proxy in self.proxies:
            proxy.close()
        self.processes.clear()
        self.proxies.clear()
        if not self.cluster.is_running():
            self.start_database()
        self.lose_patience_after(10)
        conftest.empty(self.app)
        self.bank.control("reset", items=True)

    def remove(self) -> None:
        self.engine.dispose()
        if self.session is not None:
            self.session.close()
        self.bank.stop()
        self.cluster.remove()


def open_place(folder: Path) -> Place:
    cluster = embedded.start(folder / "postgres")
    cluster.create_database(DATABASE)
    (folder / "bank").mkdir()
    bank = Bank(free_port())
    bank.start(folder / "bank")
    web_port = free_port()
    settings = {
        "APP_MODE": "demo",
        "DATABASE_URL": cluster.url(embedded.APP, DATABASE),
        "DATABASE_OWNER_URL": cluster.url(embedded.OWNER, DATABASE),
        "SECRET_KEY": "only-for-storms-" * 3,
        "DATA_KEYS": "s1:" + base64.b64encode(b"s" * 32).decode(),
        "PLAID_HOST": bank.url,
        "PLAID_RATE_LIMITS": "off",
        "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
        "PYTHONWARNINGS": "",
    }
    app = create_app(load(settings, folder))
    made = app.test_cli_runner().invoke(args=["init-db"])
    assert made.exit_code == 0, made.output
    engine = create_engine(
        cluster.url(embedded.SUPERUSER, DATABASE), pool_pre_ping=True
    )
    return Place(folder, cluster, bank, web_port, settings, app, engine)


def pgbouncer_path() -> str | None:
    """What `make test` found or installed; by hand, whatever the system has."""
    note = ROOT / ".cache" / "pgbouncer"
    found = note.read_text().strip() if note.exists() else None
    found = found or shutil.which("pgbouncer", path=SEARCH)
    return found if found and Path(found).exists() else None


def until(true: Callable[[], Any], seconds: float = 60, why: str = "") -> Any:
    """Wait until it is true; what it then is."""
    ends = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < ends, why or "it never came true"
        time.sleep(0.05)
    return found
