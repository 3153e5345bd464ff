"""A quarantined row remembers the account it waits for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "quarantined_transactions",
        sa.Column("plaid_account_id", sa.Text(), nullable=True),
    )


def downgrade() -> None:
    op.drop_column("quarantined_transactions", "plaid_account_id")
