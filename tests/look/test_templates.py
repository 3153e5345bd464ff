"""Rules that every template keeps, read from the files themselves."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
# what the CSP blocks, or what would let a string from a bank become code
FORBIDDEN = re.compile(
    r"\sstyle=|<style|\son[a-z]+=|hx-on|hx-vals=[\"']js:|=[\"']javascript:|\|\s*safe\b",
    re.I,
)
REQUEST = re.compile(r"hx-(get|post)=")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_template_keeps_the_rules(path):
    text = path.read_text()
    if path.name != "_closed.html":  # needs nothing
        assert text.startswith("{#"), "its first line says what it needs"
    assert not FORBIDDEN.search(text)
    assert len(REQUEST.findall(text)) <= text.count("hx-nonce="), (
        "hx-csp would strip it"
    )
    for script in re.findall(r"<script\b[^>]*>", text):
        assert "nonce=" in script or "application/json" in script
    if path.name.startswith("_"):
        assert "{% extends" not in text
        assert text.count("\n") <= 40, "a partial this long is two"


def test_every_icon_is_in_the_sprite():
    sprite = (ROOT / "static/img/icons.svg").read_text()
    there = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    asked = set()
    for path in TEMPLATES:
        text = path.read_text()
        asked |= set(re.findall(r"icon\('([\w-]+)'\)", text))
        asked |= set(re.findall(r"sign='([\w-]+)'", text))
    assert asked <= there


def test_vendored_packages_carry_their_licence():
    for package in (ROOT / "static/vendor").iterdir():
        if package.is_dir():
            assert list(package.glob("LICENSE*")), package.name
