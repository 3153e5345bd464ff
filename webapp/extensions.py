"""Unbound extension instances. Imports nothing of ours."""

from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy import Engine, ExceptionContext, MetaData, Text, event, text
from sqlalchemy.exc import DatabaseError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, registry

# Named constraints, so that code and people can tell which rule broke.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# The app's role gives up a statement after 30 s, so that no page and no worker hangs on
# a server that is stuck. What may well take longer says so, for its own transaction:
# that passes a pooler, and is asked for only where it is needed.
TAKE_YOUR_TIME = text("SELECT set_config('statement_timeout', '10min', true)")

# What a lost database, or a pool with no connection left, raises.
DATABASE_DOWN = (OperationalError, InterfaceError, PoolTimeout)


@event.listens_for(Engine, "handle_error")
def _name_a_lost_connection(context: ExceptionContext) -> OperationalError | None:
    """psycopg2 calls some lost connections a plain DatabaseError."""
    error = context.sqlalchemy_exception
    if context.is_disconnect and type(error) is DatabaseError:
        lost = context.original_exception
        return OperationalError(
            context.statement, None, lost, connection_invalidated=True
        )
    return None


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=NAMES), type_annotation_map={str: Text}
    )


db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    # tests wrap a request in an outer transaction; commits inside become savepoints
    session_options={"join_transaction_mode": "create_savepoint"},
)
migrate = Migrate()
login_manager = LoginManager()
csrf = CSRFProtect()
htmx = Htmx()
