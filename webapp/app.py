"""The application factory."""

import base64
import datetime as dt
import functools
import hashlib
import os
from pathlib import Path

from flask import Flask, Response, request, url_for
from flask_login import current_user
from sqlalchemy import Engine
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Config
from webapp import cli, errors, filters, logs, security
from webapp.accounts.choice import bp as accounts  # all its routes
from webapp.admin.routes import bp as admin
from webapp.auth import login
from webapp.auth.leaving import bp as auth  # with routes.py
from webapp.crypto import Vault
from webapp.dashboard.routes import bp as dashboard
from webapp.extensions import DATABASE_DOWN, csrf, db, htmx, login_manager, migrate
from webapp.health import bp as health
from webapp.mail.post import make_post
from webapp.plaid.client import Admit, PlaidClient
from webapp.plaid.webhook_keys import WebhookKeys
from webapp.settings.routes import bp as settings
from webapp.sync.limits import LIMITS, Limits
from webapp.transactions.routes import bp as transactions
from webapp.webhooks.routes import bp as webhooks


def create_app(config: Config) -> Flask:
    """The app for these settings. Opens no connection."""
    app = Flask(
        "webapp",
        root_path=str(ROOT / "webapp"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    configure(app, config)
    logs.init_app(app)
    add_extensions(app)
    add_static_urls(app)
    filters.init_app(app)
    security.init_app(app)
    errors.init_app(app)
    features = (accounts, admin, dashboard, settings, transactions)
    for blueprint in (health, auth, *features, webhooks):
        app.register_blueprint(blueprint)
    cli.init_app(app)
    return app


def configure(app: Flask, config: Config) -> None:
    app.config.from_mapping(config.model_dump())
    secure = config.is_secure
    app.config.update(
        SQLALCHEMY_DATABASE_URI=config.DATABASE_URL,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(config),
        # the __Host- prefix binds the cookie to this very host; it needs Secure
        SESSION_COOKIE_NAME="__Host-session" if secure else "session",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=dt.timedelta(minutes=config.SESSION_IDLE_MINUTES),
        WTF_CSRF_TIME_LIMIT=None,  # it lives as long as the session
        MAX_CONTENT_LENGTH=1 << 20,
    )
    app.extensions["vault"] = Vault(config.DATA_KEYS)
    plaid = PlaidClient(
        config.PLAID_HOST,
        config.PLAID_CLIENT_ID,
        config.PLAID_SECRET,
        admit=admission(app, config),
    )
    app.extensions["plaid"] = plaid
    app.extensions["post"] = make_post(
        config.MAIL_BACKEND, config.MAIL_SERVER, config.MAIL_PORT,
        config.MAIL_SECURITY, config.MAIL_USERNAME, config.MAIL_PASSWORD,
    )  # fmt: skip
    app.extensions["webhook_keys"] = WebhookKeys(plaid.webhook_verification_key_get)
    if config.TRUSTED_PROXY_HOPS:
        hops = config.TRUSTED_PROXY_HOPS
        proxy = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxy  # type: ignore[method-assign]


def admission(app: Flask, config: Config) -> Admit | None:
    """Who keeps Plaid's limits; nobody where they are off."""

    def engine() -> Engine:
        with app.app_context():  # a call may come from a thread without one
            return db.engine

    if config.PLAID_RATE_LIMITS == "off":
        return None
    return Limits(engine, LIMITS[config.PLAID_RATE_LIMITS]).admit


def engine_options(config: Config) -> dict[str, object]:
    return {
        "pool_size": config.DATABASE_POOL_SIZE,
        "max_overflow": config.DATABASE_MAX_OVERFLOW,
        "pool_recycle": config.DATABASE_POOL_RECYCLE,
        "pool_pre_ping": True,
        # a traceback in the log shows the statement, not somebody's money
        "hide_parameters": True,
        # a full pool or a lost database answers 503 within 5 s, it does not hang
        "pool_timeout": 4,
        "connect_args": {
            "connect_timeout": 2,
            # a host that vanished sends nothing: without this an open connection waits
            # a quarter of an hour (milliseconds; no meaning on a socket file)
            "tcp_user_timeout": 2000,
            "keepalives_idle": 5,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "application_name": "smartbudget",
        },
    }


def add_extensions(app: Flask) -> None:
    db.init_app(app)
    app.teardown_appcontext(_end_session)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    csrf.init_app(app)
    htmx.init_app(app)
    # Flask-Login's context processor would load the user for every template: an error
    # page must do without the database. This one asks when a template does.
    login_manager.init_app(app, add_context_processor=False)
    app.jinja_env.globals["current_user"] = current_user
    login.init_app(login_manager)
    # after a fork every process opens connections of its own
    os.register_at_fork(after_in_child=functools.partial(_drop_inherited, app))


def _end_session(error: BaseException | None) -> None:
    """Before Flask-SQLAlchemy's own: what was read or committed stands.

    A connection lost since then must not turn a finished page into an error.
    """
    try:
        db.session.close()
    except DATABASE_DOWN:
        db.session().invalidate()


def _drop_inherited(app: Flask) -> None:
    with app.app_context():
        db.engine.dispose(close=False)


def add_static_urls(app: Flask) -> None:
    """`static_url('css/app.css')`: cached for ever, its content hash in the address."""

    @functools.cache
    def content_hash(filename: str, modified: float) -> str:
        digest = hashlib.sha256(Path(app.static_folder or "", filename).read_bytes())
        return base64.urlsafe_b64encode(digest.digest()[:9]).decode()

    def version(filename: str) -> str:
        modified = Path(app.static_folder or "", filename).stat().st_mtime
        return content_hash(filename, modified)

    def static_url(filename: str) -> str:
        return url_for("static", filename=filename, v=version(filename))

    def cache_for_ever(response: Response) -> Response:
        # only what has this very name: during a release a page of the new server may
        # ask the old one, and its file must not stay under the new hash
        wanted = request.args.get("v")
        if request.endpoint == "static" and wanted and response.status_code < 400:
            view = request.view_args or {}
            if wanted == version(view["filename"]):
                forever = "public, max-age=31536000, immutable"
                response.headers["Cache-Control"] = forever
        return response

    app.jinja_env.globals["static_url"] = static_url
    app.after_request(cache_for_ever)
