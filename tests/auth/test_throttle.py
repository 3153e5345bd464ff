import datetime as dt
import threading

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from tests.auth.forms import field_errors, form_error, kept_value, log_in, register, who
from tests.factories import PASSWORD, csrf_token, make_user
from webapp.auth import throttle
from webapp.extensions import db
from webapp.models import RateLimit, User

ATTACKER, HOME = "203.0.113.6", "198.51.100.7"


def guess(app: Flask, email: str, times: int, ip: str = ATTACKER) -> list[int]:
    """The answers to so many wrong passwords from a browser nobody knows."""
    client = app.test_client()
    return [
        log_in(client, email, password=f"wrong-password-{n}", ip=ip).status_code
        for n in range(times)
    ]


def fail(app: Flask, email: str, times: int, ip: str = ATTACKER) -> int:
    """Counts failed logins without the form; the seconds to wait after the last."""
    with app.app_context():
        attempts = throttle.login_attempts(email, ip, None)
        waits = [throttle.count(attempts) for _ in range(times)]
        db.session.commit()
    return waits[-1]


def end_windows(app: Flask) -> None:
    with app.app_context():
        past = func.now() - dt.timedelta(seconds=1)
        db.session.execute(update(RateLimit).values(window_ends_at=past))
        db.session.commit()


def counted(app: Flask) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(RateLimit)) or 0


def test_guesser_is_stopped_and_told_when_to_come_back(
    app: Flask, client: FlaskClient, alice: User
) -> None:
    fail(app, alice.email, 3)
    assert guess(app, alice.email, 3) == [422, 422, 429]
    answer = log_in(client, alice.email, ip=ATTACKER)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert form_error(answer) == "Too many tries. Wait 5 minutes, then try again."
    assert kept_value(answer, "email") == alice.email
    assert who(client) is None


def test_stopped_guesser_gets_the_form_as_a_fragment(app: Flask, alice: User) -> None:
    fail(app, alice.email, 5)
    client = app.test_client()
    token = csrf_token(client.get("/login").text)
    answer = client.post(
        "/login",
        data={"email": alice.email, "password": PASSWORD},
        headers={"HX-Request": "true", "X-CSRFToken": token},
        environ_overrides={"REMOTE_ADDR": ATTACKER},
    )
    assert answer.status_code == 429
    assert answer.headers["Retry-After"]
    assert "<html" not in answer.text


def test_right_password_from_another_ip_still_works(
    app: Flask, client: FlaskClient, alice: User
) -> None:
    assert fail(app, alice.email, 30)
    assert log_in(client, alice.email, ip=HOME).status_code == 303


def test_one_ip_guesses_ten_times_over_all_addresses(app: Flask) -> None:
    emails = [f"nobody{n}@example.com" for n in range(12)]
    waits = [fail(app, email, 1) for email in emails]
    assert waits[:10] == [0] * 10
    assert min(waits[10:]) > 0
    assert guess(app, emails[0], 1) == [429]


def test_stopped_ip_makes_no_more_rows(app: Flask) -> None:
    for n in range(10):
        fail(app, f"nobody{n}@example.com", 1)
    before = counted(app)
    for n in range(10, 14):
        assert guess(app, f"nobody{n}@example.com", 1) == [429]
    assert counted(app) == before


def test_many_ips_guess_ten_times_at_one_address(app: Flask, alice: User) -> None:
    waits = [fail(app, alice.email, 1, f"203.0.113.{n}") for n in range(12)]
    assert waits[:10] == [0] * 10
    assert min(waits[10:]) > 0
    assert guess(app, alice.email, 1, "203.0.113.99") == [429]


def test_known_browser_gets_in_while_many_ips_guess(
    app: Flask, client: FlaskClient, alice: User, bob: User
) -> None:
    log_in(client, alice.email, ip=HOME)
    client.post("/logout", data={"csrf_token": csrf_token(client.get("/probe").text)})
    for n in range(11):
        fail(app, alice.email, 1, f"203.0.113.{n}")
    assert log_in(client, alice.email, ip="192.0.2.77").status_code == 303


def test_known_browser_has_ten_tries_of_its_own(app: Flask, alice: User) -> None:
    with app.app_context():
        attempts = throttle.login_attempts(alice.email, HOME, "a-browser")
        waits = [throttle.count(attempts) for _ in range(11)]
        other = throttle.count(throttle.login_attempts(alice.email, HOME, "another"))
    assert waits[:10] == [0] * 10
    assert waits[10] > 0
    assert other == 0


def test_browser_known_to_bob_is_not_known_to_alice(
    app: Flask, client: FlaskClient, alice: User, bob: User
) -> None:
    log_in(client, bob.email)
    client.post("/logout", data={"csrf_token": csrf_token(client.get("/probe").text)})
    for n in range(10):
        fail(app, alice.email, 1, f"203.0.113.{n}")
    assert log_in(client, alice.email).status_code == 429


