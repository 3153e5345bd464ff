"""Filling in the pages' forms, and reading what stands beside the fields."""

import html
import re
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import PASSWORD, csrf_token


def fill(
    client: FlaskClient, path: str, ip: str = "192.0.2.1", **fields: str
) -> TestResponse:
    return client.post(
        path,
        data={"csrf_token": csrf_token(client.get(path).text), **fields},
        environ_overrides={"REMOTE_ADDR": ip},
    )


def log_in(client: FlaskClient, email: str, **overrides: Any) -> TestResponse:
    fields = {"path": "/login", "email": email, "password": PASSWORD}
    return fill(client, **fields | overrides)


def register(client: FlaskClient, **overrides: Any) -> TestResponse:
    fields = {
        "path": "/register",
        "email": "carol@example.com",
        "password": PASSWORD,
        "first_name": "Carol",
        "last_name": "Jones",
        "time_zone": "Europe/Berlin",
    }
    return fill(client, **fields | overrides)


def field_errors(answer: TestResponse, name: str) -> str:
    """The text of the errors beside the field, '' without any."""
    found = re.search(f'<ul [^>]*id="{name}-errors">(.*?)</ul>', answer.text, re.S)
    return html.unescape(re.sub("<.*?>", "", found.group(1))) if found else ""


def form_error(answer: TestResponse) -> str:
    found = re.search(r'class="message-text">(.*?)</div>', answer.text, re.S)
    return html.unescape(found.group(1)) if found else ""


def kept_value(answer: TestResponse, name: str) -> str | None:
    found = re.search(f'<input[^>]* name="{name}"[^>]*>', answer.text)
    assert found, f"no field {name}"
    value = re.search(' value="([^"]*)"', found.group(0))
    return html.unescape(value.group(1)) if value else None


def who(client: FlaskClient) -> str | None:
    """The address of the person signed in in this browser."""
    answer = client.get("/probe")
    if answer.status_code != 200:
        assert answer.status_code == 303
        return None
    return html.unescape(answer.text.split("<p>")[1].split("</p>")[0])
