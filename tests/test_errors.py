"""Error pages and fragments: right words, right status, no database and no secrets."""

import pytest
from flask import Blueprint, Flask, abort, request
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import TooManyRequests

from config import load
from tests.dashboard.reading import read
from webapp.app import create_app
from webapp.extensions import csrf, db
from webapp.plaid.errors import PlaidError

HTMX = {"HX-Request": "true"}
TOKEN = "access-production-8ab976e6-64bc-4b38-98f7-731e7a349970"
bp = Blueprint("broken", __name__)


@bp.get("/aborts/<int:code>")
def aborts(code: int) -> str:
    if code == 429:
        raise TooManyRequests(retry_after=60)
    abort(code)


@bp.get("/crashes")
def crashes() -> str:
    raise RuntimeError(f"the cause, with {TOKEN}")


@bp.get("/asks-the-database")
def asks_the_database() -> str:
    return str(db.session.scalar(text("SELECT 1")))


@bp.get("/waits-for-the-pool")
def waits_for_the_pool() -> str:
    raise PoolTimeout("QueuePool limit of size 5 overflow 10 reached")


@bp.get("/asks-plaid")
def asks_plaid() -> str:
    said = "The bank wants <b>you</b>." if "said" in request.args else None
    raise PlaidError("INSTITUTION_DOWN", f"no {TOKEN}", "req-7Qx", display_message=said)


@bp.post("/takes-a-form")
def takes_a_form() -> str:
    return request.form["field"]


@pytest.fixture(scope="module")
def broken_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """An app whose database is not there: whoever needs it gets no page."""
    root = tmp_path_factory.mktemp("root")
    url = f"postgresql://nobody@/nothing?host={root}"
    app = create_app(
        load({"DATABASE_URL": url, "PUBLIC_URL": "http://localhost"}, root)
    )
    app.register_blueprint(bp)
    csrf.exempt(takes_a_form)
    return app


@pytest.fixture
def lost(broken_app: Flask) -> FlaskClient:
    """A browser that is signed in, as far as its cookie goes."""
    client = broken_app.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = "01938f4e-0000-7000-8000-000000000000"
        session["signed_in_at"] = 4_000_000_000
    return client


@pytest.mark.parametrize(
    ("path", "code", "title"),
    [
        ("/aborts/400", 400, "That did not work"),
        ("/aborts/403", 403, "Not allowed"),
        ("/aborts/404", 404, "Nothing here"),
        ("/no/such/page", 404, "Nothing here"),
        ("/accounts/not-an-id/status", 404, "Nothing here"),
        ("/takes-a-form", 405, "Nothing here"),
        ("/aborts/413", 413, "Too large"),
        ("/aborts/418", 418, "That did not work"),
        ("/aborts/422", 422, "Please check what you entered"),
        ("/aborts/429", 429, "Too many tries"),
        ("/aborts/500", 500, "Something broke on our side"),
        ("/crashes", 500, "Something broke on our side"),
        ("/aborts/501", 501, "Something broke on our side"),
        ("/aborts/503", 503, "Not available right now"),
        ("/asks-the-database", 503, "Not available right now"),
        ("/waits-for-the-pool", 503, "Not available right now"),
        ("/asks-plaid", 503, "The bank service did not do it"),
        ("/", 503, "Not available right now"),
    ],
)
def test_page_and_fragment_without_a_database(
    lost: FlaskClient, path: str, code: int, title: str
) -> None:
    page, fragment = lost.get(path), lost.get(path, headers=HTMX)
    assert (page.status_code, fragment.status_code) == (code, code)
    assert read(page.text).one("h1").text == title
    assert read(fragment.text).one(css="message").one("strong").text == title
    assert "<html" in page.text
    assert "<html" not in fragment.text
    for answer in (page, fragment):
        assert f"{code} · request {answer.headers['X-Request-Id']}" in answer.text
        assert "HX-Request" in answer.vary
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype == "text/html"


def test_boosted_request_gets_the_page(lost: FlaskClient) -> None:
    headers = HTMX | {"HX-Boosted": "true"}
    assert "<html" in lost.get("/aborts/404", headers=headers).text


