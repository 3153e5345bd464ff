"""Safe re-link, from the bank to the page: offered, looked at, done, undone."""

import re
import uuid
from collections import Counter

import pytest

from tests import factories
from tests.factories import csrf_token
from tests.linking.walk import post
from tests.sync.linked import (
    MADE_BY_USER,
    Background,
    answers,
    ask_db,
    change_db,
    claim,
    edit,
    link,
    live,
    made_by_user,
    page,
    reload,
    row,
    run,
    sync,
    until,
)
from webapp.extensions import db
from webapp.linking.duplicates import turn_key
from webapp.linking.removal import disconnect
from webapp.models.plaid_item import HISTORY_COMPLETE
from webapp.worker import tools_of, work_once

pytestmark = pytest.mark.commits

GOOD = ("user_good", "pass_good")


def end(app, item) -> None:
    """Disconnected, history kept."""
    with app.app_context():
        assert disconnect(tools_of(app), item.user_id, item.id, keep_history=True)
        db.session.commit()


@pytest.fixture
def old(app, bank, alice):
    """Linked, synced, worked on, then disconnected."""
    made = link(app, bank, alice, *GOOD, institution_id="ins_109508")
    named(app, made)
    assert sync(app, made) == "succeeded"
    edit(app, made, sorted(live(app, made))[0], **MADE_BY_USER)
    end(app, made)
    return made


def named(app, item) -> None:
    known = "institution_id = 'ins_109508', created_at = created_at - interval '1 h'"
    change_db(app, f"UPDATE plaid_items SET {known} WHERE id = :i", i=item.id)


@pytest.fixture
def new(app, bank, old, alice):
    return relink(app, bank, alice)


def relink(app, bank, user):
    made = link(app, bank, user, *GOOD, institution_id="ins_109508")
    change_db(app, "UPDATE plaid_items SET institution_id = 'ins_109508'"
              " WHERE id = :i", i=made.id)  # fmt: skip
    assert sync(app, made) == "succeeded"
    return made


def path_of(new, old) -> str:
    return f"/accounts/{new.id}/adoption/{old.id}"


def agree(client, new, old, **fields):
    shown = client.get(path_of(new, old)).text
    agreed = re.search(r'name="agreed"[^>]*value="(\w+)"', shown)[1]
    values = {"csrf_token": csrf_token(shown), "agreed": agreed} | fields
    return client.post(path_of(new, old), data=values)


def ledger(app, user) -> Counter:
    found = ask_db(
        app, "SELECT amount, currency, date FROM ledger WHERE user_id = :u", u=user.id
    )
    return Counter(tuple(line) for line in found)


def the_adoption(app):
    (found,) = ask_db(app, "SELECT * FROM adoptions")
    return found


def test_a_relink_shares_no_id_and_is_offered(app, alice_client, old, new):
    assert not live(app, old).keys() & live(app, new).keys()
    told = alice_client.get("/accounts/").text
    assert "Bring your old history along?" in told
    assert path_of(new, old) in told


@pytest.mark.parametrize("path", ["/", "/accounts/"])
@pytest.mark.parametrize("status", ["INITIAL_UPDATE_COMPLETE", HISTORY_COMPLETE])
def test_two_histories_that_both_count_are_told_until_they_are_one(
    app, alice_client, bob_client, old, new, path, status
):
    change_db(app, "UPDATE plaid_items SET update_status = :s WHERE id = :i",
              i=new.id, s=status)  # fmt: skip
    twice = "counts twice: what was kept and what is new"
    assert twice in alice_client.get(path).text
    assert twice not in bob_client.get(path).text
    change_db(app, "UPDATE plaid_items SET update_status = :s WHERE id = :i",
              i=new.id, s=HISTORY_COMPLETE)  # fmt: skip
    assert agree(alice_client, new, old).status_code == 303
    assert twice not in alice_client.get(path).text


def test_the_dry_run_says_it_all_and_changes_nothing(app, alice_client, old, new):
    before = live(app, old), live(app, new)
    shown = alice_client.get(path_of(new, old)).text
    count = len(before[0])
    assert f"{count} matched, 0 new," in re.sub(r"\s+", " ", shown)
    assert (live(app, old), live(app, new)) == before
    assert ask_db(app, "SELECT 1 FROM adoptions") == []


def test_adopted_rows_keep_their_ids_and_what_was_made_of_them(
    app, alice, alice_client, old, new
):
    ours, theirs = live(app, old), live(app, new)
    doubled = ledger(app, alice)
    assert agree(alice_client, new, old).status_code == 303
    found = live(app, new)
    assert live(app, old) == {}
    assert found.keys() == theirs.keys(), "the bank's new ids"
    assert {r.id for r in found.values()} == {r.id for r in ours.values()}
    assert {r.bank_account_id for r in found.values()} == {
        r.bank_account_id for r in ours.values()
    }
    (edited,) = [r for r in found.values() if r.note]
    assert made_by_user(edited) == MADE_BY_USER
    halved = ledger(app, alice)
    assert halved + halved == doubled, "every amount counted twice before"
    told = alice_client.get("/accounts/").text
    assert "Old history brought along" in told
    assert "Bring your old history along?" not in told


