"""Column types and defaults that every table shares."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Annotated

from sqlalchemy import DateTime, ForeignKey, Numeric, func
from sqlalchemy.orm import mapped_column
from uuid_utils.compat import uuid7

# NUMERIC(28,10): any ISO currency and crypto to ten places, never a float on the way.
Money = Annotated[Decimal, mapped_column(Numeric(28, 10))]
Instant = Annotated[dt.datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[
    dt.datetime, mapped_column(DateTime(timezone=True), server_default=func.now())
]
RowId = Annotated[uuid.UUID, mapped_column(primary_key=True, default=uuid7)]
UserId = Annotated[
    uuid.UUID,
    mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
]
# In rows that hang on another tenant row, whose composite foreign key checks the user.
TenantId = Annotated[uuid.UUID, mapped_column(primary_key=True)]
