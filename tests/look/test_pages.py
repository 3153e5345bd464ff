"""Every page at three widths, light and dark: tidy, quiet, open to everybody."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = (HERE / "vendor/axe-core-4.14.1/axe.min.js", HERE / "checks.js")
PAGES = {
    "dashboard": "/",
    "custom": "/?period=custom&board=two",
    "first-steps": "/?board=empty",
    "quiet": "/?board=quiet",
    "syncing": "/?board=syncing",
    "accounts": "/accounts/",
    "link": "/accounts/link",
    "link-session": "/accounts/link/idle",
    "repair": "/accounts/1/repair",
    "removal": "/accounts/1/removal",
    "removal-kept": "/accounts/kept/removal",
    "renewal": "/accounts/1/renewal",
    "disconnected": "/?board=disconnected",
    "settings": "/settings/",
    "leave": "/leave",
    "messages": "/messages",
    "sign-in": "/sign-in",
    "error": "/error/503",
}
WIDTHS = (360, 768, 1440)

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_page_is_tidy_at_every_width(look, name, dark):
    watched = look(dark=dark)
    page = watched.open(PAGES[name])
    for script in SCRIPTS:
        page.evaluate(script.read_text())
    for width in reversed(WIDTHS) if dark else WIDTHS:  # axe sees the last one
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("look.overflow()") <= 0, f"{name} overflows at {width}"
        assert page.evaluate("look.clipped()") == [], f"clipped at {width}"
        assert page.evaluate("look.overlapping()") == [], f"overlapping at {width}"
        assert page.evaluate("look.small()") == [], f"hard to touch at {width}"
    assert page.evaluate("look.serious()") == []
    assert watched.complaints == []


@pytest.mark.parametrize("code", [400, 403, 404, 422, 429, 500])
def test_error_page_stands_alone(look, code):
    page = look(js=False).open(f"/error/{code}")
    assert page.get_by_role("link", name="Go to the start page").is_visible()
    assert "f00ba4" in page.inner_text("body")
