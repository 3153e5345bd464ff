"""Counters of attempts. Keys are HMACs: the table names no address and no person."""

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import Instant


class RateLimit(Base):
    __tablename__ = "rate_limits"

    key: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    window_ends_at: Mapped[Instant]
    attempts: Mapped[int]
