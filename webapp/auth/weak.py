"""Passwords that guessers try first. There are no composition rules."""

import re

PRODUCT = "smartbudget"
# Words and phrases that fill the top of leaked lists; digits and signs around them and
# repetitions do not help. Runs of the keyboard and the alphabet are found by ROWS.
COMMON = set(
    """
    administrator adminadmin administrador anthony
    asshole badboy baseball basketball batman bailey
    bankaccount budget chelsea changeme changemenow charlie chocolate computer
    correcthorsebatterystaple
    default donotenter dragon
    facebook football fuckyou freedom
    google guest hello helloworld
    iamthebest iloveyou iloveyousomuch iloveyouforever internet jennifer jessica jesus
    jesuschrist jordan letmein letmeinplease linkedin liverpool login loveyou loveme
    manchester master mastercard michael michelle microsoft money monkey mustang
    mypassword mysecret mysecretpassword mynameis motdepasse
    ninja nopassword nothing
    pass passphrase password passwordpassword passw passwort contraseña pokemon
    princess qazwsx qazwsxedc qazwsxedcrfv qweasd qweasdzxc
    samsung secret secretpassword shadow sparkles starwars sunshine superman superuser
    supersecret testing testpassword temporary thisisapassword thisismypassword trustno
    unbelievable unknown user username welcome welcomehome whatever whocares
    """.split()
)
ROWS = (
    "1234567890",
    "0987654321",
    "abcdefghijklmnopqrstuvwxyz",
    "zyxwvutsrqponmlkjihgfedcba",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "poiuytrewqlkjhgfdsamnbvcxz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "a1b2c3d4e5f6g7h8i9j0",
)
LEET = str.maketrans("01345@$!", "oleasasi")


def weakness(password: str, email: str) -> str | None:
    """Why this password is among the first that a guesser would try, or None."""
    plain = password.casefold()
    if plain in {email.casefold(), email.casefold().partition("@")[0]}:
        return "Choose something else than your e-mail address."
    words = _words(plain)
    if PRODUCT in words:
        return "Choose something else than this app's name."
    if _is_repetition(plain) or _is_run(plain):
        return "This is a pattern that is guessed first. Choose something else."
    if words & COMMON:
        return "Too many people use this password. Choose something else."
    return None


def _words(plain: str) -> set[str]:
    """The letters that remain without the digits and signs people add."""
    readings = {plain, plain.translate(LEET)}
    inner = {re.sub(r"^[\W\d_]+|[\W\d_]+$", "", reading) for reading in readings}
    inner |= {re.sub(r"^[\W\d_]+|[\W\d_]+$", "", plain).translate(LEET)}
    letters = {re.sub(r"[\W_]", "", word) for word in inner}
    return {_unrepeated(word) for word in letters if word}


def _unrepeated(text: str) -> str:
    """'monkeymonkey' -> 'monkey'."""
    # a text that is a repetition finds itself in its double before its end
    return text[: (text + text).find(text, 1)]


def _is_repetition(plain: str) -> bool:
    """'aaaaaaaaaaaa', 'abcabcabcabc', '121212121212'."""
    return len(set(plain)) <= 2 or len(_unrepeated(plain)) <= 4


def _is_run(plain: str) -> bool:
    """'123456789012', 'qwertyuiop[]', 'abcdefghijkl', also one run after another."""
    rest, runs = plain, 0
    while rest and runs < 3:
        longest = max(_run_length(rest, row) for row in ROWS)
        if longest < 3:
            return False
        rest, runs = rest[longest:], runs + 1
    return not rest


def _run_length(text: str, row: str) -> int:
    """How far `text` begins like the row, taken round and round."""
    endless = row * (2 + len(text) // len(row))
    length = 0
    while length < len(text) and text[: length + 1] in endless:
        length += 1
    return length