def test_later_news_of_the_bank_reaches_the_adopted_rows(
    app, bank, alice_client, old, new
):
    agree(alice_client, new, old)
    (id, found), (gone, _), *_ = sorted(live(app, new).items())
    account = found.plaid_account_id
    changed = row(account, id, "77.77", name="Corrected")
    fresh = row(account, "fresh", "1.00")
    sent = page([fresh], [changed], [gone], cursor="cursor-after")
    assert sync(app, new, sent, bank=bank) == "succeeded"
    after = live(app, new)
    assert (after[id].id, after[id].name) == (found.id, "Corrected")
    assert gone not in after
    assert after["fresh"].bank_account_id == found.bank_account_id
    states = ask_db(app, "SELECT closed_at FROM bank_accounts WHERE id = :i",
                    i=found.bank_account_id)  # fmt: skip
    assert states[0].closed_at is None


def test_undoing_gives_both_back(app, alice, alice_client, old, new):
    ours, theirs, doubled = live(app, old), live(app, new), ledger(app, alice)
    agree(alice_client, new, old)
    made = the_adoption(app)
    answer = post(alice_client, f"/accounts/adoptions/{made.id}/undo")
    assert answer.status_code == 303
    assert ids(live(app, old)) == ids(ours)
    assert ids(live(app, new)) == ids(theirs)
    assert ledger(app, alice) == doubled
    assert the_adoption(app).status == "undone"
    again = post(alice_client, f"/accounts/adoptions/{made.id}/undo")
    assert again.status_code == 303
    assert "undone already" in alice_client.get("/accounts/").text
    assert path_of(new, old) in alice_client.get("/accounts/").text, "may be done again"


def ids(found) -> dict:
    return {id: (r.id, r.bank_account_id, r.note) for id, r in found.items()}


def test_undone_after_the_bank_said_more(app, bank, alice_client, old, new):
    """What came under the new ids goes with the new link, edits stay on their rows."""
    ours = live(app, old)
    agree(alice_client, new, old)
    (id, found), (other, kept), *_ = sorted(live(app, new).items())
    sent = page([row(found.plaid_account_id, "fresh")],
                [row(found.plaid_account_id, id, "77.77")], cursor="c2")  # fmt: skip
    assert sync(app, new, sent, bank=bank) == "succeeded"
    edit(app, new, other, note="since")
    post(alice_client, f"/accounts/adoptions/{the_adoption(app).id}/undo")
    back = live(app, new)
    assert back[id].amount == -77.77 or str(back[id].amount).startswith("-77.77")
    assert "fresh" in back
    was = {r.id: r for r in live(app, old).values()}
    assert was[kept.id].note == "since"
    assert back[other].note is None
    assert {r.id: r.amount for r in ours.values()} == {
        id: r.amount for id, r in was.items()
    }


def test_declined_it_is_not_offered_again_but_can_be_found(app, alice_client, old, new):
    assert post(alice_client, path_of(new, old) + "/refusal").status_code == 303
    told = alice_client.get("/accounts/").text
    assert "Bring your old history along?" not in told
    assert path_of(new, old) in told
    assert agree(alice_client, new, old).status_code == 303
    assert live(app, old) == {}


def test_bob_sees_and_changes_nothing(app, alice_client, bob_client, old, new):
    assert bob_client.get(path_of(new, old)).status_code == 404
    before = live(app, old), live(app, new)
    fields = {"agreed": "x"}
    assert post(bob_client, path_of(new, old), **fields).status_code == 404
    assert post(bob_client, path_of(new, old) + "/refusal").status_code == 404
    agree(alice_client, new, old)
    made = the_adoption(app)
    undo = f"/accounts/adoptions/{made.id}/undo"
    assert post(bob_client, undo).status_code == 404
    assert the_adoption(app).status == "adopted"
    assert live(app, new).keys() == before[1].keys()


def test_bobs_equal_bank_is_no_old_history_of_alice(app, bank, alice, bob, old):
    his = relink(app, bank, bob)
    bobs = factories.signed_in(app, bob)
    assert "old history" not in bobs.get("/accounts/").text
    assert bobs.get(path_of(his, old)).status_code == 404


