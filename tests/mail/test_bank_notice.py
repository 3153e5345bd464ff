"""One mail when a bank needs its owner: to whom, when, how often, and what it says."""

import datetime as dt
import re

import pytest

from tests.bank import free_port
from tests.factories import save
from tests.sync.linked import (
    ask_db,
    change_db,
    every_log_line,
    link,
    reload,
    sync,
    token,
)
from webapp.extensions import db
from webapp.linking.removal import disconnect
from webapp.mail.post import LogPost
from webapp.models import User
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

SYNC = "/transactions/sync"


@pytest.fixture
def item(app, bank, alice):
    made = link(app, bank, alice, "user_load_9", "any")
    assert sync(app, made) == "succeeded"
    return made


def fails(app, bank, item, code: str = "ITEM_LOGIN_REQUIRED") -> None:
    bank.fault(SYNC, error_code=code)
    assert sync(app, item) == "failed"


def work_all(app) -> list[str]:
    """What became of the jobs that are due; no bank is."""
    change_db(app, "UPDATE plaid_items SET next_at = now() + interval '1 hour'")
    ended = []
    while (status := work_once(app)) is not None:
        ended.append(status)
    return ended


def jobs(app) -> list:
    return ask_db(app, "SELECT * FROM jobs")


@pytest.mark.parametrize(
    ("code", "subject", "words"),
    [
        ("ITEM_LOGIN_REQUIRED", "wants you to log in again", "Until you do, nothing"),
        ("USER_PERMISSION_REVOKED", "is no longer connected", "What was read before"),
    ],
)
def test_the_owner_is_told_once(
    app, bank, alice, bob, item, sending, inbox, code, subject, words
):
    fails(app, bank, item, code)
    assert work_all(app) == ["done"]
    assert inbox.recipients == [alice.email], "and not Bob"
    (mail,) = inbox.mails
    assert mail["Subject"] == f"First Platypus Bank {subject}"
    assert mail["To"] == alice.email
    assert mail["Auto-Submitted"] == "auto-generated"
    texts = [
        " ".join(mail.get_body((kind,)).get_content().split())
        for kind in ("plain", "html")
    ]
    for text in texts:
        assert "Alice" in text
        assert words in text
        links = re.findall(r"http[^\s\"<]+", text)
        assert links == [
            f"http://localhost/accounts/{item.id}/repair",
            "http://localhost/settings/",
        ]
    fails(app, bank, item, code)
    assert work_all(app) == [], "the same trouble is not told twice"


def test_nothing_of_the_bank_but_its_name_is_in_the_mail(
    app, bank, item, sending, inbox
):
    secret = token(app, item)
    known = ask_db(
        app,
        "SELECT a.name, a.mask, a.plaid_account_id, t.name, t.plaid_transaction_id,"
        " round(t.amount, 2)::text FROM transactions t JOIN bank_accounts a"
        " ON a.id = t.bank_account_id",
    )
    fails(app, bank, item)
    work_all(app)
    everything = inbox.mails[0].as_string() + "".join(
        part.get_content() for part in inbox.mails[0].iter_parts()
    )
    for value in {secret, item.item_id, *(str(v) for row in known for v in row[2:])}:
        assert value not in everything
    assert "Checking" not in everything


def test_notice_of_an_end_names_the_day_and_a_real_end_is_told_as_well(
    app, bank, item, sending, inbox
):
    ends = dt.datetime(2030, 3, 9, 12, tzinfo=dt.UTC)
    change_db(
        app,
        "INSERT INTO webhook_events (user_id, id, plaid_item_id, item_id, webhook_type,"
        " webhook_code, expires_at, jwt_sha256) VALUES (:u, gen_random_uuid(), :i,"
        " 'x', 'ITEM', 'PENDING_DISCONNECT', :at, '')",
        u=item.user_id, i=item.id, at=ends,
    )  # fmt: skip
    for _ in range(2):
        assert sync(app, item) == "succeeded"
    assert reload(app, item).state == "expiring"
    work_all(app)
    (mail,) = inbox.mails
    assert mail["Subject"] == "Your permission for First Platypus Bank runs out soon"
    assert "runs out on March 9, 2030" in mail.get_body(("plain",)).get_content()
    fails(app, bank, item)
    work_all(app)
    assert [m["Subject"] for m in inbox.mails[1:]] == [
        "First Platypus Bank wants you to log in again"
    ]


