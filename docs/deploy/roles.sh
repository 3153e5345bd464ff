#!/bin/sh
# Makes the roles of the app in a fresh database: the owner migrates, the app reads and
# writes, the queue owns what looks across users. Runs once, in PostgreSQL's container.
set -eu
psql --username postgres --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \
     --set app="$POSTGRES_APP_PASSWORD" --set owner="$POSTGRES_OWNER_PASSWORD" <<'SQL'
CREATE ROLE smartbudget_queue NOLOGIN;
CREATE ROLE smartbudget_owner LOGIN PASSWORD :'owner' IN ROLE smartbudget_queue;
CREATE ROLE smartbudget_app LOGIN PASSWORD :'app';
-- a process that freezes in a transaction frees its rows, and nobody waits for them
ALTER ROLE smartbudget_app SET idle_in_transaction_session_timeout = '10s';
ALTER ROLE smartbudget_app SET lock_timeout = '3s';
ALTER ROLE smartbudget_app SET statement_timeout = '30s';
SELECT format('ALTER DATABASE %I OWNER TO smartbudget_owner', current_database()) \gexec
ALTER SCHEMA public OWNER TO smartbudget_owner;
SQL
