"""Safe re-link: what an adoption moved, so that it can be undone.

And what linking waits for: a choice about a bank that is linked already, accounts newly
opened at a bank, accounts whose sharing was ended there. The rights of the app on the
tables are the default privileges of 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

STATUSES = (
    "'created', 'exchanging', 'linked', 'duplicate', 'exited', 'expired', 'failed'"
)
STATUSES_NOW = STATUSES.replace("'linked'", "'choosing', 'linked'")


def upgrade() -> None:
    for table, name in (
        ("plaid_items", "new_accounts_at"),
        ("bank_accounts", "revoked_at"),
    ):
        op.add_column(table, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "plaid_link_sessions",
        sa.Column(
            "selects_accounts",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
    )
    op.add_column(
        "plaid_link_sessions",
        sa.Column("public_token", sa.LargeBinary(), nullable=True),
    )
    op.add_column(
        "plaid_link_sessions", sa.Column("exchanged_item_id", sa.Uuid(), nullable=True)
    )
    allow(STATUSES_NOW)
    op.create_table(
        "adoptions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("new_item_id", sa.Uuid(), nullable=False),
        sa.Column("old_item_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False)
            for name in ("matched", "added", "gone", "kept")
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('adopted', 'undone', 'declined')",
            name=op.f("ck_adoptions_status"),
        ),
        points_at("plaid_items", "new_item_id", "fk_adoptions_new_item"),
        points_at("plaid_items", "old_item_id", "fk_adoptions_old_item"),
        sa.PrimaryKeyConstraint("user_id", "id", name=op.f("pk_adoptions")),
    )
    op.create_table(
        "adopted_accounts",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("adoption_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("parked_id", sa.Uuid(), nullable=False),
        sa.Column("plaid_account_id", sa.Text(), nullable=False),
        sa.Column("was_closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("was_revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("took_name", sa.Text(), nullable=True),
        points_at("adoptions", "adoption_id", op.f("fk_adopted_accounts_adoptions")),
        points_at("bank_accounts", "account_id", "fk_adopted_accounts_account"),
        points_at("bank_accounts", "parked_id", "fk_adopted_accounts_parked"),
        sa.PrimaryKeyConstraint(
            "user_id", "adoption_id", "account_id", name=op.f("pk_adopted_accounts")
        ),
    )
    op.create_table(
        "adopted_transactions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("adoption_id", sa.Uuid(), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("parked_id", sa.Uuid(), nullable=True),
        sa.Column("plaid_transaction_id", sa.Text(), nullable=True),
        sa.Column("took", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint(
            "role IN ('paired', 'gone', 'kept')",
            name=op.f("ck_adopted_transactions_role"),
        ),
        sa.CheckConstraint(
            "(role = 'paired') = (parked_id IS NOT NULL)",
            name=op.f("ck_adopted_transactions_parked"),
        ),
        points_at(
            "adoptions", "adoption_id", op.f("fk_adopted_transactions_adoptions")
        ),
        points_at(
            "transactions", "transaction_id", "fk_adopted_transactions_transaction"
        ),
        points_at("transactions", "parked_id", "fk_adopted_transactions_parked"),
        sa.PrimaryKeyConstraint(
            "user_id",
            "adoption_id",
            "transaction_id",
            name=op.f("pk_adopted_transactions"),
        ),
    )
    # each foreign key has its index: deleting a bank must not read whole tables
    for name, table, *columns in (
        ("ix_adoptions_items", "adoptions", "new_item_id", "old_item_id"),
        ("ix_adoptions_old", "adoptions", "old_item_id"),
        ("ix_adopted_accounts_account", "adopted_accounts", "account_id"),
        ("ix_adopted_accounts_parked", "adopted_accounts", "parked_id"),
        (
            "ix_adopted_transactions_transaction",
            "adopted_transactions",
            "transaction_id",
        ),
        ("ix_adopted_transactions_parked", "adopted_transactions", "parked_id"),
    ):
        op.create_index(name, table, ["user_id", *columns])


def downgrade() -> None:
    for table in ("adopted_transactions", "adopted_accounts", "adoptions"):
        op.drop_table(table)
    op.execute(
        "UPDATE plaid_link_sessions SET status = 'expired' WHERE status = 'choosing'"
    )
    allow(STATUSES)
    for name in ("exchanged_item_id", "public_token", "selects_accounts"):
        op.drop_column("plaid_link_sessions", name)
    op.drop_column("bank_accounts", "revoked_at")
    op.drop_column("plaid_items", "new_accounts_at")


def allow(statuses: str) -> None:
    name = "ck_plaid_link_sessions_status"
    op.drop_constraint(op.f(name), "plaid_link_sessions", type_="check")
    op.create_check_constraint(
        op.f(name), "plaid_link_sessions", f"status IN ({statuses})"
    )


def points_at(table: str, column: str, name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["user_id", column],
        [f"{table}.user_id", f"{table}.id"],
        name=name,
        ondelete="CASCADE",
    )