def test_news_between_looking_and_agreeing_asks_once_more(
    app, bank, alice_client, old, new
):
    shown = alice_client.get(path_of(new, old)).text
    agreed = re.search(r'name="agreed"[^>]*value="(\w+)"', shown)[1]
    gone = next(iter(live(app, new)))
    sync(app, new, page(removed=[gone], cursor="c2"), bank=bank)
    answer = post(alice_client, path_of(new, old), agreed=agreed)
    assert (answer.status_code, answer.location) == (303, path_of(new, old))
    assert ask_db(app, "SELECT 1 FROM adoptions") == []
    assert "look once more" in alice_client.get(path_of(new, old)).text


def test_nothing_is_offered_before_the_whole_history_is_here(
    app, bank, alice_client, old, new
):
    change_db(app, "UPDATE plaid_items SET update_status = 'INITIAL_UPDATE_COMPLETE'"
              " WHERE id = :i", i=new.id)  # fmt: skip
    assert alice_client.get(path_of(new, old)).status_code == 404
    assert "old history" not in alice_client.get("/accounts/").text


@pytest.mark.parametrize("state", ["revoked", "login_required", "error", "healthy"])
def test_an_old_link_that_is_still_there_is_ended(
    app, bank, alice, alice_client, state
):
    first = link(app, bank, alice, *GOOD)
    named(app, first)
    sync(app, first)
    change_db(app, "UPDATE plaid_items SET state = :s", s=state)
    second = relink(app, bank, alice)
    told = alice_client.get("/accounts/").text
    assert ("Bring your old history along?" in told) == (state != "healthy")
    assert path_of(second, first) in told
    assert agree(alice_client, second, first).status_code == 303
    assert reload(app, first).state == "removed"
    while work_once(app) is not None:
        pass
    assert bank.count_calls("/item/remove", first.item_id) == 1
    post(alice_client, f"/accounts/adoptions/{the_adoption(app).id}/undo")
    assert len(live(app, first)) == len(live(app, second)) > 300


def test_a_sync_of_the_old_link_that_is_under_way_brings_nothing_back(
    app, bank, alice, alice_client
):
    first = link(app, bank, alice, *GOOD)
    named(app, first)
    sync(app, first)
    second = relink(app, bank, alice)
    held = claim(app, first)
    account = next(iter(live(app, first).values())).plaid_account_id
    agree(alice_client, second, first)
    answers(bank, page([row(account, "late")], cursor="c2"))
    assert run(app, held) == "superseded"
    assert ask_db(app, "SELECT 1 FROM transactions WHERE"
                  " plaid_transaction_id = 'late'") == []  # fmt: skip


def test_a_sync_of_the_new_link_that_is_under_way_goes_on(
    app, bank, alice_client, old, new
):
    held = claim(app, new)
    account = next(iter(live(app, new).values())).plaid_account_id
    agree(alice_client, new, old)
    answers(bank, page([row(account, "late")], cursor="c2"))
    assert run(app, held) == "succeeded"
    assert "late" in live(app, new)


def test_a_merge_and_an_adoption_take_turns(app, alice_client, old, new):
    shown = alice_client.get(path_of(new, old)).text
    agreed = re.search(r'name="agreed"[^>]*value="(\w+)"', shown)[1]
    with app.app_context(), db.engine.begin() as merge:
        key = {"key": turn_key(new.id)}
        assert merge.execute(
            db.text("SELECT pg_try_advisory_xact_lock(:key)"), key
        ).scalar_one()
        waiting = Background(
            lambda: post(alice_client, path_of(new, old), agreed=agreed)
        )
        until(lambda: ask_db(app, WAITING))
    assert waiting.result().status_code == 303
    assert live(app, old) == {}


WAITING = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def test_a_third_link_takes_over_from_the_second(
    app, bank, alice, alice_client, old, new
):
    ours = {r.id for r in live(app, old).values()}
    agree(alice_client, new, old)
    first = the_adoption(app)
    change_db(app, "UPDATE plaid_items SET created_at = created_at - interval '1 min'"
              " WHERE id = :i", i=new.id)  # fmt: skip
    third = relink(app, bank, alice)
    assert agree(alice_client, third, new).status_code == 303
    assert {r.id for r in live(app, third).values()} == ours
    post(alice_client, f"/accounts/adoptions/{first.id}/undo")
    assert "Undo that one first" in alice_client.get("/accounts/").text
    later = ask_db(app, "SELECT id FROM adoptions WHERE id <> :i", i=first.id)[0].id
    for id in (later, first.id):
        post(alice_client, f"/accounts/adoptions/{id}/undo")
    assert {r.id for r in live(app, old).values()} == ours


def test_an_unknown_adoption_is_not_found(app, alice_client):
    answer = post(alice_client, f"/accounts/adoptions/{uuid.uuid4()}/undo")
    assert answer.status_code == 404
