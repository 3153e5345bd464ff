"""From the bank to the page: the simulated bank sends, a worker does the rest."""

import datetime as dt

import pytest

from tests import factories
from tests.sync.linked import (
    answers,
    ask_db,
    change_db,
    claim,
    link,
    live,
    page,
    reload,
    run,
    runs,
    state_at_bank,
    token,
    until,
)
from tests.webhooks.conftest import inbox, linked
from tests.webhooks.signing import body_of, sign
from webapp import embedded
from webapp.extensions import db
from webapp.sync import schedule

pytestmark = pytest.mark.commits

NEWS = "SYNC_UPDATES_AVAILABLE"


def buy(site, item, amount: float = 12.5, posts: str = "2030-01-01") -> None:
    """A purchase; it stays pending until that day."""
    today = site.bank.state()["now"][:10]
    bought = {
        "date_transacted": today,
        "date_posted": posts,
        "amount": amount,
        "description": "SHELL OIL",
    }
    site.bank.control(f"items/{item.item_id}/transactions", transactions=[bought])


def pending_id(site, item) -> str:
    path = f"/_control/items/{item.item_id}/transactions?pending=1"
    return site.bank.get(path)["transactions"][0]["transaction_id"]


def undone(app) -> list[str]:
    return [row.webhook_code for row in inbox(app) if not row.done]


# What is new


def test_a_pending_transaction_posts(app, site, item):
    buy(site, item)
    site.delivered(item, NEWS)
    assert site.work()[-1] == "succeeded"
    ((old_id, old),) = live(app, item).items()
    assert old.pending
    path = f"items/{item.item_id}/transactions/{old_id}/post"
    new_id = site.bank.control(path, amount=13.25)["id"]
    site.delivered(item, NEWS, 2)
    assert site.work()[-1] == "succeeded"
    ((found_id, found),) = live(app, item).items()
    assert found_id == new_id
    assert (found.pending, found.amount) == (False, -13.25)
    assert undone(app) == []
    last = runs(app, item)[-1].id
    rows = [row for row in inbox(app) if row.webhook_code == NEWS]
    assert len(rows) == 2
    assert rows[1].sync_run_id == last


def test_what_comes_during_a_run_is_done_by_the_next(app, site, item):
    held = claim(app, item)
    buy(site, item)
    site.delivered(item, NEWS)
    assert run(site.app, held) == "succeeded"
    found = reload(app, item)
    assert found.req_seq > found.done_seq
    assert site.work() == ["succeeded"]
    assert undone(app) == []


def test_rows_stay_until_a_run_works(app, site, item):
    buy(site, item)
    site.delivered(item, NEWS)
    site.bank.fault("/transactions/sync", error_code="INTERNAL_SERVER_ERROR", times=3)
    assert site.work() == ["failed"]
    assert NEWS in undone(app)
    held = claim(app, item)
    site.bank.control("faults/clear")
    assert run(site.app, held) == "succeeded"
    assert undone(app) == []


def test_doubled_and_disordered_ones_end_as_the_bank_has_it(app, site, item):
    site.bank.control("webhooks/mischief", kind="duplicate", code=NEWS, times=1)
    buy(site, item, 1)
    site.delivered(item, NEWS)
    site.bank.control("webhooks/mischief", kind="hold", code=NEWS, times=2)
    buy(site, item, 2)
    buy(site, item, 3)
    held = lambda: [w for w in site.sent(item, NEWS) if w["status"] == "held"]  # noqa: E731
    until(lambda: len(held()) == 2)
    site.bank.control("webhooks/release", reversed=True)
    site.delivered(item, NEWS, 3)
    site.work()
    assert sorted(row.amount for row in live(app, item).values()) == [-3, -2, -1]
    assert undone(app) == []


def test_what_was_lost_comes_with_the_next(app, site, item):
    site.bank.control("webhooks/mischief", kind="lose", times=2)
    buy(site, item, 1)
    until(lambda: [w["status"] for w in site.webhooks(item)].count("lost") == 2)
    assert site.work() == []
    buy(site, item, 2)
    site.delivered(item, NEWS)
    site.work()
    assert len(live(app, item)) == 2


@pytest.mark.parametrize("forgery", ["signature", "hash", "age", "kid", "algorithm"])
def test_the_banks_forgeries_change_nothing(app, site, item, forgery):
    before = reload(app, item)
    kept = len(inbox(app))
    site.bank.control("webhooks/mischief", kind="forge", forgery=forgery)
    site.happens(item, "login_repaired")
    sent = lambda: site.sent(item, "LOGIN_REPAIRED")[0]  # noqa: E731
    until(lambda: sent()["status"] == "retrying after 401")
    after = reload(app, item)
    assert (after.req_seq, after.next_at) == (before.req_seq, before.next_at)
    assert len(inbox(app)) == kept