def test_nothing_of_the_cause_is_shown(lost: FlaskClient) -> None:
    for path in ("/crashes", "/asks-the-database", "/asks-plaid?said"):
        answer = lost.get(path).text
        assert TOKEN not in answer
        assert "Traceback" not in answer
        assert "OperationalError" not in answer
        assert "nobody" not in answer


def test_words_of_plaid_with_the_number_its_support_asks_for(
    lost: FlaskClient,
) -> None:
    for headers in ({}, HTMX):
        answer = lost.get("/asks-plaid?said", headers=headers)
        fold = read(answer.text).one("details")
        assert "The bank wants <b>you</b>." in fold.text
        assert "Code INSTITUTION_DOWN, request req-7Qx." in fold.text


def test_plaid_error_without_words_for_people_has_its_code_and_number(
    lost: FlaskClient,
) -> None:
    answer = lost.get("/asks-plaid")
    fold = read(answer.text).one("details")
    assert "Code INSTITUTION_DOWN, request req-7Qx." in fold.text
    assert TOKEN not in answer.text


def test_plaid_error_in_the_log_has_no_token(
    lost: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    lost.get("/asks-plaid")
    assert "INSTITUTION_DOWN" in caplog.text
    assert "req-7Qx" in caplog.text
    assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    ("path", "seconds"), [("/aborts/429", "60"), ("/asks-the-database", "5")]
)
def test_when_to_try_again(lost: FlaskClient, path: str, seconds: str) -> None:
    assert lost.get(path).headers["Retry-After"] == seconds


def test_page_offers_to_try_again_only_where_that_may_help(lost: FlaskClient) -> None:
    def actions(path: str) -> list[str]:
        return [link.text for link in read(lost.get(path).text).one("main").all("a")]

    assert actions("/asks-the-database") == ["Try again", "Go to the start page"]
    assert actions("/aborts/404") == ["Go to the start page"]


def test_try_again_leads_to_the_same_query(lost: FlaskClient) -> None:
    page = read(lost.get('/crashes?a=1&b="><i>').text)
    again = page.one("main").all("a")[0].attrs["href"]
    assert again.startswith("/crashes?a=1&b=")
    assert not page.all("i")


def test_wrong_method_says_which_is_right(lost: FlaskClient) -> None:
    assert "POST" in lost.get("/takes-a-form").headers["Allow"]


def test_missing_field_is_a_bad_request(lost: FlaskClient) -> None:
    assert lost.post("/takes-a-form", data={}).status_code == 400


def test_too_large_a_form_is_refused(lost: FlaskClient) -> None:
    answer = lost.post("/takes-a-form", data={"field": "x" * 1_100_000})
    assert answer.status_code == 413


def test_form_without_its_token_is_out_of_date(lost: FlaskClient) -> None:
    answer = lost.post("/logout")
    assert answer.status_code == 400
    assert read(answer.text).one("h1").text == "This form is out of date"


def test_missing_slash_is_a_redirect_and_no_error(lost: FlaskClient) -> None:
    answer = lost.get("/accounts")
    assert answer.status_code == 308
    assert answer.location.endswith("/accounts/")


def test_every_answer_has_a_number_of_its_own(lost: FlaskClient) -> None:
    numbers = {lost.get("/healthz").headers["X-Request-Id"] for _ in range(5)}
    assert len(numbers) == 5
    assert all(len(number) == 16 for number in numbers)


def test_number_is_in_the_log(
    lost: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    number = lost.get("/asks-the-database").headers["X-Request-Id"]
    [line] = [r for r in caplog.records if r.name == "webapp.errors"]
    assert line.request_id == number
    assert line.getMessage() == "Database not available: OperationalError"


def test_what_was_written_is_not_in_the_error_of_a_statement(app: Flask) -> None:
    with app.app_context(), pytest.raises(DBAPIError) as refused:
        db.session.execute(text("SELECT 1 / (length(:words) * 0)"), {"words": "h0sh"})
    assert "SELECT 1 /" in str(refused.value)
    assert "h0sh" not in str(refused.value)
