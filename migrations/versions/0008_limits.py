"""Token buckets for Plaid's limits, circuit breakers, and since when an item fails.

The rights of the app on the tables are the default privileges of 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEVER_DUE = "state NOT IN ('removing', 'removed')"
NEVER_DUE_BEFORE = "state NOT IN ('revoked', 'removed')"


def upgrade() -> None:
    op.create_table(
        "breakers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column(
            "failing_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_breakers")),
        comment="Circuit breakers, shared by all workers",
    )
    op.create_table(
        "plaid_buckets",
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("holder", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "holder", name=op.f("pk_plaid_buckets")),
        comment="Calls to Plaid that its limits allow",
    )
    op.execute("ALTER TABLE plaid_buckets SET (fillfactor = 50)")
    op.add_column(
        "plaid_items",
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
    )
    index_due(NEVER_DUE)


def downgrade() -> None:
    index_due(NEVER_DUE_BEFORE)
    op.drop_column("plaid_items", "failing_since")
    op.drop_table("plaid_buckets")
    op.drop_table("breakers")


def index_due(where: str) -> None:
    op.drop_index("ix_plaid_items_due", table_name="plaid_items")
    op.create_index(
        "ix_plaid_items_due",
        "plaid_items",
        ["next_at"],
        postgresql_where=sa.text(where),
    )
