"""A transaction named by its owner, changed by its bank: with scripts and without."""

import pytest
from playwright.sync_api import Browser

from tests.bank import Bank
from tests.browser.conftest import Visitor
from tests.browser.test_walk import PASSWORD, WIDTHS, today

pytestmark = pytest.mark.browser


def test_name_a_row_then_keep_it_then_take_the_banks(
    visitor: Visitor, bank: Bank, browser: Browser
) -> None:
    visitor.register("namer@example.com", PASSWORD)
    visitor.link("First Platypus Bank")
    page = visitor.page
    page.get_by_text("Up to date.").wait_for()
    item = bank.state()["items"][-1]
    row = {"amount": 12.34, "date_transacted": today(), "date_posted": today()}
    bank.control(
        f"items/{item['item_id']}/transactions",
        transactions=[{**row, "description": "Blue Bottle"}],
    )
    synced(visitor)

    page.get_by_role("link", name="Blue Bottle").click()
    page.get_by_label("Name").fill("Breakfast")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    assert page.get_by_role("heading", name="Breakfast").is_visible()
    assert_fits(visitor)

    rename(bank, item["item_id"], "Blue Bottle", "Blue Bottle Oakland")
    synced(visitor)
    page.get_by_role("link", name="1 change by your bank to look at").click()
    page.get_by_role("button", name="Keep mine").wait_for()
    assert_fits(visitor)
    page.get_by_role("button", name="Keep mine").click()
    page.get_by_text("Your bank has changed nothing").wait_for()
    assert visitor.open("/").get_by_role("link", name="Breakfast").is_visible()
    assert page.locator("#bank-news").count() == 0

    rename(bank, item["item_id"], "Blue Bottle Oakland", "Bottle, Blue")
    synced(visitor)
    kept = page.context.storage_state()
    without = browser.new_context(java_script_enabled=False, storage_state=kept)
    plain = Visitor(without.new_page(), visitor.site)
    plain.open("/transactions/changes")
    plain.page.get_by_role("button", name="Take the bank's").click()
    plain.page.get_by_text("Your bank has changed nothing").wait_for()
    assert plain.open("/").get_by_role("link", name="Bottle, Blue").is_visible()
    without.close()
    assert visitor.complaints == []


def assert_fits(visitor: Visitor) -> None:
    for width in WIDTHS:
        visitor.page.set_viewport_size({"width": width, "height": 900})
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def rename(bank: Bank, item_id: str, was: str, name: str) -> None:
    listed = bank.get(f"/_control/items/{item_id}/transactions")
    (id,) = (
        t["transaction_id"]
        for t in listed["transactions"]
        if was in f"{t['name']} {t['merchant_name']}"
    )
    changes = {"name": name, "merchant_name": name}
    bank.control(f"items/{item_id}/transactions/{id}", quiet=True, **changes)


def synced(visitor: Visitor) -> None:
    """Through the button, until the dashboard stands there with the newest rows."""
    page = visitor.open("/accounts/")
    page.get_by_role("button", name="Sync now").click()
    page.locator("progress").wait_for()
    page.locator("progress").wait_for(state="detached")
    visitor.open("/")
