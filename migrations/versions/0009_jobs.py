"""The small job table: mail and item removal, claimed like items.

The rights of the app on the table are the default privileges of 0004.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ALIVE = sa.text("dead_at IS NULL")


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    now = sa.text("now()")
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("args", JSONB(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", instant, server_default=now, nullable=False),
        sa.Column("run_at", instant, server_default=now, nullable=False),
        sa.Column("lease_until", instant, nullable=True),
        sa.Column("lease_token", sa.Uuid(), nullable=True),
        sa.Column(
            "req_seq", sa.BigInteger(), server_default=sa.text("1"), nullable=False
        ),
        sa.Column(
            "attempts", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("max_attempts", sa.Integer(), nullable=True),
        sa.Column("dead_at", instant, nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_jobs_users"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        comment="Work that is not a sync; claimed like items",
    )
    op.create_index(
        "uq_jobs_kind_key", "jobs", ["kind", "key"], unique=True, postgresql_where=ALIVE
    )
    op.create_index("ix_jobs_due", "jobs", ["run_at"], postgresql_where=ALIVE)
    op.create_index("ix_jobs_user_id", "jobs", ["user_id"])


def downgrade() -> None:
    # the tokens in it are nowhere else, and Plaid goes on with what is not removed
    waiting = "SELECT count(*) FROM jobs WHERE secret IS NOT NULL"
    if count := op.get_bind().scalar(sa.text(waiting)):
        raise RuntimeError(
            f"{count} banks wait for their removal at Plaid: let a worker do it first"
        )
    op.drop_table("jobs")
