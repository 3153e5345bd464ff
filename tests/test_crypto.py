"""Secrets at rest: only the right key at the right place reads them back."""

import os
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.crypto import DecryptionError, Place, Vault, key_id_of

OLD, NEW = {"k1": b"1" * 32}, {"k2": b"2" * 32}
HERE = Place("plaid_items", uuid.UUID(int=1), "access_token")
TOKEN = "access-production-0000"


@given(st.text("azé\0€😀", max_size=200))
def test_what_was_encrypted_is_read_back(secret: str) -> None:
    assert Vault(OLD).decrypt(Vault(OLD).encrypt(secret, HERE), HERE) == secret


def test_stored_value_shows_its_key_and_nothing_of_the_secret() -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    assert key_id_of(stored) == "k1"
    assert TOKEN.encode() not in stored


def test_same_secret_never_looks_the_same() -> None:
    vault = Vault(OLD)
    assert len({vault.encrypt(TOKEN, HERE) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    "moved",
    [
        replace(HERE, table="plaid_link_sessions"),
        replace(HERE, row_id=uuid.UUID(int=2)),
        replace(HERE, column="link_token"),
    ],
)
def test_moved_value_is_refused(moved: Place) -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    with pytest.raises(DecryptionError, match="damaged or was moved"):
        Vault(OLD).decrypt(stored, moved)


def test_new_key_first_writes_with_it_and_reads_the_old() -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    both = Vault({**NEW, **OLD})
    assert both.decrypt(stored, HERE) == TOKEN
    again = both.encrypt(TOKEN, HERE)
    assert key_id_of(again) == "k2"
    assert Vault(NEW).decrypt(again, HERE) == TOKEN


def test_old_key_taken_away_is_named() -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    with pytest.raises(DecryptionError, match="no key named 'k1'"):
        Vault(NEW).decrypt(stored, HERE)


def test_other_key_under_the_same_name_is_refused() -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    with pytest.raises(DecryptionError):
        Vault({"k1": b"9" * 32}).decrypt(stored, HERE)


@given(st.data())
def test_any_flipped_bit_is_refused(data: st.DataObject) -> None:
    vault = Vault({**NEW, "k1": b"1" * 32, "k3": b"3" * 32})
    stored = bytearray(vault.encrypt(TOKEN, HERE))
    bit = data.draw(st.integers(0, len(stored) * 8 - 1))
    stored[bit // 8] ^= 1 << bit % 8
    with pytest.raises(DecryptionError):
        vault.decrypt(bytes(stored), HERE)


@given(st.integers(0, 60))
def test_any_cut_is_refused(length: int) -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    if length < len(stored):
        with pytest.raises(DecryptionError):
            Vault(OLD).decrypt(stored[:length], HERE)


@given(st.binary(max_size=120))
def test_any_bytes_are_refused(junk: bytes) -> None:
    with pytest.raises(DecryptionError):
        Vault(OLD).decrypt(b"\x01\x02k1" + junk, HERE)
    if junk[:1] != b"\x01":
        with pytest.raises(DecryptionError):
            Vault(OLD).decrypt(junk, HERE)


def test_value_as_the_database_gives_it() -> None:
    stored = Vault(OLD).encrypt(TOKEN, HERE)
    assert Vault(OLD).decrypt(memoryview(stored), HERE) == TOKEN  # type: ignore[arg-type]


def test_random_key_works() -> None:
    vault = Vault({"r": os.urandom(32)})
    assert vault.decrypt(vault.encrypt(TOKEN, HERE), HERE) == TOKEN
