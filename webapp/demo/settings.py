"""What `make run` must know before anything runs. All the rest is config.py's."""

import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

LAST_PORT = 65535
DATABASES = {"demo": "smartbudget_demo", "live": "smartbudget"}


class Refusal(Exception):
    """Why it does not run, for the person at the terminal."""


@dataclass(frozen=True)
class Settings:
    """`given` is the environment over `.env`, without the empty ones."""

    given: Mapping[str, str]
    mode: str
    port: int
    sandbox_port: int

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def database(self) -> str:
        """One for each mode: invented money never mixes with real."""
        return DATABASES[self.mode]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def bank(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def environment(self, app_url: str, owner_url: str | None) -> dict[str, str]:
        """What every child is told."""
        told = {"DATABASE_URL": app_url, "PORT": str(self.port)}
        if owner_url:
            told["DATABASE_OWNER_URL"] = owner_url
        if not self.is_demo:
            return {"PUBLIC_URL": self.address, **self.given, **told}
        return {
            **self.given,
            **told,
            "APP_MODE": "demo",
            "PUBLIC_URL": self.address,
            "PLAID_HOST": self.bank,
            "PLAID_LINK_SCRIPT_URL": f"{self.bank}/link/v2/stable/link-initialize.js",
            "PLAID_CLIENT_ID": "sandbox",
            "PLAID_SECRET": "sandbox",
            "PLAID_ENV": "sandbox",
        }


def read(environ: Mapping[str, str], file: Path) -> Settings:
    """Raises Refusal for a setting that makes no sense."""
    given = {**dotenv_values(file), **environ}
    set_ones = {name: value for name, value in given.items() if value}
    mode = set_ones.get("APP_MODE", "demo")
    if mode not in DATABASES:
        raise Refusal(f"APP_MODE must be demo or live, not {mode!r}")
    port = _port("PORT", set_ones.get("PORT", "8000"))
    sandbox_port = _port("SANDBOX_PORT", set_ones.get("SANDBOX_PORT", str(port + 1)))
    if mode == "demo" and port == sandbox_port:
        raise Refusal(f"PORT and SANDBOX_PORT are both {port}: choose two")
    return Settings(set_ones, mode, port, sandbox_port)


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= LAST_PORT:
        raise Refusal(f"{name} must be a number from 1 to {LAST_PORT}, not {text!r}")
    return int(text)


def check_ports(settings: Settings, patience: float) -> None:
    """Raises Refusal naming a taken port; a killed run may need `patience` seconds."""
    _check_port("PORT", settings.port, patience)
    if settings.is_demo:
        _check_port("SANDBOX_PORT", settings.sandbox_port, patience)


def _check_port(name: str, port: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while fault := _fault(port):
        if time.monotonic() >= deadline:
            raise Refusal(f"Port {port} {fault}: choose another one with {name}=")
        time.sleep(0.1)


def _fault(port: int) -> str | None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "is for root only"
        except OSError:
            return "is taken by another program"
    return None
