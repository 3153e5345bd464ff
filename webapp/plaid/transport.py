"""What carries plaid-python's requests: raw bytes, three deadlines and a size cap.

plaid-python has no default timeout, its own one does not stop a server that drips, and
its retries hide errors. This takes the place of its REST client.
"""

import io
import json
import time
from dataclasses import dataclass
from functools import partial
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

import urllib3
from plaid.rest import RESTClientObject

from webapp.plaid.client import ON_SENT
from webapp.plaid.decode import decode_error
from webapp.plaid.errors import PlaidError

MAX_BYTES = 20 * 1024 * 1024
CHUNK = 1 << 18


@dataclass(frozen=True)
class Deadlines:
    """Seconds: to connect, between two bytes, and for the whole answer."""

    connect: float = 3
    read: float = 10
    total: float = 30


class Transport(RESTClientObject):
    """Returns the body of a 2xx answer as bytes. Raises PlaidError for all else."""

    def __init__(self, settings: Any, deadlines: Deadlines) -> None:
        super().__init__(settings)
        self.deadlines = deadlines
        known = self.pool_manager.pool_classes_by_scheme
        self.pool_manager.pool_classes_by_scheme = {
            scheme: _in_time(pool, deadlines) for scheme, pool in known.items()
        }
        self.pool = self.pool_manager.connection_from_url(settings.host)

    def request(
        self,
        method: str,
        url: str,
        query_params: object = None,
        headers: dict[str, str] | None = None,
        body: object = None,
        post_params: object = None,
        _preload_content: bool = False,
        _request_timeout: object = None,
    ) -> bytes:
        limits = self.deadlines
        try:
            response = self.pool.urlopen(
                method,
                urlsplit(url).path,
                body=json.dumps(body),
                headers={**(headers or {}), "Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=limits.connect, read=limits.read),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer = _read(response)
        except urllib3.exceptions.HTTPError as error:
            reason = type(error).__name__  # its text may name headers
            raise PlaidError("NETWORK", f"no answer: {reason}") from None
        if not 200 <= response.status <= 299:
            raise decode_error(answer, response.status)
        return answer


def _read(response: Any) -> bytes:
    """The whole body, unless it is too long."""
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.read1(CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise PlaidError("UNREADABLE", f"answer larger than {MAX_BYTES} bytes")
    except BaseException:
        response.close()  # a half-read connection must not be used again
        raise
    response.release_conn()
    return b"".join(parts)


def _in_time(pool: Any, deadlines: Deadlines) -> Any:
    """The class of pool with connections whose answers end with the deadline."""
    answer = {"response_class": partial(_Answer, deadlines)}
    connection = type("Connection", (_Telling, pool.ConnectionCls), answer)
    return type("Pool", (pool,), {"ConnectionCls": connection})


class _Telling:
    def getresponse(self) -> Any:
        if on_sent := ON_SENT.get():
            on_sent()
        return super().getresponse()  # type: ignore[misc]


class _Answer(HTTPResponse):
    """http.client's reader; its own timeout starts anew with every byte of a header."""

    def __init__(
        self, deadlines: Deadlines, sock: Any, *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(sock, *args, **kwargs)
        ends = time.monotonic() + deadlines.total
        raw = _Timed(self.fp.detach(), sock, deadlines.read, ends)
        self.fp = io.BufferedReader(raw)


class _Timed(io.RawIOBase):
    """A socket's bytes, until the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: Any, pause: float, ends: float) -> None:
        self.raw, self.sock, self.pause, self.ends = raw, sock, pause, ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self.ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer took too long")
        self.sock.settimeout(min(self.pause, left))
        return self.raw.readinto(buffer)

    def close(self) -> None:
        self.raw.close()
        super().close()
