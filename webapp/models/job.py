"""Work that is not a sync: mail, the removal of an item at Plaid.

A row is there from the moment it is put, in the transaction of what caused it, until it
is done. The user may be gone before that: a removal goes on without one.
"""

import uuid
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId

ALIVE = text("dead_at IS NULL")


class Job(Base):
    __tablename__ = "jobs"

    id: Mapped[RowId]
    kind: Mapped[str]
    key: Mapped[str]
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL")
    )
    args: Mapped[dict[str, Any]] = mapped_column(JSONB)  # ids only
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # crypto.py
    created_at: Mapped[CreatedAt]

    # The queue. All instants by the database's clock.
    run_at: Mapped[CreatedAt]
    lease_until: Mapped[Instant | None]
    lease_token: Mapped[uuid.UUID | None]
    # rises with each put, so that one that comes during a run makes another run
    req_seq: Mapped[int] = mapped_column(BigInteger, server_default=text("1"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    max_attempts: Mapped[int | None]  # None: until it works
    dead_at: Mapped[Instant | None]
    last_error: Mapped[str | None]

    __table_args__ = (
        Index("uq_jobs_kind_key", "kind", "key", unique=True, postgresql_where=ALIVE),
        Index("ix_jobs_due", "run_at", postgresql_where=ALIVE),
        Index("ix_jobs_user_id", "user_id"),
        {"comment": "Work that is not a sync; claimed like items"},
    )
