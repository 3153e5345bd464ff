"""Where a cluster's files and its socket lie, and who may reach them."""

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from webapp.embedded import programs
from webapp.embedded.account import (
    SYSTEM_USER,
    Account,
    EmbeddedError,
    account_of,
    acting_as,
    run,
    system_account,
)

SYSTEM_HOME = Path("/var/lib") / SYSTEM_USER
MOVED = "moved-to"
MOVED_FROM = "throwaway-of"
# acting_as changes the user of the whole process, so no other thread may be at work.
IN_THIS_PROCESS = threading.Lock()


@dataclass(frozen=True)
class Place:
    """A folder that only the server's account may enter, and the programs it runs."""

    folder: Path
    account: Account
    programs: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"


@contextmanager
def locked(home: Path) -> Iterator[None]:
    """One start or stop at a time: in this process, and for one home among all."""
    with IN_THIS_PROCESS, _file_locked(home):
        yield


@contextmanager
def _file_locked(home: Path) -> Iterator[None]:
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = os.open(home / "lock", os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except PermissionError as error:
        raise EmbeddedError(
            f"no permission for {error.filename}: it belongs to another user"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def find(home: Path, throwaway: bool) -> Place:
    """The place of this home's cluster; a new one is made when there is none."""
    owner = home.stat().st_uid
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise EmbeddedError(f"{home} belongs to another user")
        home.chmod(0o700)
        return Place(home, account_of(owner), programs.installed())
    if (home / MOVED).exists():
        return _moved(home, throwaway)
    if (home / "data").exists():
        account = account_of(owner) if owner else system_account()
        if not _reaches(account, home):
            raise EmbeddedError(
                f"{account.name}, who runs PostgreSQL for root, cannot reach {home}"
                f" any more: give its parent folders their permission back"
            )
        return Place(home, account, programs.installed())
    account = system_account()
    if _reaches(account, home):
        _give(home, account)
        return Place(home, account, programs.installed())
    _remove_orphans()
    (home / MOVED).write_text(secrets.token_hex(6))
    return _moved(home, throwaway)


def _reaches(account: Account, home: Path) -> bool:
    """Whether the account can enter the home and run the programs where they are."""
    home.chmod(0o711)
    postgres = programs.program(programs.installed(), "postgres")
    script = 'cd "$1" && exec "$2" --version'
    tried = run(["/bin/sh", "-c", script, "sh", str(home), postgres], account)
    home.chmod(0o700)
    return tried.returncode == 0


def _moved(home: Path, throwaway: bool) -> Place:
    account = system_account()
    SYSTEM_HOME.mkdir(exist_ok=True)
    _give(SYSTEM_HOME, account)
    folder = SYSTEM_HOME / (home / MOVED).read_text()
    copies = folder / programs.stamp()
    with acting_as(account):
        folder.mkdir(mode=0o700, exist_ok=True)
        present = copies.exists()
        if throwaway:
            (folder / MOVED_FROM).write_text(str(home))
    if not present:
        _copy_programs(copies, account)
    return Place(folder, account, copies)


def _remove_orphans() -> None:
    """What killed tests left here; data of a real home waits for it to come back."""
    for note in SYSTEM_HOME.glob(f"*/{MOVED_FROM}"):
        if not Path(note.read_text()).exists():
            shutil.rmtree(note.parent, ignore_errors=True)


def _copy_programs(target: Path, account: Account) -> None:
    # Read as root, for the account cannot see the originals; renamed when whole.
    staging = Path(tempfile.mkdtemp(prefix=f"{SYSTEM_USER}-", dir=SYSTEM_HOME.parent))
    try:
        programs.copy(staging / "programs")
        staging.chmod(0o711)
        os.rename(staging / "programs", target)
    finally:
        shutil.rmtree(staging)


def _give(folder: Path, account: Account) -> None:
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)
    with acting_as(account):
        folder.chmod(0o700)


def socket_folder(place: Place) -> Path:
    """A short private folder: a socket's path may have 107 bytes, a project's more.

    XDG_RUNTIME_DIR would vanish when its user logs out and leaves the server running.
    """
    digest = hashlib.sha256(os.fsencode(place.folder)).hexdigest()[:12]
    base = _socket_base()
    folder = base / f"smartbudget-{place.account.uid}-{digest}"
    try:
        folder.mkdir(mode=0o700)
        _give(folder, place.account)
    except FileExistsError:
        if not _is_private(folder, place.account):
            # Somebody took the name in /tmp: another one does as well.
            folder = Path(tempfile.mkdtemp(prefix="smartbudget-", dir=base))
            _give(folder, place.account)
    return folder


def _socket_base() -> Path:
    run = Path("/run")
    is_roots = os.geteuid() == 0 and os.access(run, os.W_OK)
    if is_roots and not run.stat().st_mode & stat.S_IWOTH:
        return run
    return Path("/tmp")  # noqa: S108  its folders are checked, see _is_private


def _is_private(folder: Path, account: Account) -> bool:
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == account.uid
        and stat.S_IMODE(found.st_mode) == 0o700
    )


def write_access_rules(place: Place) -> None:
    """Let in the server's account, root and whoever starts it; nobody else."""
    uids = {place.account.uid, 0, os.getuid()}
    names = [pwd.getpwuid(uid).pw_name for uid in sorted(uids)]
    rules = "".join(f'smartbudget "{name}" all\n' for name in names)
    with acting_as(place.account):
        (place.folder / "pg_ident.conf").write_text(rules)
        (place.folder / "pg_hba.conf").write_text(
            "local all all peer map=smartbudget\n"
        )
