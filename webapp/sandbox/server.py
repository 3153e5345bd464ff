"""gunicorn inside the bank's own process: one worker with many threads."""

import sys
from pathlib import Path
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication

from .http import create_bank_app
from .outbox import start_background

THREADS = 32


class _Server(BaseApplication):
    def __init__(
        self, host: str, port: int, directory: Path, behaviour: dict[str, Any]
    ):
        self._directory = directory
        self._behaviour = behaviour
        self._address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        super().__init__()

    def load_config(self) -> None:
        for name, value in {
            "bind": [self._address],
            "worker_class": "gthread",
            "workers": 1,
            "threads": THREADS,
            "keepalive": 75,
            "graceful_timeout": 1,
            "timeout": 0,
            "accesslog": None,
            "loglevel": "error",
            "control_socket_disable": True,
            "when_ready": self._say_ready,
            "post_worker_init": _worker_ready,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_bank_app(self._directory, self._behaviour)

    def _say_ready(self, server: Any) -> None:
        host = ":".join(str(part) for part in server.LISTENERS[0].getsockname()[:2])
        sys.stdout.write(f"The simulated bank listens on http://{host}\n")
        sys.stdout.flush()


def _worker_ready(worker: Any) -> None:
    start_background(worker.wsgi.extensions["bank"])


def serve(host: str, port: int, directory: Path, behaviour: dict[str, Any]) -> None:
    """Run until SIGTERM or SIGINT."""
    _Server(host, port, directory, behaviour).run()
