"""One server process: is it there, start it, end it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import IO

import psycopg2

from webapp.embedded.account import EmbeddedError, acting_as, environment
from webapp.embedded.place import Place
from webapp.embedded.programs import program

PORT = 5432
START_SECONDS = 60  # a crash may have left much to recover
STOP_SECONDS = 8
PR_SET_PDEATHSIG = 1
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


def ending_with_parent(ending: signal.Signals) -> Callable[[], None] | None:
    """What a child calls so that the kernel ends it when its starter dies, on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, int(ending), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return tie


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
    if os.path.isdir("/proc/self"):
        with suppress(OSError):
            return os.path.samefile(f"/proc/{pid}/cwd", data)
        return False
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def launch(
    place: Place, sockets: Path, log: IO[bytes], fast: bool, tied: bool
) -> subprocess.Popen[bytes]:
    """Start the server; not with pg_ctl, whose shell breaks on quotes in paths."""
    clear_traces(place, sockets)
    settings = SETTINGS | (FAST if fast else {})
    settings["unix_socket_directories"] = str(sockets)
    settings["hba_file"] = str(place.folder / "pg_hba.conf")
    settings["ident_file"] = str(place.folder / "pg_ident.conf")
    options = [f"-c{name}={value}" for name, value in settings.items()]
    # SIGINT is PostgreSQL's fast shutdown: sessions end, files are left clean.
    tie = ending_with_parent(signal.SIGINT) if tied else None
    return subprocess.Popen(  # noqa: S603  no shell
        [program(place.programs, "postgres"), "-D", str(place.data), *options],
        **place.account.identity(),
        env=environment(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=tie,
    )


def clear_traces(place: Place, sockets: Path) -> None:
    """Remove what a killed server left; its number may be another program's now."""
    traces = [place.data / "postmaster.pid"]
    traces += [sockets / f".s.PGSQL.{PORT}{end}" for end in ("", ".lock")]
    with acting_as(place.account):
        for trace in traces:
            trace.unlink(missing_ok=True)


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


def end(data: Path, process: subprocess.Popen[bytes] | None) -> None:
    """Stop the server of these files: politely, then at once."""
    for ending in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        found = running(data)
        if found is None:
            break
        with suppress(ProcessLookupError):
            os.kill(found[0], ending)
        deadline = time.monotonic() + STOP_SECONDS
        while running(data) and time.monotonic() < deadline:
            if process is not None:
                process.poll()
            time.sleep(0.02)
    else:
        raise EmbeddedError(f"PostgreSQL in {data} does not stop")
    if process is not None:
        process.wait(STOP_SECONDS)
