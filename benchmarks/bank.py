"""How fast the simulated bank is: a table, and one JSON line a figure.

`python -m benchmarks.bank`, or `bank` among the names of `make bench`.
"""

import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, as_table

GOAL = "what the simulated bank must show"
ROOT = Path(__file__).resolve().parents[1]
KEYS = {"client_id": "sandbox", "secret": "sandbox"}
PAGE = 500
CLIENTS = 8
MIB = 1024 * 1024


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port)
        self._connection.connect()
        sock = self._connection.sock
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def raw(self, path: str, **body: Any) -> bytes:
        data = json.dumps({**KEYS, **body}).encode()
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", path, data, headers)
        response = self._connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(answer[:500])
        return answer

    def link(self, rows: int) -> str:
        public = json.loads(
            self.raw(
                "/sandbox/public_token/create",
                institution_id="ins_109508",
                initial_products=["transactions"],
                options={
                    "override_username": f"user_load_{rows}",
                    "transactions": {"days_requested": 730},
                },
            )
        )
        answer = self.raw(
            "/item/public_token/exchange", public_token=public["public_token"]
        )
        return str(json.loads(answer)["access_token"])

    def page(self, token: str, cursor: str) -> bytes:
        return self.raw(
            "/transactions/sync", access_token=token, cursor=cursor, count=PAGE
        )

    def drain(self, token: str) -> int:
        """Read all pages without decoding the rows; how many pages there were."""
        cursor, pages, more = "", 0, True
        while more:
            body = self.page(token, cursor)
            tail = body[body.rindex(b'"has_more"') :]
            more = tail.startswith(b'"has_more":true')
            start = tail.index(b'"next_cursor":"') + len(b'"next_cursor":"')
            cursor = tail[start : tail.index(b'"', start)].decode()
            pages += 1
        return pages


def milliseconds(work: Callable[[], Any], times: int) -> list[float]:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def memory(pid: int) -> float:
    """Resident MiB of a process and its children, without what they share."""
    pids = [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if children.exists():
        pids += [int(word) for word in children.read_text().split()]
    total = 0
    for one in pids:
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total / MIB


def disk(directory: Path) -> float:
    return sum(file.stat().st_size for file in directory.iterdir()) / MIB


def together(port: int, token: str, rounds: int) -> float:
    """Transactions a second that eight clients drain at the same time."""
    pages: list[int] = []

    def work() -> None:
        client = Client(port)
        pages.append(sum(client.drain(token) for _ in range(rounds)))

    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(pages) * PAGE / (time.perf_counter() - started)


def figures_of(port: int, pid: int, directory: Path) -> list[Figure]:
    client = Client(port)
    started = time.perf_counter()
    ten = client.link(10_000)
    made_ten = time.perf_counter() - started
    pages = milliseconds(lambda: client.page(ten, ""), 200)
    rate = together(port, ten, 4)
    on_disk = disk(directory)
    started = time.perf_counter()
    hundred = client.link(100_000)
    made_hundred = time.perf_counter() - started
    first = milliseconds(lambda: client.page(hundred, ""), 1)[0]
    started = time.perf_counter()
    client.drain(hundred)
    drained = time.perf_counter() - started
    return [
        Figure("bank: page of 500, median", statistics.median(pages), "ms", 15, GOAL),
        Figure("bank: page of 500, p95", statistics.quantiles(pages, n=20)[18], "ms"),
        Figure("bank: a million rows to 8 clients", 1e6 / rate, "s", 50, GOAL),
        Figure("bank: item of 10,000 made", made_ten, "s"),
        Figure("bank: item of 100,000 made", made_hundred, "s"),
        Figure("bank: item of 100,000, first page", first, "ms", 200, GOAL),
        Figure("bank: item of 100,000, all pages", drained, "s"),
        Figure("bank: item of 100,000, memory", memory(pid), "MiB", 300, GOAL),
        Figure("bank: item of 100,000, disk", disk(directory) - on_disk, "MiB"),
    ]


def measure(place: object = None) -> list[Figure]:
    """In a bank of its own, so that it does not matter what others left behind."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "webapp.sandbox", "--no-rate-limits"]
        process = subprocess.Popen(
            [*command, "--port", str(port), "--data", name],
            cwd=ROOT,
            stdout=subprocess.PIPE,
        )
        try:
            if process.stdout is not None:
                process.stdout.readline()
            return figures_of(port, process.pid, Path(name))
        finally:
            process.terminate()
            process.wait()


def main() -> None:
    figures = measure()
    print(as_table(figures))
    for figure in figures:
        print(figure.as_json())


if __name__ == "__main__":
    main()
