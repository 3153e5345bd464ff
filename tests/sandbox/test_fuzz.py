"""Random requests: Plaid's error for each, never a stack trace."""

import http.client
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import webapp.sandbox.http  # noqa: F401 (registers the endpoints)
from webapp.sandbox.endpoint import ENDPOINTS

from .conftest import Bank

JUNK = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=12),
        st.sampled_from(["", "access-sandbox-x", "2026-02-30", "US", "é\u0000"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=5,
)
PATHS = sorted(ENDPOINTS)
SAFE = [path for path in PATHS if path not in ("/item/remove", "/item/import")]


def members(path: str) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with the right names and, now and then, a right value."""
    names = [name for name in ENDPOINTS[path].schema if "client" not in name]
    return st.dictionaries(st.sampled_from([*names, "odd"]), JUNK, max_size=5)


BODIES = st.sampled_from(SAFE).flatmap(
    lambda path: st.tuples(st.just(path), members(path))
)
RAW = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [b"[" * 5000, b'{"a":NaN}', b'"\\ud800"', b"[]", b"1e999", b'{"a":1,"a":2}']
    ),
)


class Wire:
    """One connection for many requests."""

    def __init__(self, bank: Bank) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", bank.port)

    def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        self.connection.request("POST", path, body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()


def stands(status: int, body: bytes) -> None:
    answer = json.loads(body)
    assert status < 500, answer
    assert answer["request_id"]
    if status != 200:
        assert (
            answer["error_code"] in answer["documentation_url"] + answer["error_code"]
        )
        assert {"error_type", "error_message", "display_message"} <= answer.keys()


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(call=BODIES, good_token=st.booleans())
def test_random_members(
    bank_fuzz: tuple[Wire, str], call: Any, good_token: Any
) -> None:
    wire, token = bank_fuzz
    path, body = call
    body = {**body, "client_id": "sandbox", "secret": "sandbox"}
    if good_token and ENDPOINTS[path].item:
        body["access_token"] = token
    if path == "/item/access_token/invalidate":
        body["access_token"] = "access-sandbox-unknown"
    stands(*wire.post(path, json.dumps(body).encode()))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(PATHS), raw=RAW)
def test_random_bytes(bank_fuzz: tuple[Wire, str], path: str, raw: bytes) -> None:
    stands(*bank_fuzz[0].post(path, raw))
