"""A small app: the real templates, filters and headers, made-up figures."""

import datetime as dt
from pathlib import Path
from types import SimpleNamespace

import look_samples as samples
from flask import (
    Blueprint,
    Flask,
    Response,
    flash,
    make_response,
    render_template,
    request,
    send_from_directory,
    url_for,
)
from flask_login import AnonymousUserMixin, LoginManager
from flask_wtf import CSRFProtect, FlaskForm
from jinja2 import ChoiceLoader, FileSystemLoader
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired

from webapp import filters, security
from webapp.accounts.forms import ExitForm, SuccessForm
from webapp.auth.forms import LeaveForm
from webapp.settings.forms import MailForm

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TITLE = "Something broke on our side"


class Reader(AnonymousUserMixin):
    is_authenticated = True
    email = "a.very.long.address.of.a.person@mail.example.com"
    locale = "en_US"

    @property
    def zone(self):
        return dt.UTC

    def today(self, now):
        return samples.TODAY


class SampleForm(FlaskForm):
    email = StringField("E-mail", [InputRequired("Enter your e-mail address.")])
    password = PasswordField("Password", description="At least 12 characters.")
    remember = BooleanField("Keep me logged in on this device")


def make_site() -> Flask:
    app = Flask("look", static_folder=str(ROOT / "static"))
    folders = (ROOT / "templates", HERE / "pages")
    app.jinja_loader = ChoiceLoader([FileSystemLoader(folder) for folder in folders])
    app.config.update(
        SECRET_KEY="look",
        APP_MODE="demo",
        PUBLIC_URL="http://127.0.0.1",
        PLAID_HOST="http://127.0.0.1:9",
        PLAID_REFRESH=True,
    )
    app.jinja_env.globals["static_url"] = lambda name: url_for("static", filename=name)
    CSRFProtect(app)
    manager = LoginManager(app)
    manager.anonymous_user = Reader
    manager.user_loader(lambda user_id: None)
    filters.init_app(app)
    security.init_app(app)
    parts = (dashboard, accounts, transactions, settings, auth, plain)
    for blueprint in [make() for make in parts]:
        app.register_blueprint(blueprint)
    return app


def dashboard() -> Blueprint:
    bp = Blueprint("dashboard", __name__)

    @bp.get("/", endpoint="index")
    def index():
        part = "_board" if request.headers.get("HX-Request") else "index"
        return render_template(
            f"dashboard/{part}.html",
            period=samples.period(request.args.get("period", "this-month")),
            periods=samples.PERIODS,
            board=samples.BOARDS[request.args.get("board", "ordinary")],
        )

    return bp


def accounts() -> Blueprint:
    bp = Blueprint("accounts", __name__, url_prefix="/accounts")
    banks = [samples.bank(), samples.BROKEN, samples.WORKING, samples.ENDING]
    fresh = samples.board().freshness
    read = samples.bank("Tartan Bank")

    @bp.get("/", endpoint="index")
    def index():
        return render_template(
            "accounts/index.html", banks=banks, kept=samples.KEPT, fresh=fresh
        )

    @bp.get("/<item_id>/removal", endpoint="removal")
    def removal(item_id):
        is_kept = item_id == "kept"
        bank = samples.KEPT[1] if is_kept else samples.BROKEN
        return render_template("accounts/removal.html", bank=bank, is_kept=is_kept)

    @bp.get("/<item_id>/renewal", endpoint="renewal")
    def renewal(item_id):
        return render_template("accounts/renewal.html", bank=samples.BROKEN)

    @bp.get("/<item_id>/status", endpoint="status")
    def status(item_id):
        return render_template("accounts/_item.html", bank=read)

    @bp.post("/<item_id>/sync", endpoint="sync")
    def sync(item_id):
        working = samples.bank(is_syncing=True)
        return render_template("accounts/_item.html", bank=working)

    @bp.get("/link", endpoint="link")
    def link():
        return render_template("accounts/link.html", banks=banks)

    @bp.get("/<item_id>/repair", endpoint="repair")
    def repair(item_id):
        item = SimpleNamespace(
            institution_name=samples.LONG, id=item_id, state="revoked"
        )
        return render_template("accounts/repair.html", item=item)

    @bp.get("/link/<session_id>", endpoint="link_session")
    def link_session(session_id):
        return render_template(
            "accounts/link_session.html",
            attempt=SimpleNamespace(id=session_id, mode="create"),
            token=session_id,
            received_redirect_uri=None,
            success_form=SuccessForm(),
            exit_form=ExitForm(),
        )

    for name in ("link_success", "link_exit"):
        bp.add_url_rule(f"/<session_id>/{name}", name, echo, methods=["POST"])
    bp.add_url_rule("/link", "start", echo, methods=["POST"])
    for name in ("start_repair", "remove", "renew", "ask_bank"):
        bp.add_url_rule(f"/<item_id>/{name}", name, echo, methods=["POST"])
    return bp


def transactions() -> Blueprint:
    bp = Blueprint("transactions", __name__, url_prefix="/transactions")
    bp.add_url_rule("/changes", "changes", echo)
    bp.add_url_rule("/<id>", "show", echo)
    return bp


def echo(**arguments):
    """What was posted, to be read off the page."""
    return Response(repr(request.form.to_dict()), mimetype="text/plain")


def settings() -> Blueprint:
    bp = Blueprint("settings", __name__, url_prefix="/settings")
    bp.add_url_rule("/mails", "mails", echo, methods=["POST"])

    @bp.get("/", endpoint="index")
    def index():
        form = MailForm(bank_mails=True)
        return render_template("settings/index.html", form=form, is_sent=True)

    return bp


def auth() -> Blueprint:
    bp = Blueprint("auth", __name__)
    bp.add_url_rule("/logout", "logout", lambda: "out", methods=["POST"])
    bp.add_url_rule("/leave", "delete_account", echo, methods=["POST"])

    @bp.get("/leave")
    def leave():
        return render_template("auth/leave.html", form=LeaveForm())

    @bp.route("/sign-in", methods=["GET", "POST"])
    def sign_in():
        form = SampleForm()
        form.validate_on_submit()
        return render_template("sign_in.html", form=form)

    return bp


def plain() -> Blueprint:
    bp = Blueprint("plain", __name__)

    @bp.get("/error/<int:code>")
    def error(code):
        return error_page(f"errors/{code}.html", code, 200)

    @bp.get("/broken-part")
    def broken_part():
        return error_page("errors/_error.html", 500, 500)

    @bp.get("/messages")
    def messages():
        for kind in ("error", "warning", "success", "info"):
            flash(
                f"A message of the kind {kind}, so long that it needs two lines.", kind
            )
        return render_template("accounts/index.html", banks=[])

    bp.add_url_rule("/favicon.ico", "favicon", lambda: ("", 204))

    @bp.get("/plaid.js")
    def plaid():
        return send_from_directory(HERE / "pages", "plaid.js")

    return bp


def error_page(template: str, code: int, status: int):
    page = render_template(
        template,
        code=code,
        title=TITLE,
        message="Your data is safe: nothing was half-done.",
        request_id="f00ba4",
        plaid_error=samples.TROUBLE if code == 503 else None,
    )
    return make_response(page, status)
