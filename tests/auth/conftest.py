"""An app with a page of the tests' own behind the login, and one in live mode."""

from collections.abc import Iterator

import pytest
from flask import Blueprint, Flask, render_template_string
from flask_login import login_required

from config import load
from tests.conftest import rolled_back
from tests.factories import PASSWORD, make_user
from webapp.app import create_app
from webapp.auth.passwords import hash_password
from webapp.models import User

PROBE = """<p>{{ current_user.email }}</p>
<input name="csrf_token" value="{{ csrf_token() }}">"""
bp = Blueprint("probe", __name__)


@bp.route("/probe", methods=["GET", "POST"])
@login_required
def probe() -> str:
    return render_template_string(PROBE)


def make_app(settings: dict[str, str], factory: pytest.TempPathFactory) -> Flask:
    made = create_app(load(settings, factory.mktemp("root")))
    made.testing = True
    made.register_blueprint(bp)
    result = made.test_cli_runner().invoke(args=["init-db"])
    assert result.exit_code == 0, result.output
    return made


@pytest.fixture(scope="session")
def app(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return make_app(settings, tmp_path_factory)


@pytest.fixture(scope="session")
def password_hash() -> str:
    """Made once: a hash takes as long as all else in most of these tests."""
    return hash_password(PASSWORD)


@pytest.fixture
def alice(app: Flask, password_hash: str) -> User:
    return make_user(app, email="alice@example.com", password_hash=password_hash)


@pytest.fixture
def bob(app: Flask, password_hash: str) -> User:
    return make_user(app, email="bob@example.com", password_hash=password_hash)


LIVE = {"APP_MODE": "live", "PLAID_CLIENT_ID": "id", "PLAID_SECRET": "secret"}


@pytest.fixture(scope="session")
def live_app(
    settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Flask:
    return make_app(settings | LIVE, tmp_path_factory)


@pytest.fixture
def live(live_app: Flask) -> Iterator[Flask]:
    """The live app; what it wrote is undone."""
    for _ in rolled_back(live_app):
        yield live_app
