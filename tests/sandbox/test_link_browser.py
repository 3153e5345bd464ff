"""Link in a real Chromium, on a host page with a strict content security policy."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    Route,
    expect,
)

from .conftest import Bank
from .host import host_page

pytestmark = pytest.mark.browser


EVENT_KEYS = set(
    "account_number_mask error_code error_message error_type exit_status "
    "institution_id institution_name institution_search_query is_update_mode "
    "link_session_id match_reason mfa_type request_id routing_number selection "
    "timestamp view_name".split()
)


class Link:
    """A host page with Link on it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.problems.append(message.text)

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe[id^=plaid-link-iframe]")

    def open(self, token: str) -> None:
        self.page.goto(f"{self.url}?token={token}")
        self.page.click("#connect")

    def press(self, name: str) -> None:
        self.frame.get_by_role("button", name=name, exact=True).click()

    def fill(self, name: str, value: str) -> None:
        self.frame.get_by_role("textbox", name=name).fill(value)

    def sees(self, title: str) -> None:
        self.frame.get_by_role("heading", name=title).wait_for()

    def sign_in(self, username: str = "user_good", password: str = "pass_good") -> None:
        self.fill("Username", username)
        self.fill("Password", password)
        self.press("Submit")

    def focus(self) -> str:
        focused = self.frame.locator(":focus")
        return focused.inner_text() if focused.count() else ""

    def tab_to(self, label: str) -> None:
        """Reach a button by Tab alone, and press it."""
        for _ in range(40):
            self.page.keyboard.press("Tab")
            if self.focus() == label:
                self.page.keyboard.press("Enter")
                return
        raise AssertionError(f"{label} cannot be reached by Tab")

    def calls(self, name: str) -> list[Any]:
        found = self.page.evaluate("window.calls")
        return [call[1:] for call in found if call[0] == name]

    def outcome(self, name: str) -> list[Any]:
        # wait_for_function would need unsafe-eval on the host page.
        for _ in range(1000):
            if found := self.calls(name):
                return list(found[0])
            self.page.wait_for_timeout(10)
        raise AssertionError(f"no {name} in {self.page.evaluate('window.calls')}")


@pytest.fixture(scope="module")
def host(bank_process: Bank) -> Iterator[str]:
    with host_page(bank_process.url) as url:
        yield url


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context()
    yield made
    made.close()


@pytest.fixture
def link(bank: Bank, context: BrowserContext, host: str) -> Iterator[Link]:
    opened = Link(context.new_page(), host)
    yield opened
    opened.page.close()
    assert opened.problems == []


def link_token(bank: Bank, **given: Any) -> str:
    body: dict[str, Any] = {
        "client_name": "SmartBudget",
        "country_codes": ["US"],
        "language": "en",
        "products": ["transactions"],
        "user": {"client_user_id": "user-1"},
    }
    body.update(given)
    if "access_token" in body:
        del body["products"]
    return str(bank.ok("/link/token/create", **body)["link_token"])


def test_a_person_links_a_bank(bank: Bank, link: Link) -> None:
    link.open(link_token(bank, transactions={"days_requested": 730}))
    link.press("Continue")
    link.frame.get_by_role("searchbox").fill("first plat")
    link.press("First Platypus Bank")
    link.sign_in(password="wrong")
    expect(link.frame.get_by_role("alert")).to_contain_text("incorrect")
    link.sign_in()
    link.frame.get_by_role("checkbox", name="Plaid 401k").uncheck()
    link.press("Continue")
    link.sees("Success")
    link.press("Finish")
    public_token, metadata = link.outcome("success")
    assert metadata["institution"]["institution_id"] == "ins_109508"
    assert len(metadata["accounts"]) == 13
    assert len(link.calls("load")) == 1
    names = [event[0] for event in link.calls("event")]
    assert {"OPEN", "SELECT_INSTITUTION", "HANDOFF"} <= set(names)
    assert names.count("OPEN") == 1
    token = bank.ok("/item/public_token/exchange", public_token=public_token)
    accounts = bank.ok("/accounts/get", access_token=token["access_token"])["accounts"]
    assert {one["account_id"] for one in accounts} == {
        one["id"] for one in metadata["accounts"]
    }
    assert not link.page.locator("iframe[id^=plaid-link-iframe]").is_visible()


def test_leaving_asks_first_and_tells_where(bank: Bank, link: Link) -> None:
    link.open(link_token(bank))
    link.press("Continue")
    link.press("Tartan Bank")
    link.sees("Sign in at Tartan Bank")
    link.page.evaluate("handler.exit()")
    link.press("No, go back")
    link.press("Close")
    link.press("Yes, exit")
    error, metadata = link.outcome("exit")
    assert error is None
    assert metadata["status"] == "requires_credentials"
    assert metadata["institution"]["name"] == "Tartan Bank"


def test_an_error_is_shown_and_handed_over(bank: Bank, link: Link) -> None:
    link.open(link_token(bank))
    link.press("Continue")
    link.press("Tartan Bank")
    link.sign_in(password="error_ITEM_LOCKED")
    link.sees("Something went wrong")
    link.press("Exit")
    error, _ = link.outcome("exit")
    assert (error["error_type"], error["error_code"]) == ("ITEM_ERROR", "ITEM_LOCKED")
    events = dict(link.calls("event"))
    assert events["EXIT"]["error_type"] == "ITEM_ERROR"
    for name, metadata in events.items():
        assert metadata.keys() >= EVENT_KEYS, name


