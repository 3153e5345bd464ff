"""Finds or installs the programs that tests drive, and notes where they are.

Each leaves a file `.cache/<name>`: the program's path, or why there is none.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from setup import packages
from setup.command import run

CACHE = Path(".cache")
SEARCH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
CHROMIUM = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "/usr/lib64/chromium-browser/headless_shell",
]
SERVERS = ["pgbouncer", "nginx"]
START_SECONDS = 60


def main() -> None:
    CACHE.mkdir(exist_ok=True)
    for name in ("chromium", *SERVERS):
        note = CACHE / name
        if not is_noted(note):
            found = chromium() if name == "chromium" else server(name)
            note.write_text(f"{found}\n")
        print(f"  {name}: {note.read_text().strip()}", flush=True)


def is_noted(note: Path) -> bool:
    if not note.exists():
        return False
    text = note.read_text().strip()
    return text.startswith("/") and os.access(text, os.X_OK)


def server(name: str) -> str:
    """Its path, or why there is none."""
    error = None
    if not shutil.which(name, path=SEARCH):
        error = packages.install(name)
    return shutil.which(name, path=SEARCH) or f"not found: {error}"


def chromium() -> str:
    """A path that starts a browser, or why there is none."""
    found = working_chromium()
    if found:
        return found
    refused = packages.install("chromium")
    found = working_chromium() or playwright_chromium()
    return found or f"not found: {refused}; nor could Playwright download one"


def working_chromium() -> str | None:
    paths = (shutil.which(name, path=SEARCH) for name in CHROMIUM)
    return next((path for path in paths if path and opens_page(path)), None)


def playwright_chromium() -> str | None:
    print("  downloading Chromium with Playwright ...", flush=True)
    playwright = [sys.executable, "-m", "playwright"]
    run([*playwright, "install", "chromium"], shown=True)
    path = playwright_path()
    if path and not opens_page(path) and packages.privilege() is not None:
        run([*playwright, "install-deps", "chromium"])
    return path if path and opens_page(path) else None


def playwright_path() -> str | None:
    script = (
        "from playwright.sync_api import sync_playwright as p\n"
        "with p() as found: print(found.chromium.executable_path)"
    )
    path = run([sys.executable, "-c", script]).output.strip()
    return path if os.access(path, os.X_OK) else None


def opens_page(path: str) -> bool:
    """Whether it shows a page here: Ubuntu's is a stub, others lack a library."""
    page = "data:text/html,<p>it works"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"]
        command = [path, *options, f"--user-data-dir={profile}", page]
        return "it works" in run(command, START_SECONDS).output


if __name__ == "__main__":
    main()
