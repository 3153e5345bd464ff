"""An item in a worker's hands."""

import datetime as dt
import uuid
from dataclasses import dataclass

from webapp.jobs.lease import LEASE


@dataclass(frozen=True)
class Claim:
    """An item to work on, for as long as the lease lives."""

    user_id: uuid.UUID
    id: uuid.UUID
    item_id: str
    institution_id: str | None
    access_token: bytes
    cursor: str | None
    state: str
    attempts: int
    created_at: dt.datetime
    lease_token: uuid.UUID
    lease: dt.timedelta = LEASE
    is_watched: bool = False  # Plaid or the bank failed before: a success matters

    @property
    def key(self) -> dict[str, object]:
        return {"user_id": self.user_id, "id": self.id, "token": self.lease_token}
