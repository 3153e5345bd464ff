"""Encryption of secrets at rest: AES-256-GCM.

Stored form: version byte, length of the key id, key id, 96-bit nonce, ciphertext + tag.
The row's identity is associated data, so that a value moved to another row, table or
column does not decrypt.
"""

import os
import uuid
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION = 1
NONCE_BYTES = 12


class DecryptionError(Exception):
    """The value is damaged, was moved, or its key is not among DATA_KEYS."""


@dataclass(frozen=True)
class Place:
    """Where a secret lives: it can be read back only there."""

    table: str
    row_id: uuid.UUID
    column: str

    def as_bytes(self) -> bytes:
        return f"{self.table}:{self.row_id}:{self.column}".encode()


class Vault:
    """Encrypts with the first of the keys, reads with all of them."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._ciphers = {name.encode(): AESGCM(key) for name, key in keys.items()}
        self._current = next(iter(self._ciphers))

    def encrypt(self, secret: str, place: Place) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        head = bytes([VERSION, len(self._current)]) + self._current
        cipher = self._ciphers[self._current]
        return head + nonce + cipher.encrypt(nonce, secret.encode(), place.as_bytes())

    def decrypt(self, stored: bytes, place: Place) -> str:
        """Raises DecryptionError."""
        stored = bytes(stored)
        key_id = key_id_of(stored)
        cipher = self._ciphers.get(key_id.encode())
        if cipher is None:
            raise DecryptionError(f"no key named {key_id!r} in DATA_KEYS")
        start = 2 + len(key_id.encode())
        nonce, body = stored[start : start + NONCE_BYTES], stored[start + NONCE_BYTES :]
        try:
            return cipher.decrypt(nonce, body, place.as_bytes()).decode()
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("the stored value is damaged or was moved") from error


def key_id_of(stored: bytes) -> str:
    """The id of the key that a stored value was encrypted with."""
    if len(stored) < 2 or stored[0] != VERSION:
        raise DecryptionError("not a value of this app")
    return stored[2 : 2 + stored[1]].decode(errors="replace")
