"""The page at the bank's root: events played by hand."""

import datetime

import pytest
from playwright.sync_api import Browser, expect

from .conftest import Bank

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [360, 1440])
def test_events_are_played_by_hand(bank: Bank, browser: Browser, width: int) -> None:
    token = bank.link("user_good")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else 0)
    page.goto(bank.url)
    expect(page.get_by_role("heading", name="First Platypus Bank")).to_be_visible()

    def press(label: str) -> None:
        page.get_by_role("button", name=label).click()
        expect(page.get_by_role("status")).to_contain_text(label)
        expect(page.get_by_role("button", name=label)).to_be_focused()

    press("A purchase is made (pending)")
    press("A pending payment posts with a tip")
    rows = bank.sync(token)["added"]
    tipped = next(row for row in rows if row["amount"] == 50.15)
    assert (tipped["date"], tipped["pending"]) == (today, False)
    press("New account at the bank")
    press("Bank down")
    code = bank.refused("/transactions/sync", access_token=token)
    assert code == "INSTITUTION_DOWN"
    press("Bank up again")
    press("Bank asks for login again")
    code = bank.refused("/transactions/sync", access_token=token)
    assert code == "ITEM_LOGIN_REQUIRED"
    page.get_by_role("button", name="A week passes").click()
    expect(page.get_by_role("status")).to_contain_text("A week passes")
    assert not page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    assert problems == []
    context.close()