def test_an_oauth_bank_sends_the_browser_away_and_back(bank: Bank, link: Link) -> None:
    link.open(link_token(bank, redirect_uri=link.url))
    link.press("Continue")
    link.press("Platypus OAuth Bank")
    link.press("Continue to bank")
    link.page.get_by_role("button", name="Sign in and allow").click()
    link.page.wait_for_url("**/?oauth_state_id=*")
    link.sees("Choose your accounts")
    link.press("Continue")
    link.press("Finish")
    _, metadata = link.outcome("success")
    assert metadata["institution"]["institution_id"] == "ins_127287"


def test_an_oauth_bank_in_a_window_of_its_own(bank: Bank, link: Link) -> None:
    link.open(link_token(bank))
    link.press("Continue")
    link.press("Platypus OAuth Bank")
    with link.page.expect_popup() as window:
        link.press("Continue to bank")
    window.value.get_by_role("button", name="Sign in and allow").click()
    link.sees("Choose your accounts")


def test_the_keyboard_is_enough(bank: Bank, link: Link) -> None:
    link.open(link_token(bank, institution_id="ins_109511"))
    link.sees("Connect Tartan Bank")
    keys = link.page.keyboard
    link.tab_to("Continue")
    link.sees("Sign in at Tartan Bank")
    keys.type("user_good")
    keys.press("Tab")
    keys.type("pass_good")
    keys.press("Enter")
    link.sees("Choose your accounts")
    keys.press("Escape")
    link.sees("Are you sure you want to exit?")
    keys.press("Escape")
    link.tab_to("Continue")
    link.sees("Success")
    link.tab_to("Finish")
    assert link.outcome("success")


def test_nothing_is_cut_off(bank: Bank, link: Link) -> None:
    link.open(link_token(bank))
    link.press("Continue")
    link.sees("Select your bank")
    link.press("Tattersall Federal Credit Union")
    link.sees("Sign in at")
    for width in (360, 1440):
        link.page.set_viewport_size({"width": width, "height": 640})
        button = link.frame.get_by_role("button", name="Submit").bounding_box()
        assert button is not None
        assert button["x"] >= 0
        assert button["x"] + button["width"] <= width
        assert button["height"] >= 44
        page = link.frame.locator("html")
        assert not page.evaluate("e => e.scrollWidth > e.clientWidth")


def test_a_wrong_link_token(bank: Bank, link: Link) -> None:
    link.open("link-sandbox-unknown")
    link.sees("Something went wrong")
    link.press("Exit")
    error, metadata = link.outcome("exit")
    assert error["error_code"] == "INVALID_LINK_TOKEN"
    assert metadata["institution"] is None


def test_leaving_works_while_the_bank_is_silent(bank: Bank, link: Link) -> None:
    """An answer that comes too late is of no interest; nor is one that never comes."""
    link.open(link_token(bank))
    link.sees("Connect your bank")
    held: list[Route] = []
    link.page.route("**/link/workflow/step", lambda route: held.append(route))
    link.press("Continue")
    while not held:
        link.page.wait_for_timeout(20)
    link.page.evaluate("handler.exit({force: true})")
    while len(held) < 2:
        link.page.wait_for_timeout(20)
    held[1].abort()
    assert link.outcome("exit")[0] is None
    held[0].continue_()
    link.page.unroute("**/link/workflow/step")
    link.page.click("#connect")
    link.sees("Connect your bank")
    link.press("Close")
    link.press("Close")
    while len(link.calls("exit")) < 2:
        link.page.wait_for_timeout(20)
    link.problems.clear()


def test_opened_before_it_is_loaded(bank: Bank, link: Link) -> None:
    link.page.goto(f"{link.url}?token={link_token(bank)}")
    link.page.evaluate("""token => {
        window.early = Plaid.create({token, onSuccess() {}, onLoad: () => {
            window.calls.push(["early"]);
        }});
        early.open();
        early.open();
    }""", link_token(bank, institution_id="ins_109511"))  # fmt: skip
    link.outcome("early")
    second = link.page.frame_locator("iframe[id^=plaid-link-iframe] >> nth=1")
    expect(second.get_by_role("heading", name="Connect Tartan Bank")).to_be_visible()
    assert not link.page.locator("iframe[id^=plaid-link-iframe]").nth(0).is_visible()
    link.page.evaluate("early.destroy()")
    assert link.page.locator("iframe").count() == 1


def test_forced_exit_and_silent_destroy(bank: Bank, link: Link) -> None:
    link.open(link_token(bank))
    link.sees("Connect your bank")
    link.page.evaluate("handler.exit({force: true})")
    assert link.outcome("exit")[0] is None
    link.page.evaluate("window.second = Plaid.create({token: 'x'}); second.destroy()")
    link.page.evaluate("window.calls.length = 0; handler.destroy(); handler.open()")
    assert link.page.locator("iframe").count() == 0
    assert link.calls("exit") == []
