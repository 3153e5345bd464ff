"""A person who signs in."""

import datetime as dt
import zoneinfo

from flask_login import UserMixin
from sqlalchemy import false, true
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt, Instant, RowId


class User(UserMixin, Base):
    __tablename__ = "users"

    id: Mapped[RowId]
    email: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    first_name: Mapped[str] = mapped_column(server_default="")
    last_name: Mapped[str] = mapped_column(server_default="")
    time_zone: Mapped[str] = mapped_column(server_default="UTC")
    locale: Mapped[str] = mapped_column(server_default="en_US")
    is_admin: Mapped[bool] = mapped_column(server_default=false())
    is_active: Mapped[bool] = mapped_column(server_default=true())
    bank_mails: Mapped[bool] = mapped_column(server_default=true())
    last_login_at: Mapped[Instant | None]
    created_at: Mapped[CreatedAt]

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    def today(self, now: dt.datetime) -> dt.date:
        """The calendar day of the aware instant `now` where this person lives."""
        return now.astimezone(self.zone).date()
