"""The bank's state outlives a restart and a kill -9; it starts and stops cleanly."""

import signal
import subprocess
import sys
from pathlib import Path

from .conftest import ROOT, free_port, start_bank, stop_bank


def test_killed_started_again_and_interrupted(tmp_path: Path) -> None:
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
    assert refused(again.port, tmp_path / "b").count("\n") == 1
    assert stop_bank(again, signal.SIGINT) == 0


def refused(port: int, data: Path) -> str:
    """What a second bank says to a port that is taken."""
    command = [sys.executable, "-m", "webapp.sandbox", "--port", str(port)]
    second = subprocess.run(
        [*command, "--data", str(data)], cwd=ROOT, capture_output=True, text=True
    )
    assert second.returncode != 0
    return second.stderr
