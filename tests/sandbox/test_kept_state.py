"""The bank's state outlives a restart and a kill -9; it starts and stops cleanly."""

import signal
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT, free_port, start_bank, stop_bank


def test_killed_and_started_again(tmp_path: Path) -> None:
    port = free_port()
    bank = start_bank(tmp_path, port=port)
    token = bank.link("user_load_50")
    first = bank.ok("/transactions/sync", access_token=token, count=20)
    bank.control("settings", historical_delay=3)
    bank.process.kill()
    bank.process.wait()
    assert bank.process.stdout is not None
    bank.process.stdout.close()
    again = start_bank(tmp_path, port=port)
    rest = again.sync(token, first["next_cursor"])
    assert len(first["added"]) + len(rest["added"]) == 50
    assert again.get("/_control/state")["settings"]["historical_delay"] == 3
    assert again.get("/_control/state")["settings"]["rate_limits"] is True
    assert stop_bank(again) == 0


def test_interrupt_ends_it_and_a_taken_port_is_said(tmp_path: Path) -> None:
    bank = start_bank(tmp_path)
    command = [sys.executable, "-m", "webapp.sandbox", "--port", str(bank.port)]
    second = subprocess.run(
        [*command, "--data", str(tmp_path / "b")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert second.returncode != 0
    assert second.stderr.count("\n") == 1
    bank.process.send_signal(signal.SIGINT)
    assert bank.process.wait(timeout=10) == 0
    assert bank.process.stdout is not None
    bank.process.stdout.close()
