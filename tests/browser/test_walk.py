"""The whole main job, as a person does it: register, link a bank, read the figures."""

import datetime as dt

import pytest

from tests.bank import Bank
from tests.browser.conftest import Visitor

pytestmark = pytest.mark.browser
PASSWORD = "a long walk by the sea"
WIDTHS = (360, 768, 1440)
OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll("main .card")].map((card) => {
    const {left, right, top, bottom} = card.getBoundingClientRect();
    return {id: card.id, left, right, top, bottom};
  });
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) =>
    a.left < b.right - 1 && b.left < a.right - 1 &&
    a.top < b.bottom - 1 && b.top < a.bottom - 1).map((b) => [a.id, b.id]));
}"""


def assert_fits(visitor: Visitor, name: str) -> None:
    """Nothing sticks out or overlaps at a phone's, a tablet's and a desk's width."""
    page = visitor.page
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            visitor.shoot(f"{name}-{width}-{theme}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(OVERLAPS) == []


def test_register_link_and_read_the_dashboard(visitor: Visitor, bank: Bank) -> None:
    visitor.register("walker@example.com", PASSWORD)
    page = visitor.page
    assert page.get_by_role("link", name="Link a bank").is_visible()
    assert_fits(visitor, "first-steps")

    visitor.link("First Platypus Bank")
    assert page.get_by_text("First Platypus Bank is linked").is_visible()
    page.get_by_text("Up to date.").wait_for()  # the card asks for itself
    page.get_by_text("1 of 1 bank current").wait_for()  # and brings the line above
    assert page.get_by_text("Plaid Checking").is_visible()
    assert_fits(visitor, "accounts")

    visitor.open("/")
    assert page.get_by_text("1 of 1 bank current").is_visible()
    page.get_by_role("button", name="Last 365 days").click()
    page.wait_for_url("**/?period=last-365-days")
    net = page.locator("#totals-USD .main-figure")
    net.wait_for()
    assert page.locator("#recent .row-line").count() > 0
    assert_fits(visitor, "dashboard")
    assert visitor.complaints == []


def test_changing_the_period_swaps_one_fragment(visitor: Visitor, bank: Bank) -> None:
    visitor.register("swapper@example.com", PASSWORD)
    visitor.link("First Platypus Bank")
    page = visitor.page
    page.get_by_text("Up to date.").wait_for()
    visitor.open("/")
    page.evaluate("window.sameDocument = true")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_role("button", name="Last 90 days").click()
    page.wait_for_url("**/?period=last-90-days")
    page.locator('#period-last-90-days[aria-pressed="true"]').wait_for()
    assert page.evaluate("window.sameDocument")
    assert [url for url in requests if "/static/" not in url] == [page.url]
    page.reload()
    assert page.locator('#period-last-90-days[aria-pressed="true"]').is_visible()


def test_custom_range_keeps_what_was_entered(visitor: Visitor, bank: Bank) -> None:
    visitor.register("dates@example.com", PASSWORD)
    visitor.link("First Platypus Bank")
    page = visitor.page
    visitor.open("/")
    page.locator("#period-custom").click()
    page.get_by_label("From").fill("2026-10-01")
    page.get_by_label("To", exact=True).fill("2026-09-01")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("The last day is before the first one.").wait_for()
    assert page.get_by_label("From").input_value() == "2026-10-01"
    page.get_by_label("To", exact=True).fill("2026-10-31")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**from=2026-10-01&to=2026-10-31**")


def test_leaving_link_changes_nothing(visitor: Visitor, bank: Bank) -> None:
    visitor.register("leaver@example.com", PASSWORD)
    page = visitor.open("/accounts/link")
    page.get_by_role("button", name="Choose your bank").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Close").click()
    leave = frame.get_by_role("button", name="Yes, exit")
    leave.click()
    page.wait_for_url(visitor.site.url + "/accounts/")
    assert page.get_by_text("Nothing was changed").is_visible()
    assert page.get_by_text("No bank is linked yet").is_visible()


def test_sync_now_brings_what_the_bank_added(visitor: Visitor, bank: Bank) -> None:
    visitor.register("syncer@example.com", PASSWORD)
    visitor.link("First Platypus Bank")
    page = visitor.page
    page.get_by_text("Up to date.").wait_for()
    bank.plaid(
        "/sandbox/transactions/create",
        access_token=bank.get("/_control/state")["items"][-1]["access_token"],
        transactions=[{
            "amount": 12.34,
            "date_transacted": today(),
            "date_posted": today(),
            "description": "Blue Bottle",
        }],
    )  # fmt: skip
    page.get_by_role("button", name="Sync now").click()
    page.get_by_text("Reading your transactions").or_(
        page.get_by_text("just now")
    ).first.wait_for()
    page.get_by_text("Up to date.").wait_for()
    visitor.open("/")
    page.get_by_text("Blue Bottle").wait_for()


def today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
