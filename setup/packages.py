"""The distribution's package manager, where we may use it without asking."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from setup.command import run

MANAGERS = {
    "apt-get": ["install", "-y", "--no-install-recommends"],
    "dnf": ["install", "-y", "--setopt=install_weak_deps=False"],
    "apk": ["add"],
    "pacman": ["-S", "--noconfirm", "--needed"],
}
UPDATE = {
    "apt-get": ["update"],
    "dnf": ["makecache"],
    "apk": ["update"],
    "pacman": ["-Sy"],
}
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# What a package is called where its name is not the one we use.
NAMES = {
    ("apt-get", "chromium"): ["chromium", "fonts-liberation"],
    ("dnf", "chromium"): ["chromium-headless", "liberation-fonts"],
    ("apk", "chromium"): ["chromium", "font-liberation"],
    ("pacman", "chromium"): ["chromium", "ttf-liberation"],
    ("apt-get", "venv"): [f"python{VERSION}-venv"],
}
SECONDS = 900
NO_START = Path("/usr/sbin/policy-rc.d")


def manager() -> str | None:
    return next((name for name in MANAGERS if shutil.which(name)), None)


def privilege() -> list[str] | None:
    """What makes a command root's: nothing for root, sudo if it asks no password."""
    if os.geteuid() == 0:
        return []
    if not shutil.which("sudo"):
        return None
    return ["sudo", "-n"] if run(["sudo", "-n", "true"]).succeeded else None


def install(name: str) -> str | None:
    """Install it; what is returned says in one line why that was not possible."""
    tool, prefix = manager(), privilege()
    names = NAMES.get((tool or "", name), [name])
    if tool is None:
        return f"no package manager known to us: install {' '.join(names)} by hand"
    if prefix is None:
        return f"neither root nor sudo without a password: {tool} {' '.join(names)}"
    print(f"  installing {' '.join(names)} with {tool} ...", flush=True)
    command = [*prefix, tool, *MANAGERS[tool], *names]
    with services_kept_off(tool, prefix):
        done = run(command, SECONDS)
        if not done.succeeded:
            # The lists of packages may be empty or old.
            done = run([*prefix, tool, *UPDATE[tool]], SECONDS)
            done = run(command, SECONDS) if done.succeeded else done
    return None if done.succeeded else done.last_line


@contextmanager
def services_kept_off(tool: str, prefix: list[str]) -> Iterator[None]:
    """Debian starts a server when it is installed; tests need just its program."""
    if tool != "apt-get" or NO_START.exists():
        yield
        return
    script = f"printf '#!/bin/sh\\nexit 101\\n' > {NO_START} && chmod +x {NO_START}"
    run([*prefix, "sh", "-c", script])
    try:
        yield
    finally:
        run([*prefix, "rm", "-f", str(NO_START)])
