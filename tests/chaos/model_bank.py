"""What the bank and its customer do in a history: one login, edited from outside."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

from tests.bank import Bank
from tests.chaos.history import Books

T = TypeVar("T")
LATER = "2999-01-01"  # a row that posts then is pending


def pick(among: Sequence[T], number: int) -> T | None:
    """One of them, or None of none: a number shrinks better than a choice."""
    return among[number % len(among)] if among else None


class Login:
    """An item at the bank; rows are chosen by number from those it has."""

    def __init__(self, bank: Bank, books: Books, item_id: str, token: str) -> None:
        self.bank, self.books, self.item_id, self.token = bank, books, item_id, token
        self.path = f"items/{item_id}"
        self.today = dt.datetime.now(dt.UTC).date()
        self.gone_pending: list[str] = []

    def rows(self, *, pending: bool | None = None) -> list[dict[str, Any]]:
        """The rows of shared accounts, oldest first."""
        shared = self.accounts()
        found = self.books.transactions(self.item_id).values()
        return sorted(
            (
                one
                for one in found
                if one["account_id"] in shared and pending in (None, one["pending"])
            ),
            key=lambda one: (one["date"], one["transaction_id"]),
        )

    def accounts(self, *, shared: bool = True) -> list[str]:
        found = self.books.items()[self.item_id]["accounts"]
        return [one["account_id"] for one in found if one["shared"] or not shared]

    def add(self, amount: Decimal, account: int, *, pending: bool, **more: Any) -> None:
        days = int(amount) % 60
        row = {
            "account_id": pick(self.accounts(), account),
            "amount": amount,
            "date_transacted": (self.today - dt.timedelta(days=days)).isoformat(),
            "date_posted": LATER if pending else self.today.isoformat(),
            "description": f"Shop {amount}",
        }
        self.books.control(f"{self.path}/transactions", transactions=[row | more])

    def add_posted(self, which: int, amount: Decimal, account: int) -> None:
        """The posted row of a pending one that goes later, or has gone before."""
        waiting = [one["transaction_id"] for one in self.rows(pending=True)]
        before = pick(waiting + self.gone_pending, which)
        if before is not None:
            more = {"pending_transaction_id": before}
            self.add(amount, account, pending=False, **more)

    def change(self, which: int, **fields: Any) -> None:
        if "account_id" in fields:
            fields["account_id"] = pick(self.accounts(), fields["account_id"])
        if row := pick(self.rows(), which):
            self._edit(row, "", **fields)

    def remove(self, which: int, *, newest: bool = False) -> None:
        rows = self.rows()
        if row := rows[-1] if newest and rows else pick(rows, which):
            self._edit(row, "/remove")
            if row["pending"]:
                self.gone_pending.append(row["transaction_id"])

    def post(self, which: int, amount: Decimal | None, account: int | None) -> None:
        if row := pick(self.rows(pending=True), which):
            self.post_row(row, amount, account)

    def post_row(
        self, row: dict[str, Any], amount: Decimal | None, account: int | None = None
    ) -> None:
        fields: dict[str, Any] = {} if amount is None else {"amount": amount}
        if account is not None:
            fields["account_id"] = pick(self.accounts(), account)
        self._edit(row, "/post", **fields)

    def repeat(self, count: int) -> None:
        self.books.control(f"{self.path}/repeat", count=count)

    def open_account(self, kind: str) -> None:
        """Known to the bank; shared by `share`."""
        body = {"name": f"Pot {kind}", "type": kind, "current": 3, "mask": "9"}
        self.books.control(f"{self.path}/accounts", subtype=None, **body)

    def share(self, chosen: list[bool]) -> None:
        """Update mode: the person ticks accounts; the first one stays."""
        count = len(self.accounts(shared=False))
        ticked = [n for n in range(count) if not n or chosen[n % len(chosen)]]
        token = self.books.plaid(
            "/link/token/create",
            access_token=self.token,
            client_name="SmartBudget",
            country_codes=["US"],
            language="en",
            update={"account_selection_enabled": True},
            user={"client_user_id": "model"},
        )["link_token"]
        started = self.books.post("/link/workflow/start", link_token=token)
        step = {"link_session_id": started["link_session_id"]}
        self.books.post("/link/workflow/step", action="continue", **step)
        said = {"action": "submit", "values": ticked, **step}
        self.books.post("/link/workflow/step", **said)
        done = self.books.post("/link/workflow/step", action="finish", **step)
        assert "success" in done, done

    def _edit(self, row: dict[str, Any], verb: str, **fields: Any) -> None:
        path = f"{self.path}/transactions/{row['transaction_id']}{verb}"
        self.books.control(path, **fields)
