"""What a login at a bank opens: accounts, and what happens on them day by day."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from ..event import Event


class Account(msgspec.Struct, kw_only=True):
    """An account of an item, as it stands now.

    Balances have Plaid's sign: what is owed on credit and loan accounts is positive.
    """

    name: str
    type: str
    subtype: str | None
    mask: str | None
    current: Decimal | None
    available: Decimal | None = None
    limit: Decimal | None = None
    official_name: str | None = None
    currency: str = "USD"
    unofficial: bool = False
    holder_category: str = "personal"
    persistent_account_id: str | None = None
    fixed_available: bool = False
    shared: bool = True
    revoked: bool = False
    verification_status: str | None = None

    @property
    def carries_transactions(self) -> bool:
        return self.type in ("depository", "credit", "loan", "other")

    def move(self, posted: Decimal, held_back: Decimal) -> None:
        """Book what posted and what is now held back, both with Plaid's sign."""
        owed = self.type in ("credit", "loan")
        if self.current is not None:
            self.current += posted if owed else -posted
        if self.available is not None and not self.fixed_available:
            self.available -= held_back


@dataclass(frozen=True)
class World:
    """`events(first, last)` gives what begins on those days, always the same.

    `grows` says that new days bring new events; other worlds stand still. `mfa` is
    what Link asks for after the password, in the form of user_good's passwords.
    """

    accounts: tuple[Account, ...]
    events: Callable[[date, date], Iterable[Event]]
    grows: bool = False
    days_default: int = 90
    force_error: str | None = None
    mfa: str = ""


def no_events(first: date, last: date) -> Iterable[Event]:
    return ()
