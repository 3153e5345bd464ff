"""The table of endpoints, and the walk of a call through Plaid's order of checks."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from . import fields
from .ageing import age
from .bank import Bank
from .calls import Call
from .errors import PlaidError
from .fields import Schema
from .ids import request_id
from .item import Item, find_item
from .products import NOT_ENABLED

CLIENT_ID = SECRET = "sandbox"  # noqa: S105
LARGEST_BODY = 1024 * 1024

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass
class Request:
    """A call whose fields are known to be good."""

    bank: Bank
    body: dict[str, Any]
    request_id: str = field(default_factory=request_id)
    known_item: Item | None = None

    @property
    def item(self) -> Item:
        if self.known_item is None:
            raise PlaidError("INVALID_ACCESS_TOKEN")
        return self.known_item

    def options(self) -> dict[str, Any]:
        return self.body.get("options") or {}


@dataclass(frozen=True)
class Endpoint:
    """`healthy` refuses items in error; `product` is one that the item must have."""

    answer: Callable[[Request], dict[str, Any] | bytes]
    schema: Schema
    item: bool
    healthy: bool
    product: str | None
    public: bool


ENDPOINTS: dict[str, Endpoint] = {}
_KEYS: Schema = {"client_id": fields.string(), "secret": fields.string()}


def endpoint(
    path: str,
    schema: Schema | None = None,
    *,
    item: bool = False,
    healthy: bool = False,
    product: str | None = None,
    public: bool = False,
) -> Callable[[Callable[[Request], Any]], Callable[[Request], Any]]:
    """Register an endpoint; one with `item` requires an access_token."""
    full = {**_KEYS, **(schema or {})}
    if item:
        full["access_token"] = fields.string(required=True)

    def register(answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        ENDPOINTS[path] = Endpoint(answer, full, item, healthy, product, public)
        return answer

    return register


@dataclass
class Answer:
    """What goes back over HTTP."""

    status: int
    body: bytes
    item_id: str | None = None
    error_code: str | None = None


def call(bank: Bank, path: str, headers: dict[str, str], raw: bytes) -> Answer:
    """Answer a call as Plaid would, and count it."""
    started = time.perf_counter()
    request = Request(bank, {})
    try:
        body = _run(request, path, headers, raw)
        answer = Answer(200, body)
    except PlaidError as error:
        body = _encoder.encode(error.body(request.request_id))
        answer = Answer(error.status, body, error_code=error.code)
    answer.item_id = request.known_item.item_id if request.known_item else None
    left = bank.settings.latency - (time.perf_counter() - started)
    if left > 0:
        time.sleep(left)
    count(bank, path, answer, started)
    return answer


def count(bank: Bank, path: str, answer: Answer, started: float) -> None:
    took = (time.perf_counter() - started) * 1000
    bank.calls.add(
        Call(
            time.time(),
            path,
            answer.item_id,
            answer.status,
            answer.error_code,
            round(took, 3),
        )
    )


def _run(request: Request, path: str, headers: dict[str, str], raw: bytes) -> bytes:
    body = parse(raw)
    request.body = body
    found = ENDPOINTS.get(path)
    if found is None or not found.public:
        _check_keys(headers, body)
    if found is None:
        raise _unknown_route(path)
    if "public_key" in body:
        raise PlaidError("INCOMPATIBLE_API_VERSION")
    request.body = body = fields.check_body(found.schema, body)
    bank = request.bank
    if found.item:
        request.known_item = visit(bank, body["access_token"])
        if found.healthy and request.item.error_code:
            raise PlaidError(request.item.error_code)
    if bank.settings.rate_limits:
        bank.limits.check(
            path, request.known_item.item_id if request.known_item else None
        )
    if found.product and found.product not in request.item.products:
        raise PlaidError(
            "INVALID_PRODUCT", f"client is not authorized for {found.product}"
        )
    answer = found.answer(request)
    if isinstance(answer, bytes):
        return answer
    return _encoder.encode({**answer, "request_id": request.request_id})


def parse(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body, numbers with a point as Decimal."""
    if len(raw) > LARGEST_BODY:
        raise PlaidError("INVALID_BODY", "request body is too large")
    try:
        body = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError):
        raise PlaidError("INVALID_BODY") from None
    if not isinstance(body, dict):
        raise PlaidError("INVALID_BODY", "body must be a JSON object")
    return body


def encode(body: Any) -> bytes:
    return _encoder.encode(body)


def _check_keys(headers: dict[str, str], body: dict[str, Any]) -> None:
    client_id = headers.get("plaid-client-id", body.get("client_id"))
    secret = headers.get("plaid-secret", body.get("secret"))
    if client_id is None or secret is None:
        lacking = "client_id" if client_id is None else "secret"
        raise PlaidError(
            "MISSING_FIELDS", f"the following required fields are missing: {lacking}"
        )
    if client_id != CLIENT_ID or secret != SECRET:
        raise PlaidError("INVALID_API_KEYS")


def _unknown_route(path: str) -> PlaidError:
    product = path.split("/")[1]
    if product in NOT_ENABLED:
        return PlaidError("INVALID_PRODUCT", f"client is not authorized for {product}")
    return PlaidError("NOT_FOUND", f"the requested endpoint {path[:200]} was not found")


def visit(bank: Bank, access_token: str) -> Item:
    """The item behind a token, after what the passing of time did to it."""
    connection = bank.store.connection
    item = find_item(connection, access_token=access_token)
    if item is None or not access_token:
        raise PlaidError("INVALID_ACCESS_TOKEN")
    if item.removed:
        raise PlaidError("ITEM_NOT_FOUND")
    return age(bank, item)
