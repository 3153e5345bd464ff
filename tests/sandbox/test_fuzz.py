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


ACTIONS = ["continue", "search", "select", "submit", "poll", "again", "finish", "exit"]
NAMES = ["value", "values", "username", "password", "query", "code", "answer_0", "odd"]


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(ACTIONS),
            st.dictionaries(
                st.sampled_from(NAMES), JUNK | st.just("ins_109511"), max_size=4
            ),
        ),
        max_size=6,
    ),
    uri=JUNK,
)
def test_random_steps_in_link(
    bank_fuzz: tuple[Wire, str], steps: Any, uri: Any
) -> None:
    wire = bank_fuzz[0]
    asked = {
        "client_id": "sandbox",
        "client_name": "Fuzz",
        "country_codes": ["US"],
        "language": "en",
        "products": ["transactions"],
        "secret": "sandbox",
        "user": {"client_user_id": "user-1"},
    }
    _, made = wire.post("/link/token/create", json.dumps(asked).encode())
    token = json.loads(made)["link_token"]
    begin = {"link_token": token, "received_redirect_uri": uri}
    wire.post("/link/workflow/start", json.dumps(begin).encode())
    begin["received_redirect_uri"] = None
    _, started = wire.post("/link/workflow/start", json.dumps(begin).encode())
    session = json.loads(started)["link_session_id"]
    for action, data in steps:
        body = {**data, "action": action, "link_session_id": session}
        status, answer = wire.post("/link/workflow/step", json.dumps(body).encode())
        assert status == 200
        assert json.loads(answer)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=st.sampled_from(PATHS), raw=RAW)
def test_random_bytes(bank_fuzz: tuple[Wire, str], path: str, raw: bytes) -> None:
    stands(*bank_fuzz[0].post(path, raw))
