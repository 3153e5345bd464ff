"""The embedded PostgreSQL on real folders: paths, rights, crashes, callers at once."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege

from webapp import embedded
from webapp.embedded import APP, OWNER, QUEUE, SUPERUSER, Cluster
from webapp.embedded.account import SYSTEM_USER, account_of, acting_as
from webapp.embedded.programs import program

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be others")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    home = tmp_path_factory.mktemp("a blank, an 'apostrophe' and $HOME") / "postgres"
    running = embedded.start(home, fast=True)
    running.create_database("ledger")
    yield running
    running.remove()


@pytest.fixture(scope="module")
def made_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("stopped") / "postgres"
    embedded.start(path, fast=True).stop()
    yield path
    embedded.start(path, fast=True).remove()


@pytest.fixture
def home(made_home: Path) -> Iterator[Path]:
    """Of a cluster that is stopped, and is again after the test."""
    yield made_home
    embedded.start(made_home, fast=True).stop()


def connect(cluster, role, database="ledger"):
    url = cluster.url(role, database).replace("+psycopg2", "")
    session = psycopg2.connect(url)
    session.autocommit = True
    return closing(session)


def ask(cluster, role, statement, database="ledger", values=None):
    with connect(cluster, role, database) as session, session.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchone() if cursor.description else None


def server_pid(cluster: Cluster) -> int:
    return int((cluster.place.data / "postmaster.pid").read_text().split()[0])


def test_text_is_unicode_and_sorts_the_same_everywhere(cluster):
    provider, locale, encoding = ask(
        cluster,
        APP,
        "SELECT datlocprovider, datlocale, pg_encoding_to_char(encoding)"
        " FROM pg_database WHERE datname = current_database()",
    )
    assert (provider, locale, encoding) == ("b", "C.UTF-8", "UTF8")
    assert ask(cluster, APP, "SELECT upper('süß'), 'B' < 'a'") == ("SÜß", True)


def test_files_have_checksums_and_time_is_utc(cluster):
    assert ask(cluster, APP, "SHOW data_checksums") == ("on",)
    assert ask(cluster, APP, "SHOW timezone") == ("UTC",)


def test_no_network_port_is_open(cluster):
    assert ask(cluster, APP, "SHOW listen_addresses") == ("",)


def test_owner_makes_tables_in_its_database(cluster):
    ask(cluster, OWNER, "CREATE TABLE made_by_owner (id int)")
    owner = "SELECT tableowner FROM pg_tables WHERE tablename = 'made_by_owner'"
    assert ask(cluster, OWNER, owner) == (OWNER,)


def test_owner_may_hand_functions_to_the_queue_role(cluster):
    member = f"SELECT pg_has_role('{OWNER}', '{QUEUE}', 'SET')"
    assert ask(cluster, SUPERUSER, member) == (True,)
    assert ask(cluster, OWNER, f"SET ROLE {QUEUE}; SELECT current_user") == (QUEUE,)


def test_app_may_make_temporary_tables_only(cluster):
    ask(cluster, APP, "CREATE TEMPORARY TABLE spool (id int)")
    for forbidden in (
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE DATABASE mine",
        "CREATE ROLE mine",
        f"SET ROLE {OWNER}",
    ):
        with pytest.raises(InsufficientPrivilege):
            ask(cluster, APP, forbidden)


def test_the_app_neither_holds_nor_awaits_a_lock_for_long(cluster):
    for name, value in (
        ("idle_in_transaction_session_timeout", "10s"),
        ("lock_timeout", "3s"),
        ("statement_timeout", "30s"),
    ):
        assert ask(cluster, APP, f"SHOW {name}") == (value,)
        assert ask(cluster, OWNER, f"SHOW {name}") == ("0",), "a migration may wait"


def test_app_and_owner_are_no_superusers(cluster):
    special = (
        "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'smartbudget%' AND"
        " (rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication)"
    )
    assert ask(cluster, SUPERUSER, special) == (0,)


def test_queue_role_cannot_log_in(cluster):
    with pytest.raises(psycopg2.OperationalError, match="not permitted to log in"):
        ask(cluster, QUEUE, "SELECT 1")


def test_a_database_is_made_once_and_copied_from_a_template(cluster):
    cluster.create_database("pattern")
    ask(cluster, OWNER, "CREATE TABLE kept AS SELECT 42 AS answer", "pattern")
    cluster.create_database("pattern")
    cluster.create_database('odd "name', template="pattern")
    assert ask(cluster, OWNER, "SELECT answer FROM kept", 'odd "name') == (42,)
    with pytest.raises(InsufficientPrivilege):
        ask(cluster, APP, "CREATE TABLE mine (id int)", 'odd "name')


def test_a_dropped_database_ends_its_sessions(cluster):
    cluster.create_database("gone")
    with connect(cluster, APP, "gone"):
        cluster.drop_database("gone")
    cluster.drop_database("gone")
    with pytest.raises(psycopg2.OperationalError, match="does not exist"):
        ask(cluster, APP, "SELECT 1", "gone")


def test_the_psql_command_opens_the_database_as_superuser(cluster):
    command = f"{cluster.psql_command('ledger')} -Atc 'SELECT current_user'"
    said = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert said.stdout == "postgres\n", said.stderr


def test_callers_at_once_get_the_same_server(cluster):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: embedded.start(cluster.home), range(4)))
    assert {server_pid(one) for one in found} == {server_pid(cluster)}
    assert not any(one.started_here for one in found)


def test_the_socket_is_short_and_private(cluster):
    socket = cluster.sockets / ".s.PGSQL.5432"
    assert len(os.fsencode(socket)) < 107
    found = cluster.sockets.stat()
    assert (found.st_mode & 0o777, found.st_uid) == (0o700, cluster.place.account.uid)


@pytest.mark.parametrize("make", ["open folder", "link"])
def test_a_socket_folder_that_is_not_private_is_not_used(home, tmp_path, make):
    first = embedded.start(home, fast=True)
    first.stop()
    if make == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        first.sockets.symlink_to(tmp_path / "elsewhere")
    else:
        first.sockets.mkdir()
        first.sockets.chmod(0o755)
    second = embedded.start(home, fast=True)
    assert second.sockets != first.sockets
    assert second.sockets.stat().st_mode & 0o777 == 0o700
    assert embedded.start(home, fast=True).sockets == second.sockets
    second.stop()
    first.sockets.unlink() if make == "link" else first.sockets.rmdir()


@needs_root
def test_another_user_gets_no_way_in(cluster):
    nobody = account_of(pwd.getpwnam("nobody").pw_uid)
    with (
        acting_as(nobody),
        pytest.raises(psycopg2.OperationalError, match="Permission denied"),
    ):
        ask(cluster, APP, "SELECT 1")
    cluster.sockets.chmod(0o711)  # nor past an opened door: the server asks as well
    try:
        for role in (APP, OWNER, SUPERUSER, "nobody"):
            with (
                acting_as(nobody),
                pytest.raises(psycopg2.OperationalError, match="Peer authentication"),
            ):
                ask(cluster, role, "SELECT 1")
    finally:
        cluster.sockets.chmod(0o700)


@needs_root
def test_root_serves_through_the_system_user_and_opens_no_folder(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    cluster = embedded.start(closed / "postgres", fast=True)
    try:
        assert cluster.place.account.name == SYSTEM_USER
        assert cluster.moved
        assert cluster.place.folder.stat().st_uid == cluster.place.account.uid
        assert cluster.place.folder.stat().st_mode & 0o777 == 0o700
        assert program(cluster.place.programs, "postgres").startswith("/var/lib/")
        assert closed.stat().st_mode & 0o777 == 0o700
        again = embedded.start(cluster.home, fast=True)
        assert server_pid(again) == server_pid(cluster)
    finally:
        cluster.remove()
    assert not cluster.place.folder.exists()


@needs_root
def test_data_of_a_killed_test_goes_when_its_home_has_gone(tmp_path):
    killed = embedded.start(tmp_path / "killed" / "postgres", fast=True)
    killed.stop()
    shutil.rmtree(killed.home)
    embedded.start(tmp_path / "next", fast=True).remove()
    assert not killed.place.folder.exists()


def test_a_path_longer_than_a_socket_may_be(tmp_path):
    cluster = embedded.start(tmp_path / ("long" * 30) / ("longer" * 30), fast=True)
    assert ask(cluster, SUPERUSER, "SELECT 1", "postgres") == (1,)
    cluster.remove()


def test_committed_rows_survive_a_killed_server(home):
    killed = embedded.start(home)
    killed.create_database("safe")
    ask(killed, OWNER, "CREATE TABLE kept AS SELECT 42 AS answer", "safe")
    with connect(killed, APP, "safe"):
        os.kill(server_pid(killed), signal.SIGKILL)
        killed.process.wait()
    assert (killed.place.data / "postmaster.pid").exists()
    again = embedded.start(home)
    assert ask(again, OWNER, "SELECT answer FROM kept", "safe") == (42,)


def test_a_session_that_outlives_the_server_does_not_block_the_next(home):
    killed = embedded.start(home, fast=True)
    killed.create_database("ledger")
    endless = "SELECT count(*) FROM generate_series(1, 1000000000) a"
    psql = subprocess.Popen(
        f"exec {killed.psql_command('ledger')} -c '{endless}'",
        shell=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    busy = "SELECT count(*) FROM pg_stat_activity WHERE query = %s"
    while ask(killed, SUPERUSER, busy, values=[endless]) != (1,):
        time.sleep(0.01)
    os.kill(server_pid(killed), signal.SIGKILL)
    killed.process.wait()
    again = embedded.start(home, fast=True)
    assert again.started_here
    assert psql.wait() != 0


def test_a_lock_file_with_another_programs_number_is_no_server(home):
    stopped = embedded.start(home, fast=True)
    lock = stopped.place.data / "postmaster.pid"
    lines = lock.read_text().split("\n")
    stopped.stop()
    with acting_as(stopped.place.account):
        lock.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    again = embedded.start(home, fast=True)
    assert again.started_here
    again.stop()
    assert not lock.exists()


def test_an_empty_lock_file_is_no_server(home):
    stopped = embedded.start(home, fast=True)
    stopped.stop()
    with acting_as(stopped.place.account):
        (stopped.place.data / "postmaster.pid").touch()
    assert embedded.start(home, fast=True).started_here


def test_a_first_start_that_was_cut_off_is_begun_anew(tmp_path):
    first = embedded.start(tmp_path / "postgres", fast=True)
    first.stop()
    with acting_as(first.place.account):
        first.place.data.rename(first.place.folder / "data.unfinished")
    second = embedded.start(tmp_path / "postgres", fast=True)
    assert second.place.data.exists()
    assert not (second.place.folder / "data.unfinished").exists()
    second.remove()


def test_the_server_ends_with_a_killed_starter(home):
    script = (
        "import sys, pathlib, os, signal; from webapp import embedded;"
        "c = embedded.start(pathlib.Path(sys.argv[1]), fast=True);"
        "print((c.place.data / 'postmaster.pid').read_text().split()[0], flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(home)], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    again = embedded.start(home, fast=True)
    assert server_pid(again) != int(ended.stdout)
    again.stop()


def test_a_stopped_server_leaves_no_process_and_no_socket(home):
    cluster = embedded.start(home, fast=True)
    cluster.stop()
    assert cluster.process.returncode == 0
    assert not cluster.sockets.exists()
    cluster.stop()


def test_data_of_another_release_is_refused_by_name(home):
    cluster = embedded.start(home, fast=True)
    cluster.stop()
    version = cluster.place.data / "PG_VERSION"
    with acting_as(cluster.place.account):
        version.write_text("15\n")
    with pytest.raises(embedded.EmbeddedError, match="written by PostgreSQL 15"):
        embedded.start(home, fast=True)
    with acting_as(cluster.place.account):
        version.write_text("18\n")


def test_pg_variables_of_the_caller_change_nothing(home, monkeypatch):
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    embedded.start(home, fast=True).stop()
