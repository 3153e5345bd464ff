"""How many statements a page costs, and that templates ask for nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, before_render_template, template_rendered
from flask.testing import FlaskClient
from sqlalchemy import event

from tests.dashboard.test_fragments import HTMX, SPAN, history
from tests.factories import make_account, make_item
from tests.ledger.rows import add, row
from webapp.extensions import db
from webapp.models import User

__all__ = ["history"]
MOST = 5
OF_THE_SESSION = ("FROM users", "SAVEPOINT", "set_config")


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """What goes to the database, beside the session's own."""
    seen: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if not any(words in statement for words in OF_THE_SESSION):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    "url", ["/", SPAN, "/?period=last-365-days", "/?period=custom", "/accounts/"]
)
def test_few_statements(
    app: Flask, alice_client: FlaskClient, url: str, headers: dict[str, str]
) -> None:
    with statements(app) as seen:
        alice_client.get(url, headers=headers)
    assert 0 < len(seen) <= MOST


def test_more_banks_and_rows_cost_no_more_statements(
    app: Flask, alice: User, alice_client: FlaskClient
) -> None:
    add(app, row(make_account(app, make_item(app, alice)), "-1"))
    with statements(app) as few:
        alice_client.get(SPAN)
    for code in ("USD", "EUR", "JPY"):
        account = make_account(app, make_item(app, alice), currency=code)
        add(app, *(row(account, "-1") for _ in range(20)))
    with statements(app) as many:
        alice_client.get(SPAN)
    assert many == few


@pytest.mark.usefixtures("history")
@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize("url", ["/", SPAN, "/accounts/", "/accounts/link", "/nothing"])
def test_templates_ask_the_database_for_nothing(
    app: Flask, alice_client: FlaskClient, url: str, headers: dict[str, str]
) -> None:
    rendering: list[str] = []
    asked: list[str] = []

    def start(_app: Flask, template: Any, **_: Any) -> None:
        rendering.append(template.name)

    def end(_app: Flask, **_: Any) -> None:
        rendering.pop()

    def note(_c: Any, _k: Any, statement: str, *_: Any) -> None:
        if rendering:
            asked.append(f"{rendering}: {statement}")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            before_render_template.connected_to(start, app),
            template_rendered.connected_to(end, app),
        ):
            alice_client.get(url, headers=headers)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert not asked
    assert not rendering
