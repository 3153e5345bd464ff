"""The bank's rows that cannot be stored, and how many each sync met."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sync_runs",
        sa.Column(
            "quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
    )
    op.create_table(
        "quarantined_transactions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plaid_item_id", sa.Uuid(), nullable=False),
        sa.Column("sync_run_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("plaid_transaction_id", sa.Text(), nullable=True),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name=op.f("fk_quarantined_transactions_plaid_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "user_id", "id", name=op.f("pk_quarantined_transactions")
        ),
    )
    op.create_index(
        "ix_quarantined_transactions_open",
        "quarantined_transactions",
        ["user_id", "plaid_item_id", "plaid_transaction_id"],
        unique=False,
        postgresql_where=sa.text("resolved_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("quarantined_transactions")
    op.drop_column("sync_runs", "quarantined")
