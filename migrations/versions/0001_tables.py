"""Tables: users, banks, accounts, transactions and the records of syncs."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("colour_index", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_code"], ["categories.code"], name=op.f("fk_categories_categories")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_categories")),
    )
    op.create_table(
        "institutions",
        sa.Column("institution_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("logo", sa.Text(), nullable=True),
        sa.Column("primary_color", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column(
            "oauth", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "fetched_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("institution_id", name=op.f("pk_institutions")),
    )
    op.create_table(
        "rate_limits",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("window_ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_limits")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("last_name", sa.Text(), server_default="", nullable=False),
        sa.Column("time_zone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en_US", nullable=False),
        sa.Column(
            "is_admin", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "plaid_items",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("institution_id", sa.Text(), nullable=True),
        sa.Column("institution_name", sa.Text(), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="first_sync", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "next_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column(
            "req_seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "seen_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "done_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("update_status", sa.Text(), nullable=True),
        sa.Column("bank_updated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consent_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error_code", sa.Text(), nullable=True),
        sa.Column("last_error_message", sa.Text(), nullable=True),
        sa.Column("last_request_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('first_sync', 'healthy', 'login_required', 'expiring', 'revoked', 'institution_down', 'error', 'quarantined', 'removing', 'removed')",
            name=op.f("ck_plaid_items_state"),
        ),
        sa.CheckConstraint(
            "done_seq <= seen_seq AND seen_seq <= req_seq",
            name=op.f("ck_plaid_items_seq"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_plaid_items_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_plaid_items")),
        sa.UniqueConstraint("item_id", name=op.f("uq_plaid_items_item_id")),
        comment="One login at one bank; the row is the sync queue",
    )
    op.create_index(
        "ix_plaid_items_due",
        "plaid_items",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text(
            "state NOT IN ('login_required', 'revoked', 'removed')"
        ),
    )
    op.create_table(
        "bank_accounts",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plaid_item_id", sa.Uuid(), nullable=False),
        sa.Column("plaid_account_id", sa.Text(), nullable=False),
        sa.Column("persistent_account_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("official_name", sa.Text(), nullable=True),
        sa.Column("mask", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("subtype", sa.Text(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("current_balance", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column(
            "available_balance", sa.Numeric(precision=28, scale=10), nullable=True
        ),
        sa.Column("balance_limit", sa.Numeric(precision=28, scale=10), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("hidden_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name=op.f("fk_bank_accounts_plaid_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_bank_accounts")),
        sa.UniqueConstraint(
            "user_id",
            "plaid_account_id",
            name=op.f("uq_bank_accounts_user_id_plaid_account_id"),
        ),
    )
    op.create_index(
        "ix_bank_accounts_item",
        "bank_accounts",
        ["user_id", "plaid_item_id"],
        unique=False,
    )
    op.create_table(
        "plaid_link_sessions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("link_token", sa.LargeBinary(), nullable=False),
        sa.Column("mode", sa.Text(), server_default="new", nullable=False),
        sa.Column("plaid_item_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="created", nullable=False),
        sa.Column("link_session_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "mode IN ('new', 'update')", name=op.f("ck_plaid_link_sessions_mode")
        ),
        sa.CheckConstraint(
            "status IN ('created', 'exchanging', 'linked', 'duplicate', 'exited', 'expired', 'failed')",
            name=op.f("ck_plaid_link_sessions_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name=op.f("fk_plaid_link_sessions_plaid_items"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_plaid_link_sessions_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_plaid_link_sessions")),
    )
    op.create_table(
        "sync_runs",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("plaid_item_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="running", nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pages", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "rows_fetched", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("added", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "modified", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("removed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "income_count", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "expense_count", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "fetch_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "write_ms", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("cursor_before", sa.Text(), nullable=True),
        sa.Column("cursor_after", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "status IN ('running', 'succeeded', 'failed', 'superseded')",
            name=op.f("ck_sync_runs_status"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "plaid_item_id"],
            ["plaid_items.user_id", "plaid_items.id"],
            name=op.f("fk_sync_runs_plaid_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_sync_runs")),
    )
    op.create_index(
        "ix_sync_runs_item",
        "sync_runs",
        ["user_id", "plaid_item_id", "started_at"],
        unique=False,
    )
    op.create_table(
        "transactions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("bank_account_id", sa.Uuid(), nullable=False),
        sa.Column("plaid_transaction_id", sa.Text(), nullable=False),
        sa.Column("pending_transaction_id", sa.Text(), nullable=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("authorized_date", sa.Date(), nullable=True),
        sa.Column("authorized_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("amount", sa.Numeric(precision=28, scale=10), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("plaid_amount", sa.Numeric(), nullable=False),
        sa.Column(
            "pending", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("merchant_name", sa.Text(), nullable=True),
        sa.Column("merchant_entity_id", sa.Text(), nullable=True),
        sa.Column("original_description", sa.Text(), nullable=True),
        sa.Column("category_primary", sa.Text(), nullable=True),
        sa.Column("category_detailed", sa.Text(), nullable=True),
        sa.Column("category_confidence", sa.Text(), nullable=True),
        sa.Column("category_version", sa.Text(), nullable=True),
        sa.Column("payment_channel", sa.Text(), nullable=True),
        sa.Column("check_number", sa.Text(), nullable=True),
        sa.Column(
            "bank_facts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("sync_run_id", sa.Uuid(), nullable=True),
        sa.Column("user_category", sa.Text(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "excluded", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id", "bank_account_id"],
            ["bank_accounts.user_id", "bank_accounts.id"],
            name=op.f("fk_transactions_bank_accounts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_transactions")),
        sa.UniqueConstraint(
            "user_id",
            "plaid_transaction_id",
            name=op.f("uq_transactions_user_id_plaid_transaction_id"),
        ),
    )
    op.create_index(
        "ix_transactions_account",
        "transactions",
        ["user_id", "bank_account_id"],
        unique=False,
    )
    op.create_index(
        "ix_transactions_pending",
        "transactions",
        ["user_id", "pending_transaction_id"],
        unique=False,
        postgresql_where=sa.text("pending_transaction_id IS NOT NULL"),
    )
    op.create_index(
        "ix_transactions_period",
        "transactions",
        ["user_id", "date", "id"],
        unique=False,
        postgresql_include=[
            "amount",
            "currency",
            "category_primary",
            "category_detailed",
            "pending",
            "bank_account_id",
            "user_category",
            "excluded",
        ],
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    # the queue's columns change often: room on the page keeps those updates HOT
    op.execute("ALTER TABLE plaid_items SET (fillfactor = 70)")


def downgrade() -> None:
    for table in (
        "transactions", "sync_runs", "plaid_link_sessions", "bank_accounts",
        "plaid_items", "users", "rate_limits", "institutions", "categories",
    ):  # fmt: skip
        op.drop_table(table)
