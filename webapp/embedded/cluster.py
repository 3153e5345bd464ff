"""A running cluster, and how one comes to run."""

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from psycopg2.extensions import connection

from webapp.embedded import place as places
from webapp.embedded import programs, roles, server
from webapp.embedded.account import EmbeddedError, acting_as
from webapp.embedded.place import Place


@dataclass(frozen=True)
class Cluster:
    """A running server. Its URLs hold no password: the socket asks who is calling."""

    home: Path
    place: Place
    sockets: Path
    log: Path
    process: subprocess.Popen[bytes] | None = field(repr=False)

    @property
    def started_here(self) -> bool:
        """Whether this very object started the server, and did not find it running."""
        return self.process is not None

    @property
    def moved(self) -> bool:
        """Whether the files lie outside of home, for its user cannot get there."""
        return self.place.folder != self.home

    def url(self, role: str, database: str) -> str:
        host = quote(str(self.sockets), safe="/")
        name = quote(database, safe="")
        return f"postgresql+psycopg2://{role}@/{name}?host={host}&port={server.PORT}"

    def psql_command(self, database: str) -> str:
        psql = programs.program(programs.installed(), "psql")
        target = ["-h", str(self.sockets), "-p", str(server.PORT)]
        return shlex.join([psql, *target, "-U", roles.SUPERUSER, database])

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make the database, owned by the owner role, unless it is there."""
        with self._session() as session:
            roles.create_database(session, name, template)

    def drop_database(self, name: str) -> None:
        """Drop the database and end its sessions, if it is there."""
        with self._session() as session:
            roles.drop_database(session, name)

    def is_running(self) -> bool:
        return server.running(self.place.data) is not None

    def stop(self) -> None:
        """Stop the server, whoever started it; the data stays."""
        with places.locked(self.home):
            server.end(self.place.data)
            with suppress(OSError):  # not empty, or gone
                self.sockets.rmdir()

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.place.folder)
        if self.moved:
            shutil.rmtree(self.home)

    @contextmanager
    def _session(self) -> Iterator[connection]:
        with closing(server.connect(self.sockets, "postgres")) as session:
            yield session


def start(
    home: Path, *, fast: bool = False, log: Path | None = None, tied: bool = True
) -> Cluster:
    """Start the cluster of this folder, or find it running; made when there is none.

    `fast` gives up safety against crashes for speed, for tests. A `tied` server ends
    with the thread that started it, also when that is killed.
    """
    home = home.absolute()
    with places.locked(home):
        place = places.find(home, throwaway=fast)
        log = log or home / "postgres.log"
        found = server.running(place.data)
        if found is not None:
            pid, sockets = found
            if server.wait_until_ready(sockets, lambda: _is_running(place, pid)):
                return _with_roles(Cluster(home, place, sockets, log, None))
            # It was just stopping, or it lost its socket: begin anew.
            server.end(place.data)
        _initialise(place, fast)
        places.write_access_rules(place)
        sockets = places.socket_folder(place)
        with _opened(log) as output:
            process = server.launch(place, sockets, output, fast, tied)
        if not server.wait_until_ready(sockets, lambda: process.poll() is None):
            process.send_signal(signal.SIGQUIT)
            process.wait()
            raise EmbeddedError(f"PostgreSQL did not start: {_last_line(log)}")
        return _with_roles(Cluster(home, place, sockets, log, process))


def _initialise(place: Place, fast: bool) -> None:
    version = place.data / "PG_VERSION"
    if version.exists():
        found, ours = version.read_text().strip(), programs.RELEASE[-2:]
        if found != ours:
            raise EmbeddedError(
                f"{place.data} was written by PostgreSQL {found}, this is {ours}:"
                f" dump it with the old version first"
            )
        return
    # Under another name until it is whole, for a first start may be cut off.
    unfinished = place.folder / "data.unfinished"
    with acting_as(place.account):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
    programs.initialise(unfinished, place.account, place.programs, fast)
    with acting_as(place.account):
        unfinished.rename(place.data)


def _is_running(place: Place, pid: int) -> bool:
    found = server.running(place.data)
    return found is not None and found[0] == pid


def _with_roles(cluster: Cluster) -> Cluster:
    with closing(server.connect(cluster.sockets, "postgres")) as session:
        roles.create_roles(session)
    return cluster


@contextmanager
def _opened(log: Path) -> Iterator[IO[bytes]]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(log, flags, 0o600), "ab") as output:
        yield output


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it said nothing"