def test_after_it_has_cleared_the_next_trouble_is_told_again(
    app, bank, item, sending, inbox
):
    for count in (1, 2):
        fails(app, bank, item)
        work_all(app)
        assert len(inbox.mails) == count
        assert sync(app, item) == "succeeded"
        assert reload(app, item).notice_of is None


@pytest.mark.parametrize("code", ["INTERNAL_SERVER_ERROR", "INSTITUTION_DOWN"])
def test_what_passes_by_itself_is_no_mail(app, bank, item, sending, inbox, code):
    fails(app, bank, item, code)
    assert work_all(app) == []
    assert inbox.mails == []


def test_the_wish_is_part_of_the_transaction_that_sets_the_state(
    app, bank, item, sending
):
    fails(app, bank, item)
    (job,) = jobs(app)
    assert (job.kind, job.user_id) == ("bank_notice", item.user_id)
    assert job.args == {"item": str(item.id)}
    assert ask_db(
        app, "SELECT i.xmin::text = j.xmin::text FROM plaid_items i, jobs j"
    ) == [(True,)]


# When none is sent


def test_repaired_before_it_was_sent(app, bank, item, sending, inbox):
    fails(app, bank, item)
    assert sync(app, item) == "succeeded"
    assert work_all(app) == ["done"]
    assert inbox.mails == []


@pytest.mark.parametrize("values", ["bank_mails = false", "is_active = false"])
def test_switched_off(app, bank, item, sending, inbox, values):
    change_db(app, f"UPDATE users SET {values}")
    fails(app, bank, item)
    work_all(app)
    assert (inbox.mails, jobs(app)) == ([], [])


def test_disconnected_before_it_was_sent(app, bank, item, sending, inbox):
    fails(app, bank, item)
    with app.app_context():
        disconnect(tools_of(app), item.user_id, item.id, keep_history=True)
        db.session.commit()
    assert work_all(app) == ["done"]
    assert inbox.mails == []


def test_its_user_is_gone(app, bank, item, sending, inbox):
    fails(app, bank, item)
    change_db(app, "DELETE FROM users")
    assert work_all(app) == ["done"]
    assert inbox.mails == []


def test_without_a_server_nothing_is_put(app, bank, item):
    assert app.extensions["post"] is None
    fails(app, bank, item)
    assert jobs(app) == []
    assert reload(app, item).notice_of is None, "nobody was told"


# The server


def test_a_server_that_is_down_is_tried_again(app, bank, item, start, post, inbox):
    port = free_port()
    post(port)
    fails(app, bank, item)
    assert work_all(app) == ["failed"]
    (job,) = jobs(app)
    assert (job.last_error, job.dead_at) == ("ConnectionRefusedError", None)
    start(port)
    change_db(app, "UPDATE jobs SET run_at = now()")
    assert work_all(app) == ["done"]
    assert len(inbox.mails) == 1


@pytest.mark.parametrize(
    ("answer", "dead"), [("451 try later", False), ("550 nobody here", True)]
)
def test_a_recipient_that_is_refused(app, bank, item, sending, inbox, answer, dead):
    inbox.refuse = answer
    fails(app, bank, item)
    assert work_all(app) == ["failed"]
    (job,) = jobs(app)
    assert job.last_error == f"recipient refused: [{answer[:3]}]"
    assert (job.dead_at is not None) is dead


def test_a_name_cannot_add_a_header(app, bank, alice, sending, inbox):
    save(app, User(email="eve@example.com", password_hash="x"))
    made = link(app, bank, alice, institution_name="Bank\r\nBcc: eve@example.com")
    fails(app, bank, made)
    work_all(app)
    (mail,) = inbox.mails
    assert mail["Bcc"] is None
    assert inbox.recipients == [alice.email]
    assert "<b>" not in mail.get_body(("html",)).get_content()


def test_each_try_has_the_same_message_id(app, bank, item, sending, inbox):
    """Where a worker dies after the server took it, the mail is shown once."""
    fails(app, bank, item)
    job = jobs(app)[0].id
    work_all(app)
    assert inbox.mails[0]["Message-ID"] == f"<{job}@localhost>"


def test_the_demo_shows_it_in_its_log(app, bank, alice, item):
    app.extensions["post"] = LogPost()
    try:
        fails(app, bank, item)
        with every_log_line() as lines:
            work_all(app)
    finally:
        app.extensions["post"] = None
    said = "\n".join(lines)
    assert f"Mail to {alice.email}: First Platypus Bank wants you" in said
    assert f"http://localhost/accounts/{item.id}/repair" in said
