"""The bank's books, read by its control API: what the ledger must agree with."""

import datetime as dt
import http.client
import json
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from webapp.money import round_iso, round_unofficial

_encode = msgspec.json.Encoder(decimal_format="number").encode
MUTATION = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"


class Fact(NamedTuple):
    """What R1 compares of a row. `amount` from the owner's view, in minor units."""

    account_id: str
    date: dt.date
    amount: Decimal
    plaid_amount: Decimal
    currency: str
    pending: bool


class Refused(Exception):
    """The bank's own error code."""


class Books:
    """One kept connection to the bank. Not for two threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def control(self, path: str, **body: Any) -> Any:
        return self.post(f"/_control/{path}", **body)

    def plaid(self, path: str, **body: Any) -> Any:
        """A call of Plaid's API with the demo keys."""
        return self.post(path, client_id="sandbox", secret="sandbox", **body)

    def post(self, path: str, **body: Any) -> Any:
        return self._call("POST", path, body)

    def items(self) -> dict[str, dict[str, Any]]:
        """Every item the bank knows, by its id."""
        found = self._call("GET", "/_control/state")["items"]
        return {item["item_id"]: item for item in found}

    def transactions(self, item_id: str) -> dict[str, dict[str, Any]]:
        path = f"/_control/items/{item_id}/transactions"
        found = self._call("GET", path)["transactions"]
        return {one["transaction_id"]: one for one in found}

    def since(self, access_token: str, cursor: str | None) -> dict[str, Any]:
        """Plaid's loop from the cursor to its end, folded: a row, or None for gone.

        Raises Refused.
        """
        for _ in range(20):
            try:
                return self._loop(access_token, cursor)
            except Refused as error:
                if str(error) != MUTATION:
                    raise
        raise Refused(MUTATION)

    def _loop(self, access_token: str, cursor: str | None) -> dict[str, Any]:
        rows: dict[str, Any] = {}
        more = True
        while more:
            body = {"access_token": access_token, "count": 500, "cursor": cursor or ""}
            page = self.plaid("/transactions/sync", **body)
            for one in page["added"] + page["modified"]:
                rows[one["transaction_id"]] = one
            rows |= {gone["transaction_id"]: None for gone in page["removed"]}
            cursor, more = page["next_cursor"], page["has_more"]
        return rows

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        sent = None if body is None else _encode(body)
        for attempt in (1, 2):  # the bank may have closed a connection left idle
            try:
                headers = {"Content-Type": "application/json"}
                self._connection.request(method, path, sent, headers)
                answer = self._connection.getresponse()
                read = answer.read()
                break
            except (http.client.HTTPException, OSError):
                self._connection.close()
                if attempt == 2:
                    raise
        found = json.loads(read, parse_float=Decimal) if read else {}
        if answer.status != 200:
            raise Refused(found.get("error_code", str(answer.status)))
        return found


def fact(one: dict[str, Any]) -> Fact:
    """A transaction of Plaid's as the ledger must hold it."""
    exact = Decimal(one["amount"])
    iso = one["iso_currency_code"]
    turned = -exact if exact else Decimal(0)
    return Fact(
        one["account_id"],
        dt.date.fromisoformat(one["date"]),
        round_iso(turned, iso) if iso else round_unofficial(turned),
        exact,
        iso or one["unofficial_currency_code"] or "XXX",
        one["pending"],
    )
