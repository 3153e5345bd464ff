import pytest
from flask.testing import FlaskClient

from tests.auth.forms import log_in
from webapp.auth.destination import local_path
from webapp.models import User


@pytest.mark.parametrize(
    "path",
    ["/accounts", "/?period=30", "/a/b%20c?d=e&f=%C3%A9#g", "/a//b", "/%E2%82%AC"],
)
def test_local_paths_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "attack",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/\r\nSet-Cookie: a=b",
        " //evil.example",
        "/ /evil.example",
        "https://evil.example",
        "https:evil.example",
        "http:///evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "evil.example",
        "@evil.example",
        "?next=//evil.example",
        "/%2fevil.example",
        "/%2Fevil.example",
        "/%5cevil.example",
        "%2f%2fevil.example",
        "/%252fevil.example",
        "/%25252fevil.example",
        "/%09/evil.example",
        "/%0d%0aLocation:%20https://evil.example",
        "/\u2044evil.example",
        "/\uff0fevil.example",
        "/\x00",
        "/" + "a" * 3000,
        "/" + "%25" * 3000,
        "",
        None,
    ],
)
def test_everything_else_becomes_the_start(attack: str | None) -> None:
    assert local_path(attack) == "/"


@pytest.mark.parametrize("path", ["//evil.example", "/%5Cevil.example"])
def test_login_goes_nowhere_else(client: FlaskClient, alice: User, path: str) -> None:
    answer = log_in(client, alice.email, path=f"/login?next={path}")
    assert (answer.status_code, answer.location) == (303, "/")


def test_login_page_leads_nowhere_else(
    client: FlaskClient, alice_client: FlaskClient
) -> None:
    for query in (
        "next=//evil.example",
        "next=%2F%2Fevil.example",
        "next=%5C%5Cevil.example",
        "next=/%09/evil.example",
        "next=https%3A%2F%2Fevil.example",
        "next=%252F%252Fevil.example",
        "next=//evil.example&next=/accounts",
    ):
        assert "evil.example" not in client.get(f"/login?{query}").text
        assert "evil.example" not in client.get(f"/register?{query}").text
        assert alice_client.get(f"/login?{query}").location == "/"
