"""Starts the simulated bank as its own process and speaks to its control API."""

import datetime as dt
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Bank:
    """The bank's address, and what a test may do to it."""

    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, data: Path) -> None:
        arguments = ["--port", str(self.port), "--data", str(data)]
        with (data / "bank.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp.sandbox", *arguments],
                cwd=ROOT, stdout=log, stderr=log,
            )  # fmt: skip
        wait_for(self.url + "/", self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(10)

    def control(self, path: str, **body: Any) -> Any:
        return self.post(f"/_control/{path}", body)

    def state(self) -> Any:
        """Items, clock, settings and faults, as the bank has them now."""
        with urllib.request.urlopen(f"{self.url}/_control/state", timeout=30) as answer:
            return json.load(answer)

    def count_calls(self, endpoint: str, item_id: str = "") -> int:
        """How often the endpoint was called since the start of the test.

        For one item where that can be told: a call that an earlier test left behind
        may end only now.
        """
        if item_id:
            query = urllib.parse.urlencode({"endpoint": endpoint, "item_id": item_id})
            return len(self.get(f"/_control/calls?{query}")["calls"])
        return int(self.get("/_control/calls")["counts"].get(endpoint, 0))

    def fault(self, endpoint: str, **switch: Any) -> None:
        """What goes wrong with the next call of the endpoint; see faults.Fault."""
        self.control("faults", endpoint=endpoint, **switch)

    def plaid(self, path: str, **body: Any) -> Any:
        """A call of Plaid's API with the demo keys."""
        return self.post(path, {"client_id": "sandbox", "secret": "sandbox", **body})

    def set_clock(self, now: dt.datetime | None) -> None:
        self.control("clock", now=now.isoformat() if now else None)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Until the address answers anything at all. Raises if the process ends first."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise RuntimeError(f"process for {url} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"{url} did not answer")
