"""The operating system's account that the server runs as."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypedDict

SYSTEM_USER = "smartbudget-pg"
ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"


class EmbeddedError(Exception):
    """Why the embedded server cannot run, in one line for whoever started it."""


class Identity(TypedDict, total=False):
    """What subprocess needs to know to run a program as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def identity(self) -> Identity:
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


def run(
    command: list[str], account: Account | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, as this account, where any account may stand."""
    identity = account.identity() if account else Identity()
    try:
        return subprocess.run(  # noqa: S603  no shell, no part comes from a request
            command,
            **identity,
            env=environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    except PermissionError:
        if not (account and identity):
            raise
        raise EmbeddedError(
            f"this root may not run programs as {account.name}, and PostgreSQL does not"
            f" run as root: start it as an ordinary user, or set DATABASE_URL"
        ) from None


def environment() -> dict[str, str]:
    """Ours without PG* settings, which would change what the programs do."""
    kept = {key: value for key, value in os.environ.items() if key[:2] != "PG"}
    return kept | {"LC_ALL": "C"}


def account_of(uid: int) -> Account:
    """The account with this number; PostgreSQL refuses one that has no name."""
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"PostgreSQL needs a user name, and user id {uid} has none on this machine"
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def system_account() -> Account:
    """The account that serves root, for PostgreSQL refuses to run as root."""
    uid = _system_uid()
    if uid is None:
        _create_system_user()
        uid = _system_uid()
    if uid is None:
        raise EmbeddedError(
            f"root needs the system user {SYSTEM_USER} to run PostgreSQL, and it could"
            f" not be created: create it, run as an ordinary user, or set DATABASE_URL"
        )
    return account_of(uid)


def _system_uid() -> int | None:
    try:
        return pwd.getpwnam(SYSTEM_USER).pw_uid
    except KeyError:
        return None


def _create_system_user() -> None:
    shell = "/usr/sbin/nologin" if os.path.exists("/usr/sbin/nologin") else "/bin/false"
    account = ["--system", "--user-group", "--no-create-home", "--shell", shell]
    busybox = ["-S", "-D", "-H", "-s", shell, "-G", SYSTEM_USER]
    commands = [
        ["useradd", *account, "--home-dir", "/nonexistent", SYSTEM_USER],
        ["addgroup", "-S", SYSTEM_USER],
        ["adduser", *busybox, "-h", "/nonexistent", SYSTEM_USER],
    ]
    for name, *arguments in commands:
        program = shutil.which(name, path=ADMIN_PATH)
        if program and _system_uid() is None:
            # It fails when a second start creates the user at the same moment: what
            # counts is whether the user is there afterwards.
            run([program, *arguments])


@contextmanager
def acting_as(account: Account) -> Iterator[None]:
    """Touch files as the server's account, so that root never follows a link of its."""
    if account.uid == os.geteuid():
        yield
        return
    groups, gid = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(account.gid)
    os.seteuid(account.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(gid)
        os.setgroups(groups)
