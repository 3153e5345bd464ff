"""What other open money apps do when banks are linked, shown to be impossible here.

Beside tests/sync/test_peers.py, which says more.
"""

import pytest

from tests import factories
from tests.linking.walk import start, succeed
from tests.sync.linked import (
    ask_db,
    change_db,
    link,
    public_token_of,
    reload,
    state_at_bank,
    sync,
    token,
)
from tests.sync.peers import receiving, shown
from tests.webhooks.signing import body_of, forgeries
from webapp.extensions import db
from webapp.linking.removal import disconnect
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits


@pytest.fixture
def told(app):
    """Posts a webhook and gives the status of the answer."""
    with receiving(app) as post:
        yield post


@pytest.fixture
def item(app, bank, alice):
    return link(app, bank, alice)


def test_sure_d12_a_bank_that_redirects_can_be_linked(app, bank, alice_client):
    """There Link is never resumed after the bank's own page."""
    attempt = start(alice_client)
    answer = alice_client.get("/accounts/link/return?oauth_state_id=1")
    assert answer.status_code == 200
    assert f"/accounts/link/{attempt}/success" in answer.text, "the attempt goes on"
    assert "oauth_state_id=1" in answer.text, "and Link is told where it came back"


def test_sure_d13_a_token_is_never_stored_as_it_is(app, bank, item):
    """There encryption is off until three settings are made."""
    stored = ask_db(app, "SELECT access_token FROM plaid_items")[0][0]
    assert token(app, item).encode() not in bytes(stored)
    assert token(app, item).startswith("access-sandbox-")


def test_pattern_p1_nobody_else_reads_or_steers_a_bank(
    app, bank, item, client, bob_client
):
    """There any caller may read, refresh and delete what has a number."""
    sync(app, item)
    before = reload(app, item).req_seq
    for path in ("syncs", "removal", "repair"):
        form = {
            "csrf_token": factories.csrf_token(bob_client.get("/accounts/link").text)
        }
        answer = bob_client.post(f"/accounts/{item.id}/{path}", data=form)
        assert answer.status_code == 404
        assert client.post(f"/accounts/{item.id}/{path}").status_code in (302, 400)
    assert (reload(app, item).req_seq, reload(app, item).state) == (before, "healthy")
    assert str(item.id) not in bob_client.get("/accounts/").text


def test_pattern_p2_an_unsigned_webhook_does_nothing(app, bank, item, told):
    """There whoever knows the address may start a sync."""
    before = reload(app, item).req_seq
    for name, (body, header) in forgeries(body_of(item.item_id)).items():
        assert told(body, header) == 401, name
    assert reload(app, item).req_seq == before
    assert ask_db(app, "SELECT count(*) FROM webhook_events") == [(0,)]


def test_pattern_p7_a_bank_can_be_disconnected(app, bank, item):
    """There the handler of the error fails itself."""
    bank.fault("/item/remove", error_code="INTERNAL_SERVER_ERROR")
    with app.app_context():
        assert disconnect(tools_of(app), item.user_id, item.id, keep_history=False)
        db.session.commit()
    while work_once(app):
        pass
    change_db(app, "UPDATE jobs SET run_at = now()")
    while work_once(app):
        pass
    assert ask_db(app, "SELECT count(*) FROM plaid_items") == [(0,)]
    with pytest.raises(KeyError):
        state_at_bank(bank, item.item_id)


def test_pattern_p8_a_new_address_is_told_to_plaid(app, bank, item, monkeypatch):
    """There another address means to delete the bank and link it again."""
    for address in ("https://one.example/w", "https://two.example/w"):
        monkeypatch.setitem(app.config, "PLAID_WEBHOOK_URL", address)
        sync(app, item)
        assert state_at_bank(bank, item.item_id)["webhook"] == address


def test_monetr_the_same_login_again_is_seen(app, bank, alice_client):
    """There every row is then there twice."""
    succeed(alice_client, start(alice_client), public_token_of(bank))
    while work_once(app):
        pass
    before = sorted(shown(app))
    succeed(alice_client, start(alice_client), public_token_of(bank))
    while work_once(app):
        pass
    assert sorted(shown(app)) == before


def test_before_no_page_holds_a_token(app, bank, alice_client):
    """There the access token was part of the answer to the browser."""
    answer = succeed(alice_client, start(alice_client), public_token_of(bank))
    while work_once(app):
        pass
    seen = answer.text + alice_client.get("/accounts/").text
    assert "First Platypus Bank" in seen
    assert "access-sandbox-" not in seen
