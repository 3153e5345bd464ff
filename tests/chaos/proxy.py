"""A small TCP proxy that can delay, drip, swallow, cut and reset what it carries."""

import random
import socket
import struct
import threading
import time
from contextlib import suppress

PIECE = 1 << 14
RESET = struct.pack("ii", 1, 0)  # linger for no time at all: close sends RST


class Proxy:
    """Listens on a port of loopback; `target` is (host, port) or a socket's path.

    The switches may be set at any time and hold for what is carried from then on.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self.target = target
        self.delay = 0.0  # seconds before each piece
        self.drip = 0.0  # seconds after each byte of an answer
        self.cut_after: int | None = None  # bytes of an answer, then a clean end
        self.reset_chance = 0.0  # for each piece: the connection is reset instead
        self.is_refusing = False  # accepts and resets at once
        self.carried = 0  # connections so far
        self.resets = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def calm(self) -> None:
        """Carry everything as it comes."""
        self.delay = self.drip = self.reset_chance = 0.0
        self.cut_after, self.is_refusing = None, False

    def reset_all(self) -> None:
        """Reset every connection that is open."""
        with self._lock:
            ends = list(self._open)
        for end in ends:
            self._reset(end)

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._listener.close()
        self.reset_all()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.carried += 1
            if self.is_refusing:
                self._reset(client)
                continue
            try:
                server = self._connect()
            except OSError:
                self._reset(client)
                continue
            with self._lock:
                self._open |= {client, server}
            for pair in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _connect(self) -> socket.socket:
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target, timeout=None)
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.target)
        return made

    def _carry(
        self, source: socket.socket, sink: socket.socket, is_answer: bool
    ) -> None:
        sent = 0
        try:
            while piece := source.recv(PIECE):
                if self.reset_chance and random.random() < self.reset_chance:
                    self.resets += 1
                    self._reset(source)
                    self._reset(sink)
                    return
                time.sleep(self.delay)
                if is_answer and self.cut_after is not None:
                    piece = piece[: max(0, self.cut_after - sent)]
                    sink.sendall(piece)
                    sent += len(piece)
                    if sent >= self.cut_after:
                        break
                elif is_answer and self.drip:
                    for byte in piece:
                        sink.sendall(bytes([byte]))
                        time.sleep(self.drip)
                else:
                    sink.sendall(piece)
        except OSError:
            pass  # one end has gone: the other shall see it
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            with self._lock:
                self._open.discard(end)
            end.close()

    def _reset(self, end: socket.socket) -> None:
        with self._lock:
            self._open.discard(end)
        with suppress(OSError):
            if end.family != socket.AF_UNIX:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            end.shutdown(socket.SHUT_RD)  # wakes whoever reads; sends no goodbye
        end.close()
