"""The schema as the database has it: tenants apart, models and migrations alike."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import Connection, create_engine, insert, inspect, text, update
from sqlalchemy.exc import IntegrityError, ProgrammingError
from uuid_utils.compat import uuid7

from tests.factories import make_account, make_item
from tests.ledger.rows import add, make_person, row
from webapp import embedded
from webapp.extensions import db
from webapp.models import BankAccount, PlaidItem, SyncRun, Transaction

# Tables that hold nobody's data.
SHARED = {
    "alembic_version", "breakers", "categories", "institutions", "plaid_buckets",
    "rate_limits", "users",
}  # fmt: skip
# Work that goes on without its user: it names one, or nobody.
OUTLIVING = {"jobs"}


@pytest.fixture
def as_app(app: Flask) -> Iterator[Connection]:
    """A connection of the app's role, rolled back."""
    engine = create_engine(app.config["DATABASE_URL"])
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def include(object_: Any, name: Any, type_: str, *_: Any) -> bool:
    return not (type_ == "table" and object_.info.get("is_view"))


def test_models_and_migrations_say_the_same(as_app: Connection) -> None:
    options = {
        "include_object": include,
        "compare_type": True,
        "compare_server_default": False,
    }
    context = MigrationContext.configure(as_app, opts=options)
    assert compare_metadata(context, db.metadata) == []


def test_columns_of_the_view_and_its_model_are_the_same(as_app: Connection) -> None:
    model = db.metadata.tables["ledger"]
    columns = [column["name"] for column in inspect(as_app).get_columns("ledger")]
    assert columns == [column.name for column in model.columns]


def test_view_asks_with_the_rights_of_the_caller(as_app: Connection) -> None:
    options = as_app.scalar(
        text("SELECT reloptions FROM pg_class WHERE relname = 'ledger'")
    )
    assert options == ["security_invoker=true"]


def tenant_tables(connection: Connection) -> list[str]:
    found = set(inspect(connection).get_table_names())
    return sorted(found - SHARED - OUTLIVING)


def test_tenant_key_comes_first(as_app: Connection) -> None:
    tables = tenant_tables(as_app)
    assert {"transactions", "bank_accounts", "plaid_items"} <= set(tables)
    for table in tables:
        key = inspect(as_app).get_pk_constraint(table)["constrained_columns"]
        assert key[0] == "user_id", table
        assert len(key) > 1, table


def test_no_row_points_at_another_users_row(as_app: Connection) -> None:
    """Each foreign key to a tenant's table carries the tenant, at both ends first."""
    for table in tenant_tables(as_app):
        keys = inspect(as_app).get_foreign_keys(table)
        assert keys, f"{table} belongs to nobody"
        reached = False
        for key in keys:
            if key["referred_table"] == "users":
                assert key["constrained_columns"] == ["user_id"]
            elif key["referred_table"] not in SHARED:
                assert key["constrained_columns"][0] == "user_id", (table, key)
                assert key["referred_columns"][0] == "user_id", (table, key)
            reached |= "user_id" in key["constrained_columns"]
            if "user_id" in key["constrained_columns"]:
                assert key["options"].get("ondelete") == "CASCADE", (table, key)
        assert reached, f"{table} may hold rows of nobody"


def test_shared_tables_name_no_user(as_app: Connection) -> None:
    for table in SHARED:
        names = {column["name"] for column in inspect(as_app).get_columns(table)}
        assert "user_id" not in names, table


def test_money_is_exact_and_instants_know_their_zone(as_app: Connection) -> None:
    for table in [*tenant_tables(as_app), "users", "jobs"]:
        for column in inspect(as_app).get_columns(table):
            kind = str(column["type"].compile(as_app.dialect))
            assert not re.search("FLOAT|REAL|DOUBLE|MONEY", kind), (table, column)
            if column["name"].endswith("_at"):
                assert kind == "TIMESTAMP WITH TIME ZONE", (table, column)
            if re.search("amount$|balance", column["name"]):
                exact = "NUMERIC" if "plaid_" in column["name"] else "NUMERIC(28, 10)"
                assert kind == exact, (table, column)


def test_transaction_of_alice_cannot_point_at_an_account_of_bob(app: Flask) -> None:
    alice, bob = make_person(app), make_person(app)
    his = make_account(app, make_item(app, bob))
    with pytest.raises(IntegrityError, match="fk_transactions_bank_accounts"):
        add(app, row(his, "-5") | {"user_id": alice.id})


def refused(app: Flask, statement: Any) -> str:
    with app.app_context(), pytest.raises(IntegrityError) as caught:
        db.session.execute(statement)
    return str(caught.value.orig)


def test_other_rows_of_alice_cannot_point_at_rows_of_bob(app: Flask) -> None:
    alice, bob = make_person(app), make_person(app)
    hers, his = make_item(app, alice), make_item(app, bob)
    account = make_account(app, hers)
    run = insert(SyncRun).values(user_id=alice.id, id=uuid7(), plaid_item_id=his.id)
    assert "fk_sync_runs_plaid_items" in refused(app, run)
    moved = update(BankAccount).where(BankAccount.id == account.id)
    assert "fk_bank_accounts_plaid_items" in refused(
        app, moved.values(plaid_item_id=his.id)
    )
    assert "violates foreign key" in refused(app, moved.values(user_id=bob.id))


def test_rows_go_with_their_user_and_no_others(app: Flask) -> None:
    alice, bob = make_person(app), make_person(app)
    for user in (alice, bob):
        add(app, row(make_account(app, make_item(app, user)), "-5"))
    with app.app_context():
        db.session.execute(text("DELETE FROM users WHERE id = :id"), {"id": alice.id})
        for table in (PlaidItem, BankAccount, Transaction):
            counted = text(f"SELECT user_id FROM {table.__tablename__}")
            assert db.session.scalars(counted).all() == [bob.id]
        db.session.commit()


def test_same_id_of_the_bank_at_two_people_is_two_rows(app: Flask) -> None:
    first, second = (make_item(app, make_person(app)) for _ in range(2))
    for item in (first, second):
        account = make_account(app, item, plaid_account_id="shared")
        add(app, row(account, "-5") | {"plaid_transaction_id": "shared"})
    again = make_account(app, first)
    with pytest.raises(IntegrityError, match="plaid_transaction_id"):
        add(app, row(again, "-5") | {"plaid_transaction_id": "shared"})


def test_app_is_a_plain_role(as_app: Connection) -> None:
    role = as_app.execute(
        text("""
            SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb
            FROM pg_roles WHERE rolname = current_user
        """)
    ).one()
    assert tuple(role) == (embedded.APP, False, False, False, False)
    owned = text("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")
    assert as_app.scalar(owned) == 0
    member = text("SELECT pg_has_role(current_user, :role, 'member')")
    for other in (embedded.OWNER, embedded.QUEUE):
        assert as_app.scalar(member, {"role": other}) is False


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER TABLE users ADD COLUMN mine int",
        "DROP TABLE transactions",
        "DROP VIEW ledger",
        "TRUNCATE transactions",
        "UPDATE categories SET label = 'mine'",
        "DELETE FROM alembic_version",
        "SET ROLE smartbudget_owner",
    ],
)
def test_app_cannot_change_the_schema(as_app: Connection, statement: str) -> None:
    with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
        as_app.execute(text(statement))


def test_app_can_make_temporary_tables(as_app: Connection) -> None:
    as_app.execute(text("CREATE TEMPORARY TABLE mine (id int) ON COMMIT DROP"))
    assert as_app.scalar(text("SELECT count(*) FROM mine")) == 0
