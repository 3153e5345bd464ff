"""The programs that a run consists of: started, waited for, watched, stopped."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from webapp.embedded.tie import tied

LOGS = Path("var") / "log"
LOG_BYTES = 10_000_000
LAST_LINES = 15
READY_SECONDS = 60
SHORT, LONG = 0.03, 0.25  # seconds between two looks


class Stopped(Exception):
    """Somebody asked the run to stop."""


class Died(Exception):
    """A program of the run ended that should not have."""


@dataclass(frozen=True)
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path
    log_began: int

    def last_words(self) -> str:
        said = self.log.read_bytes()[self.log_began :].decode(errors="replace")
        lines = said.splitlines()[-LAST_LINES:]
        return "\n".join([f", the last lines of {self.log}:", *lines])


class Children:
    """The children of one run, and whether somebody asked it to stop."""

    def __init__(self) -> None:
        self.running: list[Child] = []
        self.asked_to_stop = False
        self.terminal = select.poll()
        if os.isatty(1):
            self.terminal.register(1, 0)  # 0: tell only that it has gone

    def listen(self) -> None:
        """Take the signals that mean: stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup ignores SIGHUP for us; a shell's background job ignores SIGINT
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.asked_to_stop = True

    def start(
        self,
        name: str,
        module: list[str],
        environment: Mapping[str, str],
        shown: bool = False,
    ) -> Child:
        """Run a Python module as a child; its log has all, or its errors only."""
        log = fresh_log(name)
        began = log.stat().st_size
        with open(log, "ab") as output:
            process = subprocess.Popen(  # noqa: S603  no shell, and our own words only
                tied([sys.executable, "-m", *module], signal.SIGTERM),
                env={**environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=None if shown else output,
                stderr=output,
                # Ctrl-C reaches this process alone, which stops them in order.
                start_new_session=True,
            )
        child = Child(name, process, log, began)
        self.running.append(child)
        return child

    def wait_until(self, is_ready: Callable[[], bool], who: str) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            if time.monotonic() > deadline:
                words = "".join(
                    one.last_words() for one in self.running if one.name == who
                )
                raise Died(f"{who} was not ready after {READY_SECONDS} s{words}")
            self._turn(SHORT)

    def finish(self, child: Child) -> None:
        """Wait for one that is meant to end, and well."""
        while child.process.poll() is None:
            self._turn(SHORT, child)
        self.running.remove(child)
        if child.process.returncode:
            raise Died(f"{child.name} failed{child.last_words()}")

    def watch(self, is_well: Callable[[], bool], who: str) -> None:
        """Return never: somebody asks to stop, or a child dies."""
        while is_well():
            self._turn(LONG)
        raise Died(f"{who} stopped by itself")

    def _turn(self, seconds: float, ending: Child | None = None) -> None:
        # Nothing but make hears of a closed terminal when make was started without a
        # shell, and make just waits.
        if self.asked_to_stop or self.terminal.poll(0):
            raise Stopped
        for child in self.running:
            if child is not ending and child.process.poll() is not None:
                raise Died(f"{child.name} stopped by itself{child.last_words()}")
        time.sleep(seconds)

    def stop(self, names: Iterable[str], seconds: float) -> None:
        """Ask these to end, and end those that do not."""
        going = [child for child in self.running if child.name in set(names)]
        for child in going:
            _signal(child, signal.SIGTERM, group=False)
        deadline = time.monotonic() + seconds
        for child in going:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0, deadline - time.monotonic()))
            # whatever it has started itself goes along
            _signal(child, signal.SIGKILL, group=True)
            child.process.wait()
            self.running.remove(child)


def _signal(child: Child, number: signal.Signals, group: bool) -> None:
    with suppress(ProcessLookupError):
        if group:
            os.killpg(child.process.pid, number)
        elif child.process.poll() is None:
            os.kill(child.process.pid, number)


def fresh_log(name: str) -> Path:
    """The log to append to; a big one makes room first."""
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{name}.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(LOGS / f"{name}.log.1")
    log.touch(mode=0o600)
    return log