@pytest.mark.parametrize("value", ["", "x", "W10.aaaaaa.bbbb", "%00"])
def test_forged_known_browser_cookie_is_nothing(
    app: Flask, client: FlaskClient, alice: User, value: str
) -> None:
    fail(app, alice.email, 5)
    client.set_cookie("__Host-known", value)
    assert log_in(client, alice.email, ip=ATTACKER).status_code == 429


def test_successful_logins_do_not_count(app: Flask, alice: User, bob: User) -> None:
    # a family behind one address
    for user in [alice, bob] * 2:
        assert log_in(app.test_client(), user.email, ip=HOME).status_code == 303
    assert fail(app, alice.email, 5, HOME) == 0
    assert fail(app, bob.email, 5, HOME) == 0
    assert fail(app, bob.email, 1, HOME) > 0


def test_own_successful_login_does_not_reset_the_ip(
    app: Flask, alice: User, bob: User
) -> None:
    fail(app, alice.email, 5)
    assert log_in(app.test_client(), bob.email, ip=ATTACKER).status_code == 303
    assert guess(app, alice.email, 1) == [429]


def test_waiting_helps(app: Flask, client: FlaskClient, alice: User) -> None:
    assert fail(app, alice.email, 6)
    end_windows(app)
    assert log_in(client, alice.email, ip=ATTACKER).status_code == 303


def test_no_hash_is_computed_for_a_stopped_guess(
    app: Flask, client: FlaskClient
) -> None:
    # a hash nobody can verify quickly would make this test slow: 2**20 KiB, 30 passes
    slow = "$argon2id$v=19$m=1048576,t=30,p=1$c29tZXNhbHRzb21l$" + "A" * 43
    user = make_user(app, password_hash=slow)
    fail(app, user.email, 5)
    start = dt.datetime.now(dt.UTC)
    assert log_in(client, user.email, ip=ATTACKER).status_code == 429
    assert dt.datetime.now(dt.UTC) - start < dt.timedelta(seconds=2)


def test_wrong_password_costs_nothing_to_somebody_else(
    app: Flask, client: FlaskClient, alice: User, bob: User
) -> None:
    fail(app, alice.email, 12)
    assert log_in(client, bob.email, ip=HOME).status_code == 303


def test_sixth_registration_of_an_hour_from_one_ip(app: Flask) -> None:
    with app.app_context():
        for _ in range(3):
            throttle.count(throttle.register_attempts("192.0.2.1"))
        db.session.commit()
    clients = [app.test_client() for _ in range(3)]
    answers = [
        register(client, email=f"carol{n}@example.com")
        for n, client in enumerate(clients)
    ]
    assert [answer.status_code for answer in answers] == [303] * 2 + [429]
    assert 300 < int(answers[-1].headers["Retry-After"]) <= 3600
    assert kept_value(answers[-1], "email") == "carol2@example.com"
    assert register(app.test_client(), ip=HOME).status_code == 303


def test_asking_which_addresses_are_taken_is_counted(
    app: Flask, client: FlaskClient, alice: User
) -> None:
    answer = register(client, email=alice.email)
    assert "has an account already" in field_errors(answer, "email")
    with app.app_context():
        for _ in range(4):
            throttle.count(throttle.register_attempts("192.0.2.1"))
        db.session.commit()
    assert register(client, email=alice.email).status_code == 429


def test_typing_errors_do_not_count_as_registrations(client: FlaskClient) -> None:
    for _ in range(6):
        assert register(client, password="short").status_code == 422
    assert register(client).status_code == 303


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("192.0.2.1", "::ffff:192.0.2.1"),
        (None, "not an address"),
        ("fe80::1%eth0", "fe80::2"),
    ],
)
def test_addresses_of_one_line_are_one(one: str | None, other: str) -> None:
    assert throttle.network_of(one) == throttle.network_of(other)


def test_neighbours_are_two() -> None:
    assert throttle.network_of("2001:db8:1:2::1") != throttle.network_of(
        "2001:db8:1:3::1"
    )
    assert throttle.network_of("192.0.2.1") != throttle.network_of("192.0.2.2")


def test_table_names_no_address_and_no_ip(app: Flask, alice: User) -> None:
    fail(app, alice.email, 1)
    with app.app_context():
        keys = db.session.scalars(select(RateLimit.key)).all()
    assert len(keys) == 3
    for key in keys:
        assert len(key) == 32
        assert b"alice" not in key
        assert ATTACKER.encode() not in key


def test_sweep_deletes_what_is_over_and_nothing_else(app: Flask, alice: User) -> None:
    fail(app, alice.email, 1)
    end_windows(app)
    fail(app, "nobody@example.com", 1, HOME)
    with app.app_context():
        throttle.sweep()
        db.session.commit()
    assert counted(app) == 3
    assert fail(app, "nobody@example.com", 5, HOME)


@pytest.mark.commits
def test_guesses_at_once_are_counted_each(app: Flask, alice: User) -> None:
    answers: list[int] = []

    def go() -> None:
        answers.extend(guess(app, alice.email, 2))

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [422] * 5 + [429] * 3
