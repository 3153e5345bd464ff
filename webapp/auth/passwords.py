"""Password hashes: argon2id, and never more than a few at once."""

import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's first choice of parameters; about 40 ms and 46 MiB a hash
HASHER = PasswordHasher(memory_cost=47104, time_cost=1, parallelism=1)
# a flood of logins queues up here and does not eat the machine's memory
AT_ONCE = threading.BoundedSemaphore(4)


def hash_password(password: str) -> str:
    with AT_ONCE:
        return HASHER.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """True if the password is the hash's.

    Without a hash (nobody has this address) it takes as long as with one.
    """
    if password_hash is None:
        hash_password(password)
        return False
    try:
        with AT_ONCE:
            return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(password_hash: str) -> bool:
    """True if it was made with other parameters than today's."""
    return HASHER.check_needs_rehash(password_hash)
