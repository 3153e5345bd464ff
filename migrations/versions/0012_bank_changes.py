"""What the bank changed on rows a person had worked on: accept or keep."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "transaction_changes"


def upgrade() -> None:
    no = sa.text("false")
    asks = sa.Column("asks_user", sa.Boolean(), server_default=no, nullable=False)
    op.add_column(TABLE, asks)
    op.add_column(TABLE, sa.Column("decided_at", sa.DateTime(timezone=True)))
    op.add_column(TABLE, sa.Column("decision", sa.Text()))
    op.create_check_constraint(
        op.f("ck_transaction_changes_decision"),
        TABLE,
        "decision IN ('accepted', 'kept')",
    )
    op.create_check_constraint(
        op.f("ck_transaction_changes_decided"),
        TABLE,
        "(decided_at IS NULL) = (decision IS NULL)",
    )
    op.create_index(
        "ix_transaction_changes_open",
        TABLE,
        ["user_id", "transaction_id"],
        postgresql_where=sa.text("asks_user AND decided_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_transaction_changes_open", TABLE)
    for name in ("asks_user", "decided_at", "decision"):
        op.drop_column(TABLE, name)
