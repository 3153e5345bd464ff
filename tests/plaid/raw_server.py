"""A server that answers with whatever bytes, as slowly as it likes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[socket.socket], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server that reads a request and then leaves it to `answer`."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_accept, args=(listener, answer), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _accept(listener: socket.socket, answer: Answer) -> None:
    with suppress(OSError):  # the listener was closed, or the client went away
        while True:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                _read_request(connection)
                answer(connection)


def _read_request(connection: socket.socket) -> None:
    """All of it: closing with bytes unread would reset what was answered."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        request.read(length)


def sent(*parts: bytes) -> Answer:
    return lambda connection: connection.sendall(b"".join(parts))


def dripping(head: bytes, drop: bytes, seen: list[str]) -> Answer:
    """`head` at once, then `drop` by drop for three seconds; `seen`: who gave up."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(60):
            time.sleep(0.05)
            try:
                connection.sendall(drop)
            except OSError:
                seen.append("client")
                return
        seen.append("server")

    return answer
