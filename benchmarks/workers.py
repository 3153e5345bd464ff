"""Worker processes over a place, directly or through PgBouncer, and what they cost."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import which
from urllib.parse import quote

import psutil
import psycopg2

from benchmarks.place import DATABASE, ROOT, Place
from webapp import embedded
from webapp.embedded.server import PORT

SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
INI = """\
[databases]
{database} = host={sockets} port={port} user={user}
[pgbouncer]
pool_mode = transaction
default_pool_size = 20
max_client_conn = 200
auth_type = any
unix_socket_dir = {folder}
listen_port = {port}
"""


@contextmanager
def workers(
    environment: dict[str, str], processes: int, threads: int, log: Path
) -> Iterator[list[psutil.Process]]:
    """`flask worker`, so many times; they leave as on SIGTERM."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    with log.open("ab") as output:
        started = [
            psutil.Popen(
                [*command, "--threads", str(threads)],
                env=environment, cwd=ROOT, stdout=output, stderr=output,
            )
            for _ in range(processes)
        ]  # fmt: skip
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """User and system time of these and of all their children, dead ones too."""
    total = 0.0
    for process in processes:
        times = process.cpu_times()
        total += times.user + times.system
        total += times.children_user + times.children_system
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                times = child.cpu_times()
                total += times.user + times.system
    return total


def pgbouncer() -> str | None:
    """The program's path, where there is one."""
    return which("pgbouncer", path=SEARCH)


@contextmanager
def pooled(place: Place, program: str) -> Iterator[tuple[str, psutil.Process]]:
    """PgBouncer in transaction mode before the place's database: its URL."""
    account = place.cluster.place.account
    folder = place.cluster.sockets / "pgbouncer"
    folder.mkdir()
    ini = folder / "pgbouncer.ini"
    ini.write_text(
        INI.format(
            database=DATABASE, sockets=place.cluster.sockets, port=PORT,
            user=embedded.APP, folder=folder,
        )
    )  # fmt: skip
    for path in (folder, ini):
        os.chown(path, account.uid, account.gid)
    process = psutil.Popen([program, "-q", str(ini)], **account.identity())
    host = quote(str(folder), safe="/")
    url = f"postgresql+psycopg2://{embedded.APP}@/{DATABASE}?host={host}&port={PORT}"
    try:
        _wait(url)
        yield url, process
    finally:
        process.terminate()
        process.wait(10)
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def _wait(url: str, seconds: float = 10) -> None:
    ends = time.monotonic() + seconds
    while True:
        try:
            psycopg2.connect(url.replace("+psycopg2", "")).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.05)
