"""Plaid's personal finance categories, as data: new codes need no release."""

from sqlalchemy import ForeignKey, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base


class Category(Base):
    __tablename__ = "categories"

    code: Mapped[str] = mapped_column(primary_key=True)
    parent_code: Mapped[str | None] = mapped_column(ForeignKey("categories.code"))
    label: Mapped[str]
    # place in the chart palette: the same colour for the same category everywhere
    colour_index: Mapped[int] = mapped_column(SmallInteger)
