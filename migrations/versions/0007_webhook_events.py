"""The inbox of webhooks; an item that needs a login may be woken by one.

The rights of the app on the table are the default privileges of 0004.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SLEEPING = "state NOT IN ('revoked', 'removed')"
SLEEPING_BEFORE = "state NOT IN ('login_required', 'revoked', 'removed')"


def upgrade() -> None:
    op.create_table(
        "webhook_events",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plaid_item_id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("webhook_type", sa.Text(), nullable=False),
        sa.Column("webhook_code", sa.Text(), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("jwt_sha256", sa.LargeBinary(), nullable=False),
        sa.Column(
            "is_replay", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sync_run_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name=op.f("fk_webhook_events_plaid_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_webhook_events")),
        comment="Webhooks from Plaid; each also asks for a sync of its item",
    )
    op.create_index(
        "ix_webhook_events_item",
        "webhook_events",
        ["user_id", "plaid_item_id", "received_at"],
    )
    index_due(SLEEPING)


def downgrade() -> None:
    index_due(SLEEPING_BEFORE)
    op.drop_table("webhook_events")


def index_due(where: str) -> None:
    op.drop_index("ix_plaid_items_due", table_name="plaid_items")
    op.create_index(
        "ix_plaid_items_due",
        "plaid_items",
        ["next_at"],
        postgresql_where=sa.text(where),
    )
