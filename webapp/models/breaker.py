"""Failures in a row at Plaid, or at one bank behind it. No row: it works."""

from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant


class Breaker(Base):
    __tablename__ = "breakers"

    name: Mapped[str] = mapped_column(primary_key=True)  # "plaid", or institution_id
    failures: Mapped[int]
    failing_since: Mapped[CreatedAt]
    opened_at: Mapped[Instant | None]
    probe_at: Mapped[Instant | None]  # when one run may try whether it works again
    error_code: Mapped[str]
    request_id: Mapped[str | None]

    __table_args__ = ({"comment": "Circuit breakers, shared by all workers"},)
