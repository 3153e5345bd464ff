"""What the bank changes on stored transactions is kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "transaction_changes",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("sync_run_id", sa.Uuid(), nullable=False),
        sa.Column("was", postgresql.JSONB(), nullable=False),
        sa.Column("became", postgresql.JSONB(), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "transaction_id"],
            ["transactions.user_id", "transactions.id"],
            name=op.f("fk_transaction_changes_transactions"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_transaction_changes")),
    )
    op.create_index(
        "ix_transaction_changes_transaction",
        "transaction_changes",
        ["user_id", "transaction_id", "changed_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("transaction_changes")
