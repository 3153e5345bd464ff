"""How the programs that tests drive are found, with small scripts in their place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.setup.test_makefile import ROOT, program

BROWSER = "echo '<p>it works'"
BROKEN = "echo 'error while loading shared libraries' >&2; exit 127"
# Lists are empty at first, as on a fresh machine.
MANAGER = """
case "$*" in
update) : > "$LISTS" ;;
*) [ -e "$LISTS" ] || { echo "E: Unable to locate package"; exit 100; }
   for name in chromium nginx; do
      case "$*" in *" $name"*) /bin/cp "$MADE" "$BIN/$name" ;; esac
   done
   case "$*" in *pgbouncer*) echo "E: no pgbouncer for you"; exit 100 ;; esac ;;
esac
"""


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def find(bin_folder: Path, script: str) -> str:
    """Ask setup.tools with nothing but that folder to look in."""
    folder = bin_folder.parent
    code = (
        f"from setup import tools; tools.SEARCH = {os.fspath(bin_folder)!r}; {script}"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={
            "PYTHONPATH": str(ROOT),
            "PATH": str(bin_folder),
            "BIN": str(bin_folder),
            "LISTS": str(folder / "lists"),
            "MADE": str(program(folder, "made", BROWSER)),
        },
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


def notes(bin_folder: Path) -> dict[str, str]:
    cache = bin_folder.parent / ".cache"
    return {note.name: note.read_text().strip() for note in cache.iterdir()}


NO_DOWNLOAD = "tools.playwright_chromium = lambda: None; tools.main()"


def allow(bin_folder: Path) -> None:
    program(bin_folder, "apt-get", MANAGER)
    program(bin_folder, "sudo", '[ "$1" = -n ] && shift; exec "$@"')
    for name in ("sh", "rm", "chmod", "true"):
        (bin_folder / name).symlink_to(f"/bin/{name}")


def test_a_system_browser_that_works_is_taken(bin_folder):
    program(bin_folder, "chromium", BROKEN)
    working = program(bin_folder, "google-chrome", BROWSER)
    find(bin_folder, NO_DOWNLOAD)
    assert notes(bin_folder)["chromium"] == str(working)


def test_what_is_missing_comes_from_the_package_manager(bin_folder):
    allow(bin_folder)
    find(bin_folder, NO_DOWNLOAD)
    assert notes(bin_folder) == {
        "chromium": f"{bin_folder}/chromium",
        "nginx": f"{bin_folder}/nginx",
        "pgbouncer": "not found: E: no pgbouncer for you",
    }


def test_why_there_is_none_is_said_in_one_line(bin_folder):
    said = find(bin_folder, NO_DOWNLOAD)
    assert notes(bin_folder)["chromium"].startswith("not found: no package manager")
    assert said.count("\n") == 3


def test_a_program_once_found_is_not_looked_for_again(bin_folder):
    program(bin_folder, "chromium", BROWSER)
    find(bin_folder, NO_DOWNLOAD)
    find(bin_folder, "tools.opens_page = None; " + NO_DOWNLOAD)


def test_without_root_or_sudo_nothing_is_installed(bin_folder):
    program(bin_folder, "apt-get", MANAGER)
    code = "from setup import packages; packages.os.geteuid = lambda: 1000; "
    find(bin_folder, code + NO_DOWNLOAD)
    assert "neither root nor sudo" in notes(bin_folder)["nginx"]
    assert not (bin_folder.parent / "lists").exists()
