"""Link's other ways, as a person walks them: once more, the bank's own site, repair."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.bank import Bank
from tests.browser.conftest import Visitor
from tests.browser.test_walk import PASSWORD, assert_fits

pytestmark = pytest.mark.browser


def newest(bank: Bank) -> dict:
    return bank.state()["items"][-1]


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def linked(visitor: Visitor, name: str = "First Platypus Bank") -> Page:
    visitor.link(name)
    visitor.page.get_by_text("Up to date.").wait_for()
    return visitor.page


def comes(visitor: Visitor, words: str) -> None:
    """Until the accounts page says so: the bank tells by webhook, a worker reads it."""
    for _ in range(100):
        if visitor.open("/accounts/").get_by_text(words).is_visible():
            return
        visitor.page.wait_for_timeout(100)
    raise AssertionError(f"the page never said: {words}")


def test_an_old_history_is_brought_along_and_given_back(
    visitor: Visitor, bank: Bank
) -> None:
    visitor.register("relinker@example.com", PASSWORD)
    page = linked(visitor)
    visitor.open("/")
    page.locator("#recent .row-link").first.click()
    page.get_by_label("Note").fill("Paid for two")
    press(page, "Save")
    expect(page.get_by_label("Note")).to_have_value("Paid for two")
    worked_on = page.url

    visitor.open("/accounts/")
    page.get_by_role("link", name="Disconnect").click()
    press(page, "Disconnect")
    page.get_by_text("Its history stays").wait_for()
    linked(visitor)
    blur(bank)
    press(page, "Sync now")
    page.get_by_text("just now").first.wait_for()
    visitor.open("/accounts/")
    page.get_by_text("Bring your old history along?").wait_for()
    assert_fits(visitor, "adoption-offer")

    page.get_by_role("link", name="See what would happen").click()
    words = page.locator("#adoption-plan .figure-words")
    assert re.search(r"\d+ matched, \d new,\s+2 doubtful", words.inner_text())
    assert page.get_by_label("Two different ones").count() == 2
    assert_fits(visitor, "adoption")
    page.get_by_label("Two different ones").first.check()
    press(page, "Bring my history along")
    page.get_by_text("was brought along").first.wait_for()
    assert page.locator("#kept").count() == 0, "nothing of it is left over there"
    page.locator(".adoption-done summary").click()
    assert_fits(visitor, "adoption-done")
    page.goto(worked_on)
    expect(page.get_by_label("Note")).to_have_value("Paid for two")

    visitor.open("/accounts/")
    page.locator(".adoption-done summary").click()
    press(page, "Undo")
    page.get_by_text("Undone: both histories are as they were").wait_for()
    assert page.locator("#kept").is_visible()
    page.goto(worked_on)
    expect(page.get_by_label("Note")).to_have_value("Paid for two")
    assert visitor.complaints == []


def blur(bank: Bank) -> None:
    """The bank knows two transactions otherwise than the earlier link did."""
    item = newest(bank)["item_id"]
    rows = bank.get(f"/_control/items/{item}/transactions")["transactions"]
    posted = [row for row in rows if not row["pending"]]
    path = f"items/{item}/transactions"
    first, second = posted[20]["transaction_id"], posted[40]["transaction_id"]
    bank.control(f"{path}/{first}", name="Another Name of the Same Shop", quiet=True)
    bank.control(f"{path}/{second}", name="A Shop that Renamed Itself", quiet=True)


def test_the_same_bank_again_is_asked_about_and_mended(
    visitor: Visitor, bank: Bank
) -> None:
    """The choice, and update mode of the link that is there."""
    visitor.register("doubler@example.com", PASSWORD)
    page = linked(visitor)
    item = newest(bank)["item_id"]
    bank.control(f"items/{item}/event", event="login_required")
    comes(visitor, "Your bank wants you to log in again")
    visitor.link("First Platypus Bank", then="**/choice")
    page.get_by_role("heading", name="First Platypus Bank is linked already").wait_for()
    assert_fits(visitor, "choice")
    press(page, "Log in again there")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_role("textbox", name="Username").fill("user_good")
    frame.get_by_role("textbox", name="Password").fill("pass_good")
    frame.get_by_role("button", name="Submit").click()
    frame.get_by_role("button", name="Finish").click()
    page.wait_for_url(visitor.site.url + "/accounts/")
    page.get_by_text("is working again").wait_for()
    page.get_by_text("Up to date.").wait_for()
    assert page.locator("article.item").count() == 1
    assert visitor.complaints == []


def test_a_new_account_is_added(visitor: Visitor, bank: Bank) -> None:
    visitor.register("adder@example.com", PASSWORD)
    page = linked(visitor)
    item = newest(bank)["item_id"]
    opened = {"name": "Brand New", "type": "depository", "subtype": "cd", "current": 5}
    bank.control(f"items/{item}/accounts", **opened, mask="8888")
    comes(visitor, "New accounts at First Platypus Bank")
    assert_fits(visitor, "new-accounts")
    press(page, "Add accounts")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Continue").click()  # the login itself is well
    frame.get_by_role("checkbox", name="Brand New").check()
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_role("button", name="Finish").click()
    page.wait_for_url(visitor.site.url + "/accounts/")
    assert page.get_by_text("shares the accounts that you chose").is_visible()
    page.get_by_text("Brand New").wait_for()
    assert not page.get_by_text("New accounts at").is_visible()


def test_a_bank_with_a_site_of_its_own_sends_the_browser_back(
    visitor: Visitor, bank: Bank
) -> None:
    visitor.register("oauth@example.com", PASSWORD)
    page = visitor.open("/accounts/link")
    press(page, "Choose your bank")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_role("button", name="Platypus OAuth Bank").click()
    frame.get_by_role("button", name="Continue to bank").click()
    press(page, "Sign in and allow")
    page.wait_for_url("**/accounts/link/return**")
    frame.get_by_role("button", name="Continue").click()
    frame.get_by_role("button", name="Finish").click()
    page.wait_for_url(visitor.site.url + "/accounts/")
    page.get_by_text("Platypus OAuth Bank is linked").wait_for()
    page.get_by_text("Up to date.").wait_for()
    assert visitor.complaints == []
