"""One server process: is it there, start it, end it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import psycopg2

from webapp.embedded.account import EmbeddedError, Identity, acting_as, environment
from webapp.embedded.place import Place
from webapp.embedded.programs import program
from webapp.embedded.tie import tied

PORT = 5432
START_SECONDS = 60  # a crash may have left much to recover
STOP_SECONDS = 8
# The servers of this process by number, for whoever stops one must reap it.
STARTED: dict[int, subprocess.Popen[bytes]] = {}
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "cluster_name": "smartbudget",
}
# What a test's data may lose: all of it.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
}


def running(data: Path) -> tuple[int, Path] | None:
    """The process number and socket folder of the server of these files, if any."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, folder = int(lines[0]), Path(lines[4])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    return (pid, folder) if _serves(pid, data) else None


def _serves(pid: int, data: Path) -> bool:
    # After kill -9 the number may belong to another program by now.
    if not _has_proc():
        return _exists(pid)
    try:
        program_name = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
        return program_name.startswith("postgres") and os.path.samefile(
            f"/proc/{pid}/cwd", data
        )
    except OSError:
        return False


def _sessions_left(data: Path) -> list[int]:
    if not _has_proc():
        return []
    pids = [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]
    return [pid for pid in pids if _serves(pid, data)]


def _has_proc() -> bool:
    return os.path.isdir("/proc/self")


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _clear_after_crash(place: Place, sockets: Path) -> None:
    """Make room for a new server where the last one was killed."""
    # Sessions outlive a killed server while they compute, and block the next one.
    deadline = time.monotonic() + STOP_SECONDS
    while (left := _sessions_left(place.data)) and time.monotonic() < deadline:
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    # PostgreSQL clears its lock files itself, unless another program has the number.
    locks = [place.data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"]
    with acting_as(place.account):
        for lock in locks:
            if lock.exists() and _misleads(lock):
                lock.unlink()


def _misleads(lock: Path) -> bool:
    first = lock.read_text().split("\n")[0]
    return not first.isdecimal() or _exists(int(first))


def launch(
    place: Place, sockets: Path, log: IO[bytes], fast: bool, is_tied: bool
) -> subprocess.Popen[bytes]:
    """Start the server; not with pg_ctl, whose shell breaks on quotes in paths."""
    _clear_after_crash(place, sockets)
    settings = SETTINGS | (FAST if fast else {})
    settings["unix_socket_directories"] = str(sockets)
    settings["hba_file"] = str(place.folder / "pg_hba.conf")
    settings["ident_file"] = str(place.folder / "pg_ident.conf")
    options = [f"-c{name}={value}" for name, value in settings.items()]
    command = [program(place.programs, "postgres"), "-D", str(place.data), *options]
    identity = place.account.identity()
    if is_tied:
        # SIGINT is PostgreSQL's fast shutdown: sessions end, files are left clean.
        user = (identity["user"], identity["group"]) if identity else ()
        command, identity = tied(command, signal.SIGINT, *user), Identity()
    process = subprocess.Popen(  # noqa: S603  no shell
        command,
        **identity,
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    forget_ended()
    STARTED[process.pid] = process
    return process


def wait_until_ready(sockets: Path, alive: Callable[[], bool]) -> bool:
    """Whether it answers; False when it died or does not answer within the time."""
    deadline = time.monotonic() + START_SECONDS
    while alive() and time.monotonic() < deadline:
        try:
            with closing(connect(sockets, "postgres")):
                return True
        except psycopg2.OperationalError:
            time.sleep(0.02)
    return False


def connect(sockets: Path, database: str) -> psycopg2.extensions.connection:
    connection = psycopg2.connect(
        host=str(sockets), port=PORT, user="postgres", dbname=database
    )
    connection.autocommit = True
    return connection


def end(data: Path) -> None:
    """Stop the server of these files: politely, then at once."""
    for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        found = running(data)
        if found is None:
            return
        with suppress(ProcessLookupError):
            os.kill(found[0], ending)
        if _has_ended(found[0], data):
            return
    raise EmbeddedError(f"PostgreSQL in {data} does not stop")


def _has_ended(pid: int, data: Path) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        forget_ended()
        if pid not in STARTED and not _serves(pid, data):
            return True
        time.sleep(0.02)
    return False


def forget_ended() -> None:
    for pid, process in list(STARTED.items()):
        if process.poll() is not None:
            del STARTED[pid]
