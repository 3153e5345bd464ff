"""What the pages do: swap a part, poll, work without scripts, hand over to Plaid."""

import gzip

import pytest

pytestmark = pytest.mark.browser
SHIFTS = """() => new Promise((done) => {
  new PerformanceObserver((list) => done(list.getEntries().map((e) => e.value)))
    .observe({type: "layout-shift", buffered: true});
  setTimeout(() => done([]), 200);
})"""
CHART = "Chart.getChart(document.querySelector('canvas'))"
TICKS = f"{CHART}.options.scales.x.ticks.color"


def test_period_swaps_the_board_and_the_address(look):
    watched = look()
    page = watched.open("/")
    page.evaluate("window.kept = true")
    page.get_by_role("button", name="Last 90 days").click()
    page.wait_for_selector("#period-last-90-days[aria-pressed=true]")
    assert page.evaluate("window.kept") is True
    assert page.url.endswith("/?period=last-90-days")
    assert page.evaluate("document.activeElement.id") == "period-last-90-days"
    assert page.inner_text("#announcer") == "Showing Nov 1 – 22, 2026"
    assert page.evaluate(f"{CHART} !== undefined")
    page.go_back()
    page.wait_for_selector("#period-this-month[aria-pressed=true]")
    assert watched.complaints == []


def test_custom_period_asks_for_two_dates(look):
    watched = look()
    page = watched.open("/")
    page.get_by_role("button", name="Custom").click()
    page.get_by_label("From").fill("2026-10-01")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?period=custom&from=2026-10-01&to=2026-11-22")
    assert watched.complaints == []


def test_period_works_without_scripts(look):
    page = look(js=False).open("/")
    page.get_by_role("button", name="Last 30 days").click()
    assert page.url.endswith("/?period=last-30-days")
    page.get_by_text("Show as a table").click()
    assert page.get_by_role("cell", name="$1,924.35").first.is_visible()


def test_chart_keeps_its_place_and_follows_the_theme(look):
    watched = look()
    page = watched.open("/")
    box = page.locator("[data-chart]").bounding_box()
    light = page.evaluate(TICKS)
    page.emulate_media(color_scheme="dark")
    page.locator("html[data-bs-theme=dark]").wait_for()
    assert page.evaluate(TICKS) != light
    assert page.locator("[data-chart]").bounding_box() == box
    assert watched.complaints == []


def test_working_bank_polls_until_it_is_read(look):
    watched = look()
    page = watched.open("/accounts/")
    card = page.locator("article", has_text="Tartan Bank")
    card.get_by_role("button", name="Sync now").wait_for(timeout=8000)
    assert card.get_by_role("link", name="Disconnect").is_visible()
    assert watched.complaints == []


def test_sync_now_shows_progress_at_once(look):
    watched = look()
    page = watched.open("/accounts/")
    card = page.locator("article", has_text="First Platypus Bank")
    card.get_by_role("button", name="Sync now").click()
    card.get_by_role("progressbar").wait_for()
    assert watched.complaints == []


def test_first_load_is_small_and_still(look):
    watched = look()
    bodies = []
    watched.page.on("response", lambda response: bodies.append(response))
    page = watched.open("/")
    sizes = {body.url: len(gzip.compress(body.body(), 6)) for body in bodies}
    assert sum(sizes.values()) < 225 * 1024, sizes
    # a page that arrives in pieces may move by a hair; a chart would move by 0.1
    assert sum(page.evaluate(SHIFTS)) < 0.01


def test_failed_part_says_so_and_leaves_the_page(look):
    watched = look()
    page = watched.open("/")
    broken = "setAttribute('hx-get', '/broken-part')"
    page.evaluate(f"document.querySelector('.segments').{broken}")
    page.get_by_role("button", name="Last 30 days").click()
    page.locator("#messages").get_by_text("Something broke on our side").wait_for()
    assert page.locator("#board").is_visible()
    assert page.url.endswith("/")
    page.get_by_role("button", name="Close this message").click()
    assert page.locator(".message").count() == 0


def test_lost_server_is_told(look):
    watched = look()
    page = watched.open("/")
    page.route("**/?period=*", lambda route: route.abort())
    page.get_by_role("button", name="Last 30 days").click()
    page.get_by_text("SmartBudget does not answer").wait_for()


def test_nothing_injected_becomes_markup(look):
    page = look().open("/")
    assert page.get_by_text("<script>alert(1)</script>").count() >= 2
    assert "49" not in page.locator(".row-name").nth(3).inner_text()


@pytest.mark.parametrize(
    ("token", "posted"),
    [
        ("success", "'public_token': 'public-token'"),
        ("exit", "INSTITUTION_DOWN"),
        ("old", "INVALID_LINK_TOKEN"),  # the page itself has no other token to offer
    ],
)
def test_link_hands_over_what_plaid_says(look, token, posted):
    watched = look()
    page = watched.open(f"/accounts/link/{token}")
    page.wait_for_url("**/link_*")
    assert posted in page.inner_text("body")
    assert watched.complaints == []


def test_link_says_when_plaid_cannot_be_loaded(look):
    watched = look()
    watched.page.route("**/plaid.js", lambda route: route.abort())
    page = watched.open("/accounts/link/success")
    page.get_by_text("could not be loaded").wait_for()
    assert page.get_by_role("button", name="Try again").is_visible()
    assert page.get_by_role("button", name="Open the bank's window").is_disabled()


def test_injected_htmx_attributes_are_dead(look):
    watched = look()
    page = watched.open("/")
    page.evaluate(
        """() => {
          const evil = Object.assign(document.createElement("a"), {id: "evil"});
          evil.setAttribute("hx-get", "/broken-part");
          evil.setAttribute("hx-trigger", "load");
          document.getElementById("content").append(evil);
          htmx.process(evil);
        }"""
    )
    assert page.locator("#evil[hx-get]").count() == 0
    assert "blocked <a#evil>" in watched.complaints[0]
