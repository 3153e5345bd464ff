"""What carries plaid-python's requests: raw bytes, three deadlines and a size cap.

plaid-python has no default timeout, its own one does not stop a server that drips, and
its retries hide errors. This takes the place of its REST client.
"""

import json
import time
from typing import Any

import urllib3
from plaid.rest import RESTClientObject

from webapp.plaid.decode import decode_error
from webapp.plaid.errors import PlaidError

CONNECT_SECONDS = 3
READ_SECONDS = 10
TOTAL_SECONDS = 30
MAX_BYTES = 20 * 1024 * 1024
CHUNK = 1 << 16


class Transport(RESTClientObject):
    """Returns the body of a 2xx answer as bytes. Raises PlaidError for all else."""

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
        ends = time.monotonic() + TOTAL_SECONDS
        try:
            response = self.pool_manager.request(
                method,
                url,
                body=json.dumps(body),
                headers={**(headers or {}), "Content-Type": "application/json"},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            answer = _read(response, ends)
        except urllib3.exceptions.HTTPError as error:
            reason = type(error).__name__  # its text may name headers
            raise PlaidError("NETWORK", f"no answer: {reason}") from None
        if not 200 <= response.status <= 299:
            raise decode_error(answer, response.status)
        return answer


def _read(response: Any, ends: float) -> bytes:
    """The whole body, unless it is too long or too slow."""
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.read1(CHUNK):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise PlaidError("UNREADABLE", f"answer larger than {MAX_BYTES} bytes")
            if time.monotonic() > ends:
                raise PlaidError("NETWORK", f"answer took over {TOTAL_SECONDS} s")
    except BaseException:
        response.close()  # a half-read connection must not be used again
        raise
    response.release_conn()
    return b"".join(parts)
