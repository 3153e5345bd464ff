"""No server keeps a caller waiting, and none fills its memory."""

import threading
from collections.abc import Iterator

import pytest

from tests.plaid.raw_server import dripping, sent, serving
from webapp.plaid.client import ON_SENT, PlaidClient
from webapp.plaid.errors import Kind, PlaidError
from webapp.plaid.transport import MAX_BYTES, Deadlines

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SHORT = Deadlines(connect=0.3, read=0.2, total=0.4)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def refusal(address: str, deadlines: Deadlines | None = None) -> PlaidError:
    plaid = PlaidClient(address, "sandbox", "sandbox", deadlines)
    with pytest.raises(PlaidError) as caught:
        plaid.accounts_get("access-sandbox-1")
    return caught.value


def test_the_deadlines_of_real_life():
    """A lease lives 60 seconds: one call must never outlast it."""
    assert Deadlines() == Deadlines(connect=3, read=10, total=30)


def test_it_is_told_when_the_request_has_left():
    """The server answers only then."""
    left = threading.Event()
    word = b'{"request_id": "r"}'

    def answer(connection):
        if left.wait(5):
            length = b"Content-Length: %d\r\n\r\n" % len(word)
            connection.sendall(HEAD + length + word)

    with serving(answer) as address:
        token = ON_SENT.set(left.set)
        found = PlaidClient(address, "sandbox", "sandbox").item_remove("access-sandbox")
        ON_SENT.reset(token)
    assert found.request_id == "r"


def test_silence_ends_with_the_read_deadline(stop):
    with serving(lambda connection: stop.wait(10)) as address:
        error = refusal(address, SHORT)
        stop.set()
    assert (error.code, error.kind) == ("NETWORK", Kind.RETRY)


def test_silence_in_the_middle_of_a_body_ends_with_the_read_deadline(stop):
    def answer(connection):
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        stop.wait(10)

    with serving(answer) as address:
        error = refusal(address, SHORT)
        stop.set()
    assert (error.code, error.kind) == ("NETWORK", Kind.RETRY)


def test_a_pause_never_lasts_beyond_the_total_deadline():
    """However long one pause may be: the client hangs up, the server sees it."""
    seen = []

    def answer(connection):
        connection.sendall(HEAD)
        connection.settimeout(3)
        try:
            seen.append(connection.recv(1))
        except TimeoutError:
            seen.append("still there")

    with serving(answer) as address:
        refusal(address, Deadlines(connect=0.3, read=60, total=0.3))
    assert seen == [b""]


@pytest.mark.parametrize(
    ("head", "drop"),
    [
        (HEAD + b"Content-Length: 1000000\r\n\r\n", b" "),
        (HEAD + b"X-Drip: ", b"a"),
        (HEAD, b"X: y\r\n"),
    ],
    ids=["a body", "a header", "headers"],
)
def test_an_answer_that_drips_ends_with_the_total_deadline(head, drop):
    seen: list[str] = []
    with serving(dripping(head, drop, seen)) as address:
        error = refusal(address, SHORT)
    assert (error.code, error.kind) == ("NETWORK", Kind.RETRY)
    assert seen == ["client"], "the client waited to the end"


@pytest.mark.parametrize("length", [b"Content-Length: %d\r\n" % (MAX_BYTES * 3), b""])
def test_an_endless_body_is_refused_at_the_cap(length):
    megabyte = b" " * (1 << 20)
    taken = []

    def answer(connection):
        connection.sendall(HEAD + length + b"\r\n")
        while True:  # the client hangs up
            connection.sendall(megabyte)
            taken.append(len(megabyte))

    with serving(answer) as address:
        error = refusal(address)
    assert error.code == "UNREADABLE"
    assert "larger than" in error.message
    assert MAX_BYTES // 2 < sum(taken) < MAX_BYTES * 2


def test_a_body_just_under_the_cap_is_read():
    body = b'{"request_id": "r"}'.ljust(MAX_BYTES)
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
    with serving(sent(head, body)) as address:
        plaid = PlaidClient(address, "sandbox", "sandbox")
        assert plaid.item_remove("access-sandbox-1").request_id == "r"


def test_a_refused_answer_does_not_spoil_the_next_call():
    """The rest of an answer given up must not be read as the next one."""
    calls = []

    def answer(connection):
        calls.append(1)
        if len(calls) == 1:
            connection.sendall(HEAD + b"Content-Length: 50000000\r\n\r\n")
            for _ in range(25):
                connection.sendall(b" " * (1 << 20))
        else:
            connection.sendall(
                HEAD + b"Content-Length: 18\r\n\r\n" + b'{"request_id":"r"}'
            )

    with serving(answer) as address:
        plaid = PlaidClient(address, "sandbox", "sandbox")
        with pytest.raises(PlaidError):
            plaid.item_remove("access-sandbox-1")
        assert plaid.item_remove("access-sandbox-1").request_id == "r"
    assert len(calls) == 2
