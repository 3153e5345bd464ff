import threading
import time

import pytest

from tests.factories import PASSWORD
from webapp.auth.passwords import AT_ONCE, hash_password, is_outdated, verify
from webapp.auth.weak import weakness


def test_hash_and_verify() -> None:
    made = hash_password(PASSWORD)
    assert made.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert not is_outdated(made)
    assert verify(made, PASSWORD)
    assert not verify(made, PASSWORD + " ")
    assert not verify(None, PASSWORD)
    assert not verify("not a hash", PASSWORD)


def test_nul_and_composed_letters_make_a_difference() -> None:
    made = hash_password("abc\0def\u00e9ghijk")
    assert verify(made, "abc\0def\u00e9ghijk")
    assert not verify(made, "abc\0defe\u0301ghijk")
    assert not verify(made, "abc")


def test_fifth_hash_waits() -> None:
    taken = [AT_ONCE.acquire(timeout=5) for _ in range(4)]
    assert all(taken)
    thread = threading.Thread(target=hash_password, args=(PASSWORD,))
    try:
        thread.start()
        time.sleep(0.15)
        assert thread.is_alive()
    finally:
        for _ in taken:
            AT_ONCE.release()
    thread.join(timeout=5)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "password",
    [
        "carol.jones@example.com",
        "Carol.Jones@Example.com",
        "carol.jones.of.kent",
        "smartbudget1",
        "SmartBudget!",
        "Smart-Budget-2026",
        "smartbudgetsmartbudget",
        "sm4rtbudg3t!!",
        "aaaaaaaaaaaa",
        "abababababab",
        "abcabcabcabc",
        "100010001000",
        "123456789012",
        "1234567890123456",
        "098765432109",
        "987654321098",
        "abcdefghijkl",
        "qwertyuiop[]",
        "qwertyuiopasdf",
        "asdfghjklzxcvbnm",
        "1qaz2wsx3edc",
        "1q2w3e4r5t6y",
        "qwertyuiop123",
        "123456qwerty",
        "abcd1234efgh",
        "passwordpassword",
        "password1234",
        "Password123!",
        "p@ssw0rd12345",
        "P4ssw0rd!!!!",
        "!!!!password",
        "iloveyou1234",
        "letmein12345",
        "welcome12345",
        "administrator",
        "Administrator1!",
        "changeme2026",
        "correcthorsebatterystaple",
        "correct horse battery staple",
        "thisismypassword",
    ],
)
def test_passwords_that_are_guessed_first(password: str) -> None:
    email = "carol.jones.of.kent@example.com"
    other = "carol.jones@example.com"
    assert weakness(password, email) or weakness(password, other)


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "blue tram over seven hills",
        "my password is long and odd",
        "budget for smart people",
        "x7#Kq9!mT2&b",
        "kaffeetasse im regen",
        "correct horse and other staples",
        "пароль от моего дома",
        "海辺を長く歩くのが好きです",
        "🌊🐚🦀⛵️🏖️🌅🐟🪸🐙🦑🐬🐳",
        "1945 1969 1989 2001",
        "qwerty is not my thing",
        "abcdefgh mouse",
    ],
)
def test_other_passwords_are_fine(password: str) -> None:
    assert weakness(password, "carol@example.com") is None
