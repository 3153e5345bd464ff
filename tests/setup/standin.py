"""A project folder with a small app in the real one's place, for the supervisor."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
APP = """
import os, signal, sys, time
from pathlib import Path
from flask import Flask

app = Flask(__name__)

@app.get("/readyz")
def readyz():
    return "ok"

@app.get("/environment/<name>")
def environment(name):
    return os.environ.get(name, "")

@app.cli.command("init-db")
def init_db():
    if "no-schema" in os.environ.get("FAULT", ""):
        sys.exit("Settings: PLAID_SECRET is missing")

@app.cli.command("worker")
def worker():
    if "no-worker" in os.environ.get("FAULT", ""):
        sys.exit("the worker's last word")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(1)

@app.cli.command("seed-demo")
def seed_demo():
    with open("seeds", "a") as seeds:
        seeds.write("x")
"""


def make_project(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "wsgi.py").write_text(APP)
    (folder / "gunicorn.conf.py").write_text("workers = 1\n")
    return folder


def free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        for probe in (one, two):
            probe.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]


class Run:
    """One `python -m webapp.demo` in such a folder."""

    def __init__(
        self, folder: Path, terminal: int | None = None, **settings: str
    ) -> None:
        self.folder = folder
        self.port, self.sandbox_port = free_ports()
        kept = ("PATH", "HOME", "USER")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        environment |= {
            "PYTHONPATH": str(ROOT),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(self.sandbox_port),
            **settings,
        }
        self.output = folder / "output"
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "webapp.demo"],
                cwd=folder,
                env=environment,
                stdout=output if terminal is None else terminal,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def until_up(self) -> "Run":
        while "Ctrl-C stops everything" not in self.said():
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)
        return self

    def get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def ended(self) -> int:
        return self.process.wait(60)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.ended()

    def programs(self) -> list[str]:
        """What still runs because of this folder, by command line."""
        socket_folder = self._postgres_data()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                found += [self._command(entry)] if self._is_ours(entry) else []
        return [line for line in found if line] + socket_folder

    def _is_ours(self, entry: Path) -> bool:
        try:
            return (entry / "cwd").resolve() == self.folder.resolve()
        except OSError:
            return False

    @staticmethod
    def _command(entry: Path) -> str:
        try:
            return (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""

    def _postgres_data(self) -> list[str]:
        return [str(found) for found in self.folder.glob("var/postgres/data/*.pid")]
