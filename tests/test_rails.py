"""What every change keeps to, read from the code itself: routes, commits, templates."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import nodes
from werkzeug.routing import Rule

from tests.factories import csrf_token

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PYTHON = sorted((ROOT / "webapp").rglob("*.py"))

# The only addresses that answer a stranger.
PUBLIC = {
    "auth.login", "auth.log_in", "auth.register", "auth.create_account",
    "health.healthz", "health.readyz", "static", "webhooks.plaid",
}  # fmt: skip
SIGNED = {"webhooks.plaid"}  # by Plaid: no browser sends it, no token can come with it
UNKNOWN = "01938f4e-0000-7000-8000-000000000000"


def address(rule: Rule) -> str:
    """Its path with made-up values."""
    return re.sub(r"<(?:(\w+):)?\w+>", UNKNOWN, rule.rule)


def rules(app: Flask, method: str) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if method in (rule.methods or ())]


def test_every_address_asks_for_a_login_or_is_on_the_list(
    app: Flask, client: FlaskClient
) -> None:
    closed = [rule for rule in rules(app, "GET") if rule.endpoint not in PUBLIC]
    assert len(closed) > 5
    for rule in closed:
        answer = client.get(address(rule))
        assert answer.status_code == 303, rule
        assert answer.location.startswith("/login"), rule


def test_the_list_is_as_short_as_can_be(app: Flask, client: FlaskClient) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} >= PUBLIC
    for rule in rules(app, "GET"):
        if rule.endpoint in PUBLIC - {"static"}:
            assert client.get(address(rule)).status_code == 200, rule


def test_every_form_needs_its_token(app: Flask, alice_client: FlaskClient) -> None:
    posts = [rule for rule in rules(app, "POST") if rule.endpoint not in SIGNED]
    assert len(posts) > 5
    for rule in posts:
        answer = alice_client.post(address(rule))
        assert answer.status_code == 400, rule
        assert "out of date" in answer.text, rule


def test_a_stranger_with_a_token_changes_nothing(
    app: Flask, client: FlaskClient
) -> None:
    for rule in rules(app, "POST"):
        if rule.endpoint not in PUBLIC:
            token = csrf_token(client.get("/login").text)
            answer = client.post(address(rule), data={"csrf_token": token})
            assert answer.status_code == 303, rule
            assert answer.location.startswith("/login"), rule


def test_pages_are_read_and_forms_are_posted(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS", "POST"}, rule


# Who ends a transaction: routes, linking, the run of a sync, worker, commands, seed.
COMMITS = re.compile(
    r"webapp/(\w+/routes|accounts/(link|disconnect|adoption)|auth/leaving|linking/\w+"
    r"|(sync|jobs)/run|worker|cli|commands/\w+|seed)\.py"
)
NOT_OURS = ("webapp/sandbox/", "webapp/embedded/", "webapp/demo/")


def calls(path: Path, name: str) -> list[int]:
    """Lines that call `something.name(...)`."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    ]


def places(name: str) -> dict[str, list[int]]:
    found = {str(p.relative_to(ROOT)): calls(p, name) for p in PYTHON}
    return {
        path: lines
        for path, lines in found.items()
        if lines and not path.startswith(NOT_OURS)
    }


def test_commit_is_written_only_where_a_step_ends() -> None:
    found = places("commit")
    assert len(found) > 5
    assert [path for path in found if not COMMITS.fullmatch(path)] == []


def test_nothing_reads_the_environment_but_the_settings() -> None:
    for path in PYTHON:
        name = str(path.relative_to(ROOT))
        if not name.startswith(NOT_OURS):
            assert "os.environ" not in path.read_text(), name
            assert "getenv" not in path.read_text(), name


def test_migrations_know_nothing_of_the_app() -> None:
    versions = sorted((ROOT / "migrations/versions").glob("*.py"))
    assert versions
    for path in versions:
        assert not re.search(r"^\s*(from|import) webapp", path.read_text(), re.M), path


def name_of(template: Path) -> str:
    return template.relative_to(ROOT / "templates").as_posix()


@pytest.mark.parametrize("template", TEMPLATES, ids=name_of)
def test_template(app: Flask, template: Path) -> None:
    source = template.read_text()
    app.jinja_env.get_template(name_of(template))  # it compiles
    first = source.splitlines()[0]
    assert re.match(r"\{# .*\bneeds\b", first, re.I), (
        "the first line says what it needs"
    )
    tree = app.jinja_env.parse(source)
    filters = {node.name for node in tree.find_all(nodes.Filter)}
    assert "safe" not in filters
    assert not list(tree.find_all(nodes.ScopedEvalContextModifier)), "autoescape"
    markup = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    assert not re.search(r"\sstyle\s*=", markup), "an inline style"
    assert "<style" not in markup
    assert not re.search(r"\son[a-z]+\s*=", markup), "an inline handler"
    assert "javascript:" not in markup
    assert "hx-on" not in markup, "a script in an attribute"
    for script in re.findall(r"<script[^>]*>", markup):
        assert "nonce=" in script or 'type="application/json"' in script, script


@pytest.mark.parametrize(
    "template", [t for t in TEMPLATES if t.name.startswith("_")], ids=name_of
)
def test_part_stands_on_no_other_page(template: Path) -> None:
    assert "{% extends" not in template.read_text()


@pytest.mark.parametrize(
    "template", [t for t in TEMPLATES if t.parent.name == "errors"], ids=name_of
)
def test_error_page_needs_no_user(app: Flask, template: Path) -> None:
    assert "current_user" not in template.read_text()
    assert "csrf_token" not in template.read_text()


def test_every_form_in_a_template_has_its_token() -> None:
    for template in TEMPLATES:
        source = template.read_text()
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", source, re.S):
            assert "csrf_token" in form or "hidden_tag" in form, name_of(template)


def test_no_path_of_a_machine_in_the_code() -> None:
    for path in PYTHON + TEMPLATES:
        assert not re.search(r"/(home|Users|work|root)/\w", path.read_text()), path
