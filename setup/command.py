"""Runs other programs; what they say is kept, or shown as it comes."""

import os
import subprocess
from dataclasses import dataclass

LINE = 120  # enough to tell why, short enough for a terminal


@dataclass(frozen=True)
class Outcome:
    succeeded: bool
    output: str

    @property
    def last_line(self) -> str:
        lines = [line for line in self.output.splitlines() if line.strip()]
        return lines[-1].strip()[:LINE] if lines else "it said nothing"


def run(command: list[str], seconds: int | None = None, shown: bool = False) -> Outcome:
    """Run it to its end, or to the end of its time."""
    kept = None if shown else subprocess.PIPE
    try:
        done = subprocess.run(  # noqa: S603  no shell, and our own words only
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=kept,
            stderr=None if shown else subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"{command[0]} took longer than {seconds} s")
    except OSError as error:
        return Outcome(False, str(error))
    return Outcome(done.returncode == 0, done.stdout or "")