def test_keys_rotate(app, site, item):
    for number in (1, 2):
        buy(site, item, number)
        site.delivered(item, NEWS, number)
        site.bank.control("webhooks/rotate-key")
    site.work()
    assert len(live(app, item)) == 2
    assert site.bank.count_calls("/webhook_verification_key/get") <= 5


def test_a_lost_database_answers_503_and_the_retry_is_taken(app, site, item, cluster):
    site.bank.control("settings", webhook_speed=30)  # the first retry after a second
    cluster.stop()
    try:
        buy(site, item)
        sent = lambda: site.sent(item, NEWS)[0]  # noqa: E731
        until(lambda: sent()["status"] == "retrying after 503")
    finally:
        embedded.start(cluster.home, fast=True)
    site.delivered(item, NEWS)
    assert sent()["attempts"] > 1
    site.work()
    assert len(live(app, item)) == 1
    assert undone(app) == []


# The life of a connection


def test_login_repaired_wakes_an_item_at_once(app, site, item):
    site.happens(item, "login_required")
    site.delivered(item, "ERROR")
    assert site.work() == ["failed"]
    found = reload(app, item)
    assert (found.state, found.last_error_code) == (
        "login_required",
        "ITEM_LOGIN_REQUIRED",
    )
    assert site.bank.count_calls("/transactions/sync", item.item_id) == 1, (
        "asked though it rests"
    )
    assert undone(app) == []
    assert [row.error_code for row in inbox(app)][-1] == "ITEM_LOGIN_REQUIRED"
    change_db(app, "UPDATE plaid_items SET not_before = now() + interval '5 h'")
    buy(site, item)
    site.happens(item, "login_repaired")
    site.delivered(item, "LOGIN_REPAIRED")
    assert site.work()[0] == "succeeded"
    found = reload(app, item)
    assert (found.state, found.not_before, found.attempts) == ("healthy", None, 0)
    assert len(live(app, item)) == 1


def test_other_webhooks_wake_after_the_back_off_and_only_once(app, site, item):
    site.happens(item, "login_required")
    site.delivered(item, "ERROR")
    site.work()
    change_db(app, "UPDATE plaid_items SET next_at = now(), not_before = NULL")
    assert site.work() == [], "nobody asked"
    site.bank.control(f"items/{item.item_id}/repeat", count=1)
    buy(site, item)
    site.delivered(item, NEWS)
    assert site.work() == ["failed"]
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert site.work() == []


def test_a_woken_item_whose_worker_dies_is_taken_again(app, site, item):
    change_db(app, "UPDATE plaid_items SET state = 'login_required'")
    site.happens(item, "login_repaired")
    site.delivered(item, "LOGIN_REPAIRED")
    assert claim(app, item) is not None  # and is never heard of again
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 s'")
    assert site.work() == ["succeeded"]
    assert reload(app, item).state == "healthy"


def test_a_woken_item_that_is_given_back_is_taken_again(app, site, item):
    change_db(app, "UPDATE plaid_items SET state = 'login_required'")
    site.happens(item, "login_repaired")
    site.delivered(item, "LOGIN_REPAIRED")
    with app.app_context():
        held = schedule.claim(db.session())
        schedule.release(db.session(), held)
        db.session.commit()
    assert site.work() == ["succeeded"]


def test_a_woken_item_whose_bank_is_not_ready_is_looked_at_again(app, site, item):
    change_db(app, "UPDATE plaid_items SET state = 'login_required', cursor = NULL")
    answers(site.bank, page(cursor="", status="NOT_READY"))
    site.happens(item, "login_repaired")
    site.delivered(item, "LOGIN_REPAIRED")
    assert site.work() == ["succeeded"]
    assert reload(app, item).state == "first_sync"
    assert undone(app) == ["LOGIN_REPAIRED"]
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert site.work() == ["succeeded"]
    assert reload(app, item).state == "healthy"
    assert undone(app) == []


def test_hundreds_of_equal_ones_during_a_run_cause_one_more(app, site, item, told):
    held = claim(app, item)
    body = body_of(item.item_id)
    for _ in range(300):
        assert told(body, sign(body)).status_code == 200
    assert run(site.app, held) == "succeeded"
    assert site.work() == ["succeeded"]
    assert undone(app) == []
    assert len(runs(app, item)) == 3, "one was before"


def test_a_stale_error_does_not_outweigh_the_bank(app, site, item):
    """The login failed and was repaired; the two come in the wrong order."""
    for code in ("ERROR", "LOGIN_REPAIRED"):
        site.bank.control("webhooks/mischief", kind="hold", code=code)
    site.happens(item, "login_required")
    site.happens(item, "login_repaired")
    until(lambda: site.sent(item, "LOGIN_REPAIRED")[0]["status"] == "held")
    site.bank.control("webhooks/release", reversed=True)
    site.delivered(item, "ERROR")
    site.work()
    assert reload(app, item).state == "healthy"


