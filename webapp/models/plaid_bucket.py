"""Token buckets for Plaid's limits. A full bucket needs no row."""

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.models.columns import Instant


class PlaidBucket(Base):
    __tablename__ = "plaid_buckets"

    endpoint: Mapped[str] = mapped_column(primary_key=True)
    # a hash of the access token, or empty for the bucket of all items together
    holder: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    full_at: Mapped[Instant]

    __table_args__ = ({"comment": "Calls to Plaid that its limits allow"},)
