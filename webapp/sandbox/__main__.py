"""python -m webapp.sandbox --port N --data DIR"""

import argparse
import socket
import sys
import time
from pathlib import Path

from .server import serve


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m webapp.sandbox",
        description="A simulated bank that speaks Plaid's API. Client id and secret are"
        " 'sandbox'. Nothing in it is real.",
    )
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--data", type=Path, required=True, help="folder for its state")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--no-rate-limits",
        action="store_true",
        help="for load tests, until switched on",
    )
    given = parser.parse_args()
    if not _becomes_free(given.host, given.port):
        sys.exit(f"The simulated bank cannot start: port {given.port} is taken.")
    behaviour = {"rate_limits": False} if given.no_rate_limits else {}
    serve(given.host, given.port, given.data, behaviour)


def _becomes_free(host: str, port: int) -> bool:
    """A bank that was killed a moment ago may hold the port a little longer."""
    for _ in range(10):
        if _is_free(host, port):
            return True
        time.sleep(0.1)
    return False


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


main()