@pytest.mark.parametrize(
    ("event", "more", "code"),
    [
        ("pending_expiration", {}, "PENDING_EXPIRATION"),
        (
            "pending_disconnect",
            {"reason": "INSTITUTION_MIGRATION"},
            "PENDING_DISCONNECT",
        ),
    ],
)
def test_notice_is_kept_with_its_day_until_the_login_is_repaired(
    app, site, item, event, more, code
):
    site.happens(item, event, **more)
    site.delivered(item, code)
    assert site.work() == ["succeeded"]
    found = reload(app, item)
    week = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    assert found.state == "expiring"
    assert abs(found.consent_expires_at - week) < dt.timedelta(minutes=1)
    assert inbox(app)[-1].reason == more.get("reason")
    # a poll and even a bank that was down for a while change nothing about it
    site.bank.fault("/transactions/sync", error_code="INSTITUTION_DOWN")
    assert run(site.app, claim(app, item)) == "failed"
    assert reload(app, item).state == "institution_down"
    assert run(site.app, claim(app, item)) == "succeeded"
    again = reload(app, item)
    assert again.state == "expiring"
    assert again.consent_expires_at == found.consent_expires_at
    site.happens(item, "login_repaired")
    site.delivered(item, "LOGIN_REPAIRED")
    for _ in range(2):
        run(site.app, claim(app, item))
        assert reload(app, item).state == "healthy"


def test_a_permission_taken_back_stops_everything(app, site, item):
    site.happens(item, "permission_revoked")
    site.delivered(item, "USER_PERMISSION_REVOKED")
    site.bank.control("calls/clear")
    assert site.work() == ["failed"]
    found = reload(app, item)
    assert (found.state, found.last_error_code) == (
        "revoked",
        "USER_PERMISSION_REVOKED",
    )
    assert site.bank.count_calls("/transactions/sync", item.item_id) == 0
    assert undone(app) == []
    change_db(app, "UPDATE plaid_items SET next_at = now()")
    assert site.work() == []


def test_the_payload_says_revoked_also_where_the_item_does_not(app, site, item):
    fired = {"webhook_code": "USER_PERMISSION_REVOKED", "webhook_type": "ITEM"}
    secret = token(app, item)
    site.bank.plaid("/sandbox/item/fire_webhook", access_token=secret, **fired)
    site.delivered(item, "USER_PERMISSION_REVOKED")
    assert site.work() == ["failed"]
    assert reload(app, item).state == "revoked"


def test_what_came_before_a_repair_says_nothing_any_more(app, site, item):
    """Revoked, and before a worker saw it the person went through update mode."""
    fired = {"webhook_code": "USER_PERMISSION_REVOKED", "webhook_type": "ITEM"}
    secret = token(app, item)
    site.bank.plaid("/sandbox/item/fire_webhook", access_token=secret, **fired)
    site.delivered(item, "USER_PERMISSION_REVOKED")
    change_db(
        app,
        "INSERT INTO plaid_link_sessions (user_id, id, link_token, mode, status,"
        " plaid_item_id, expires_at, finished_at)"
        " VALUES (:u, gen_random_uuid(), '', 'update', 'linked', :i, now(), now())",
        u=item.user_id,
        i=item.id,
    )
    assert site.work() == ["succeeded"]
    assert reload(app, item).state == "healthy"
    assert undone(app) == []


def test_bobs_bank_is_not_touched(app, site, item, bob):
    his = linked(app, site, bob)
    before = reload(app, his)
    site.happens(item, "login_required")
    site.delivered(item, "ERROR")
    buy(site, item)
    site.work()
    after = reload(app, his)
    assert (after.req_seq, after.state) == (before.req_seq, "healthy")
    assert len(runs(app, his)) == 1
    assert {row.user_id for row in inbox(app) if row.plaid_item_id != his.id} == {
        item.user_id
    }


# Our address


def test_the_first_run_tells_the_bank_our_address(app, site, item):
    assert state_at_bank(site.bank, item.item_id)["webhook"] == site.url
    assert site.bank.count_calls("/item/webhook/update", item.item_id) == 1
    run(site.app, claim(app, item))
    assert site.bank.count_calls("/item/webhook/update", item.item_id) == 1
    assert [row.webhook_code for row in inbox(app)] == ["WEBHOOK_UPDATE_ACKNOWLEDGED"]


def test_a_run_works_without_it(app, site, owner):
    found = link(app, site.bank, owner)
    site.bank.fault("/item/webhook/update", error_code="INTERNAL_SERVER_ERROR")
    assert site.work() == ["succeeded"]
    assert state_at_bank(site.bank, found.item_id)["webhook"] == ""
    run(site.app, claim(app, found))
    assert state_at_bank(site.bank, found.item_id)["webhook"] == site.url


def test_a_dead_item_at_the_bank_breaks_no_worker(app, site, owner):
    factories.make_item(app, owner, item_id="none", seen_seq=0, done_seq=0)
    assert site.work() == ["failed"]
    assert ask_db(app, "SELECT state FROM plaid_items")[0][0] == "revoked"
