"""/healthz: the process lives. /readyz: it can serve, its schema is at head."""

import functools

from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp.extensions import db

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@bp.get("/readyz")
def readyz() -> tuple[Response, int]:
    try:
        version = db.session.execute(text("SELECT version_num FROM alembic_version"))
        found = version.scalar_one_or_none()
    except SQLAlchemyError as error:
        return jsonify(status="database not ready", reason=type(error).__name__), 503
    if found != schema_head(current_app.extensions["migrate"].directory):
        return jsonify(status="schema not at head, run flask init-db"), 503
    return jsonify(status="ok", schema=found), 200


@functools.cache
def schema_head(directory: str) -> str | None:
    """The newest migration this code knows."""
    config = AlembicConfig()
    config.set_main_option("script_location", directory.replace("%", "%%"))
    return ScriptDirectory.from_config(config).get_current_head()
