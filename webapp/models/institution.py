"""A bank as Plaid describes it; shared by all users, holds nobody's data."""

from sqlalchemy import false
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import CreatedAt


class Institution(Base):
    __tablename__ = "institutions"

    institution_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    logo: Mapped[str | None]  # base64 PNG, 152 x 152
    primary_color: Mapped[str | None]
    url: Mapped[str | None]
    oauth: Mapped[bool] = mapped_column(server_default=false())
    fetched_at: Mapped[CreatedAt]
