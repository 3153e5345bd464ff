"""Rights of the roles: owner (migrates), app (web and worker), queue (across users).

The app may read and write rows, make temporary tables, and nothing else. Where a plain
server has no such role and the migrating one may make roles, it is made without login;
where it may not, the app connects as the owner and there is nothing to grant.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

APP, QUEUE = "smartbudget_app", "smartbudget_queue"

MAKE_ROLES = f"""
DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['{APP}', '{QUEUE}'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted)
           AND (SELECT rolcreaterole OR rolsuper FROM pg_roles
                WHERE rolname = current_user) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$
"""

GRANT = f"""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') THEN
        EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
        EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO {APP}',
                       current_database());
        GRANT USAGE ON SCHEMA public TO {APP};
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP};
        REVOKE INSERT, UPDATE, DELETE ON alembic_version, categories FROM {APP};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public
            GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {APP};
    END IF;
END $$
"""

REVOKE = f"""
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP}') THEN
        REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP};
        ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {APP};
        REVOKE USAGE ON SCHEMA public FROM {APP};
    END IF;
END $$
"""


def upgrade() -> None:
    op.execute(MAKE_ROLES)
    op.execute(GRANT)


def downgrade() -> None:
    op.execute(REVOKE)
