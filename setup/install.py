"""Makes .venv and installs pinned packages into it, showing how far it is.

python3 -m setup.install requirements.txt
"""

import fcntl
import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

from setup import packages
from setup.command import run
from setup.progress import Progress

VENV = Path(".venv")
LOCK = Path(".cache") / "install.lock"
PYTHON = VENV / "bin" / "python"
PIP = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input"]


def main(name: str) -> None:
    LOCK.parent.mkdir(exist_ok=True)
    with open(LOCK, "w") as lock:
        # `make run` and `make test` may be called at the same moment.
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = with_included(Path(name))
        if not is_installed(files[0]):
            make_venv()
            install(files)
            for file in files:
                stamp(file).write_text(fingerprint(file))


def with_included(file: Path) -> list[Path]:
    """A requirements file and those that it includes by `-r`."""
    lines = file.read_text().splitlines()
    names = [line.split()[1] for line in lines if line.startswith("-r ")]
    included = [found for name in names for found in with_included(file.parent / name)]
    return [file, *included]


def fingerprint(file: Path) -> str:
    """Changes with the packages, with Python, and when the project was moved."""
    contents = [part.read_bytes() for part in with_included(file)]
    place = [os.fsencode(Path.cwd()), os.fsencode(PYTHON.resolve())]
    return hashlib.sha256(b"\0".join([*contents, *place])).hexdigest()


def stamp(file: Path) -> Path:
    return VENV / f".installed-{file.stem}"


def is_installed(file: Path) -> bool:
    found = stamp(file)
    return PYTHON.exists() and found.exists() and found.read_text() == fingerprint(file)


def make_venv() -> None:
    if PYTHON.exists() and run([*PIP, "--version"]).succeeded:
        return
    print("Making .venv ...", flush=True)
    try:
        import ensurepip  # noqa: F401  Debian and Ubuntu leave it out
    except ImportError:
        error = packages.install("venv")
        if error:
            sys.exit(f"Python has no ensurepip, which .venv needs: {error}")
    venv.EnvBuilder(symlinks=True, clear=True).create(VENV)
    made = run([str(PYTHON), "-m", "ensurepip", "--upgrade", "--default-pip"])
    if not made.succeeded:
        sys.exit(f"pip could not be put into .venv: {made.last_line}")


def install(files: list[Path]) -> None:
    pins = [line for file in files for line in file.read_text().splitlines()]
    total = sum(line[:1].isalnum() for line in pins)
    command = [*PIP, "install", "--progress-bar", "off", "-r", str(files[0])]
    with subprocess.Popen(  # noqa: S603  no shell, and our own words only
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    ) as pip:
        said = Progress(total).follow(pip.stdout or [])
    if pip.returncode:
        print(*said[-15:], sep="\n", file=sys.stderr)
        sys.exit(f"The packages of {files[0]} could not be installed, see above.")


if __name__ == "__main__":
    main(sys.argv[1])
