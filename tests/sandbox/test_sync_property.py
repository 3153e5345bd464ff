"""Whatever the bank does meanwhile, Plaid's loop ends with the bank's rows."""

import datetime
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Bank

MUTATION = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
EDITS = st.sampled_from(["add", "pend", "change", "remove", "post", "repeat", "none"])


class Loop:
    """A client that follows Plaid's loop: buffers, restart from the first cursor."""

    def __init__(self, bank: Bank, token: str) -> None:
        self.bank, self.token = bank, token
        self.rows: dict[str, Any] = {}
        self.cursor = ""

    def run(self, count: int, edits: Any) -> None:
        for _ in range(40):
            if self._try(count, edits):
                return
        raise AssertionError("the loop never ended")

    def _try(self, count: int, edits: Any) -> bool:
        cursor, changes, more = self.cursor, [], True
        while more:
            status, page = self.bank.post(
                "/transactions/sync",
                access_token=self.token,
                cursor=cursor,
                count=count,
            )
            if status != 200:
                assert page["error_code"] == MUTATION
                assert cursor != self.cursor
                return False
            changes.append(page)
            cursor, more = page["next_cursor"], page["has_more"]
            next(edits, lambda: None)()
        removed: list[str] = []
        for page in changes:
            for row in page["added"] + page["modified"]:
                self.rows[row["transaction_id"]] = row
            removed += [row["transaction_id"] for row in page["removed"]]
        for transaction_id in removed:
            self.rows.pop(transaction_id, None)
        self.cursor = cursor
        return True


class Editor:
    """Edits of the bank, chosen by hypothesis."""

    def __init__(self, bank: Bank, item_id: str) -> None:
        self.bank, self.path = bank, f"items/{item_id}"
        self.today = datetime.datetime.now(datetime.UTC).date()

    def rows(self) -> list[dict[str, Any]]:
        got = self.bank.get(f"/_control/{self.path}/transactions")
        return list(got["transactions"])

    def apply(self, edit: str, pick: int) -> None:
        rows = self.rows()
        if edit in ("add", "pend"):
            days = 3 if edit == "pend" else 0
            posted = self.today + datetime.timedelta(days=days)
            row = {
                "amount": pick / 4,
                "date_posted": posted.isoformat(),
                "date_transacted": self.today.isoformat(),
                "description": f"row {pick}",
            }
            self.bank.control(f"{self.path}/transactions", transactions=[row])
            return
        if edit == "post":
            rows = [row for row in rows if row["pending"]]
        if not rows or edit == "none":
            return
        one = rows[pick % len(rows)]["transaction_id"]
        if edit == "change":
            self.bank.control(f"{self.path}/transactions/{one}", amount=pick)
        elif edit == "repeat":
            self.bank.control(f"{self.path}/repeat", count=1 + pick % 3)
        else:
            self.bank.control(f"{self.path}/transactions/{one}/{edit}")


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    history=st.lists(
        st.tuples(
            st.integers(1, 9),
            st.lists(st.tuples(EDITS, st.integers(0, 99)), max_size=6),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_client_ends_with_the_banks_rows(bank: Bank, history: Any) -> None:
    token = bank.link("user_load_12")
    item_id = bank.ok("/item/get", access_token=token)["item"]["item_id"]
    editor, loop = Editor(bank, item_id), Loop(bank, token)
    for count, edits in history:
        steps = (lambda e=edit, p=pick: editor.apply(e, p) for edit, pick in edits)
        loop.run(count, iter(list(steps)))
        for edit, pick in edits:
            editor.apply(edit, pick)
    loop.run(5, iter(()))
    theirs = {row["transaction_id"]: row for row in editor.rows()}
    assert loop.rows.keys() == theirs.keys()
    for transaction_id, row in loop.rows.items():
        assert row["amount"] == theirs[transaction_id]["amount"]
        assert row["pending"] == theirs[transaction_id]["pending"]
