"""The page at the bank's root: events played by hand."""

import datetime

import pytest
from playwright.sync_api import Browser

from .conftest import Bank

pytestmark = pytest.mark.browser


def test_events_are_played_by_hand(bank: Bank, browser: Browser) -> None:
    token = bank.link("user_good")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    page = browser.new_page(viewport={"width": 360, "height": 800})
    problems: list[str] = []
    page.on("console", lambda m: problems.append(m.text) if m.type == "error" else 0)
    page.goto(bank.url)
    page.get_by_role("heading", name="First Platypus Bank").wait_for()

    def press(label: str) -> None:
        page.get_by_role("button", name=label).click()
        page.get_by_role("status").filter(has_text=label).wait_for()
        page.locator("button:focus", has_text=label).wait_for()

    press("A purchase is made (pending)")
    press("A pending payment posts with a tip")
    rows = bank.sync(token)["added"]
    tipped = next(row for row in rows if row["amount"] == 50.15)
    assert (tipped["date"], tipped["pending"]) == (today, False)
    press("The newest payment is corrected")
    renamed = bank.sync(token)["added"]
    corrected = next(row for row in renamed if row["name"].endswith("(corrected)"))
    press("The newest payment is taken back")
    left = {row["transaction_id"] for row in bank.sync(token)["added"]}
    assert corrected["transaction_id"] not in left
    press("New account at the bank")
    press("An account is no longer shared")
    press("Bank down")
    code = bank.refused("/transactions/sync", access_token=token)
    assert code == "INSTITUTION_DOWN"
    press("Bank up again")
    press("Bank asks for login again")
    code = bank.refused("/transactions/sync", access_token=token)
    assert code == "ITEM_LOGIN_REQUIRED"
    press("A week passes")
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        wider = "e => e.scrollWidth > e.clientWidth"
        assert not page.locator("html").evaluate(wider)
    assert problems == []
    page.close()
