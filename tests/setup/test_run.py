"""`make run`'s supervisor, with a small app in the real one's place."""

import os
import pty
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.setup.standin import Run, make_project
from webapp import embedded


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    folder = make_project(tmp_path / "a project's folder")
    yield folder
    if (folder / "var/postgres").exists():
        embedded.start(folder / "var/postgres", fast=True).remove()
    shutil.rmtree(folder)


# For tests that need neither data nor bank: the stand-in never connects.
ELSEWHERE = {"DATABASE_URL": "postgresql://someone:secret@db.example/money"}
LIVE = {"APP_MODE": "live", **ELSEWHERE}


def wait_for_nothing(run: Run) -> None:
    deadline = time.monotonic() + 30
    while (left := run.programs()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def test_the_first_run_seeds_and_says_where_everything_is(project, tmp_path):
    (tmp_path / "empty").mkdir()
    run = Run(project, PATH=os.fspath(tmp_path / "empty")).until_up()
    said = run.said()
    assert f"http://127.0.0.1:{run.port}" in said
    assert "APP_MODE=live" in said
    assert "bin/psql" in said
    assert "var/log" in said
    assert (project / "seeds").read_text() == "x"
    assert run.get("/environment/PLAID_HOST") == f"http://127.0.0.1:{run.sandbox_port}"
    assert run.get("/environment/PLAID_SECRET") == "sandbox"
    assert "smartbudget_app@/" in run.get("/environment/DATABASE_URL")
    assert "smartbudget_owner@/" in run.get("/environment/DATABASE_OWNER_URL")
    assert run.stop() == 0
    wait_for_nothing(run)

    again = Run(project).until_up()
    assert (project / "seeds").read_text() == "x"
    assert again.stop(signal.SIGTERM) == 0


def test_a_killed_run_leaves_nothing_and_the_next_one_works(project):
    killed = Run(project).until_up()
    assert len(killed.programs()) >= 5
    killed.stop(signal.SIGKILL)
    again = Run(
        project, PORT=str(killed.port), SANDBOX_PORT=str(killed.sandbox_port)
    ).until_up()
    again.stop(signal.SIGHUP)
    wait_for_nothing(again)


def test_a_second_run_in_the_same_folder_is_refused(project):
    first = Run(project, **LIVE).until_up()
    (project / "output").rename(project / "first")
    second = Run(project)
    assert second.ended() == 1
    assert second.said().count("\n") == 1
    assert "already runs" in second.said()
    assert f"127.0.0.1:{first.port}" in second.said()
    assert first.stop() == 0


@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_a_taken_port_is_said_in_one_line(project, name):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = Run(project, **{name: str(port)})
        assert run.ended() == 1
    assert run.said() == (
        f"Port {port} is taken by another program: choose another one with {name}=\n"
    )
    assert not (project / "var/postgres").exists()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"PORT": "eight"}, "PORT must be a number from 1 to 65535, not 'eight'"),
        ({"PORT": "65535", "SANDBOX_PORT": ""}, "SANDBOX_PORT must be a number"),
        ({"PORT": "9", "SANDBOX_PORT": "9"}, "PORT and SANDBOX_PORT are both 9"),
        ({"APP_MODE": "prod"}, "APP_MODE must be demo or live, not 'prod'"),
    ],
)
def test_a_setting_without_sense_is_named(project, settings, complaint):
    run = Run(project, **settings)
    assert run.ended() == 1
    assert run.said().startswith(complaint)
    assert run.said().count("\n") == 1


def test_a_child_that_dies_is_named_with_its_last_words(project):
    run = Run(project, FAULT="no-worker", **LIVE)
    assert run.ended() == 1
    assert "worker stopped by itself" in run.said()
    assert "the worker's last word" in run.said()
    wait_for_nothing(run)


def test_a_closed_terminal_stops_everything(project):
    ours, its = pty.openpty()
    run = Run(project, its, **LIVE)
    os.close(its)
    while not (project / "var/log/web.log").exists():
        time.sleep(0.02)
    os.close(ours)
    assert run.ended() == 0
    wait_for_nothing(run)


def test_a_schema_that_cannot_be_made_stops_the_start(project):
    run = Run(project, FAULT="no-schema", **LIVE)
    assert run.ended() == 1
    assert "PLAID_SECRET is missing" in run.said()
    assert "SmartBudget is up" not in run.said()
    wait_for_nothing(run)


def test_live_mode_starts_no_bank_and_reads_the_env_file(project):
    (project / ".env").write_text("APP_MODE=live\nPLAID_SECRET=from-the-file\n")
    run = Run(project, **ELSEWHERE).until_up()
    assert run.get("/environment/PLAID_SECRET") == "from-the-file"
    assert run.get("/environment/PLAID_HOST") == ""
    assert "Log in as" not in run.said()
    assert not (project / "seeds").exists()
    assert not any("webapp.sandbox" in line for line in run.programs())
    assert run.stop() == 0


def test_a_database_of_yours_is_used(project):
    run = Run(project, **ELSEWHERE).until_up()
    assert run.get("/environment/DATABASE_URL") == ELSEWHERE["DATABASE_URL"]
    assert run.get("/environment/DATABASE_OWNER_URL") == ""
    assert "secret" not in run.said()
    assert not (project / "var/postgres").exists()
    assert run.stop() == 0
