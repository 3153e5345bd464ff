"""The database of a run: the embedded one, or the one that DATABASE_URL names."""

import hashlib
from contextlib import closing
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection
from psycopg2.sql import SQL, Identifier

from webapp.demo.settings import Settings
from webapp.embedded import APP, OWNER, SUPERUSER, Cluster

FOR_FLASK = ("DATABASE_URL", "DATABASE_OWNER_URL", "PLAID_HOST", "PUBLIC_URL")


def environment(settings: Settings, cluster: Cluster | None) -> dict[str, str]:
    if cluster is None:
        owner_url = settings.given.get("DATABASE_OWNER_URL")
        return settings.environment(settings.given["DATABASE_URL"], owner_url)
    name = settings.database
    cluster.create_database(name)
    return settings.environment(cluster.url(APP, name), cluster.url(OWNER, name))


def note_for_flask(environment: dict[str, str], file: Path, is_embedded: bool) -> None:
    """Let `flask ...` by hand find what runs; a server of yours is yours to name."""
    names = FOR_FLASK if is_embedded else FOR_FLASK[2:]
    file.write_text("".join(f"{name}='{environment[name]}'\n" for name in names))


def is_prepared(cluster: Cluster | None, settings: Settings) -> bool:
    """Whether this schema was made here and seeded: then a start need not do it again.

    It is noted as the database's comment, to be gone when the database is.
    """
    question = (
        "SELECT shobj_description(oid, 'pg_database') = %s FROM pg_database"
        " WHERE datname = current_database()"
    )
    if cluster is None:
        return False
    with _session(cluster, settings) as session, session.cursor() as cursor:
        cursor.execute(question, [_note()])
        return bool(cursor.fetchone() == (True,))


def mark_prepared(cluster: Cluster | None, settings: Settings) -> None:
    comment = SQL("COMMENT ON DATABASE {} IS %s").format(Identifier(settings.database))
    if cluster is not None:
        with _session(cluster, settings) as session, session.cursor() as cursor:
            cursor.execute(comment, [_note()])


def _note() -> str:
    """Changes with the migrations that are here."""
    names = sorted(path.name for path in Path("migrations/versions").glob("*.py"))
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return f"prepared by make run, migrations {digest[:16]}"


def _session(cluster: Cluster, settings: Settings) -> closing[connection]:
    url = cluster.url(SUPERUSER, settings.database).replace("+psycopg2", "")
    session = psycopg2.connect(url)
    session.autocommit = True
    return closing(session)
