"""Each invariant sees the damage that it is there for; a sound ledger has none."""

import pytest
from sqlalchemy import create_engine

from tests import factories
from tests.chaos.invariants import check_all, made_by_users
from tests.sync.linked import change_db, edit, link, live, sync

pytestmark = pytest.mark.commits


@pytest.fixture
def engine(settings):
    found = create_engine(settings["DATABASE_URL"])
    yield found
    found.dispose()


@pytest.fixture
def item(app, bank):
    """Two accounts, a posted row, a pending one and one whose pending one is gone."""
    owner = factories.make_user(app, password_hash="nobody signs in with this")
    item = link(app, bank, owner)
    for name, posts in ("a", "2026-01-02"), ("b", "2999-01-01"), ("c", "2999-01-01"):
        bank.control(
            f"items/{item.item_id}/transactions",
            transactions=[
                {
                    "amount": 12.34,
                    "date_transacted": "2026-01-01",
                    "date_posted": posts,
                    "description": name,
                }
            ],
        )
    assert sync(app, item) == "succeeded"
    pending = next(id for id, row in live(app, item).items() if row.name == "c")
    edit(app, item, pending, note="mine")
    bank.control(f"items/{item.item_id}/transactions/{pending}/post", amount=13)
    assert sync(app, item) == "succeeded"
    return item


@pytest.fixture
def seen(engine, bank):
    return lambda **how: sorted({line[:2] for line in check_all(engine, bank, **how)})


def test_a_sound_ledger_breaks_nothing(engine, bank, item):
    assert check_all(engine, bank) == []


DAMAGE = {
    "a row lost": ("DELETE FROM transactions WHERE name = 'b'", ["I2", "I3", "I5"]),
    "a row buried": (
        "UPDATE transactions SET removed_at = now() WHERE name = 'a'",
        ["I2", "I3", "I5"],
    ),
    "a row not buried": (
        "UPDATE transactions SET removed_at = NULL",
        ["I2", "I3", "I5", "I6", "IC"],
    ),
    "a cent": (
        "UPDATE transactions SET amount = amount + 0.01 WHERE name = 'a'",
        ["I2", "I3", "I5"],
    ),
    "another account": (
        "UPDATE transactions SET bank_account_id ="
        " (SELECT max(id::text)::uuid FROM bank_accounts)",
        ["I2", "I3", "I5"],
    ),
    "a float's dust": (
        "UPDATE transactions SET plaid_amount = plaid_amount + 1e-15 WHERE name = 'a'",
        ["I2", "I3"],
    ),
    "a day": (
        "UPDATE transactions SET date = date - 1 WHERE name = 'a'",
        ["I2", "I3"],
    ),
    "no cursor": ("UPDATE plaid_items SET cursor = NULL", ["I2"]),
    "a foreign cursor": ("UPDATE plaid_items SET cursor = 'x'", ["I3"]),
    "an old lease": (
        "UPDATE plaid_items SET lease_until = now() - interval '61 s'",
        ["I8"],
    ),
    "an item nobody took": (
        "UPDATE plaid_items SET next_at = now() - interval '16 min'",
        ["I8"],
    ),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_damage_is_seen(app, bank, item, seen, what):
    statement, breaks = DAMAGE[what]
    assert change_db(app, statement) > 0
    assert seen() == breaks


def test_what_the_bank_has_still_to_tell_is_no_damage(app, bank, item, seen):
    id = next(id for id, row in live(app, item).items() if row.name == "a")
    bank.control(f"items/{item.item_id}/transactions/{id}", amount=99)
    assert seen(settled=False) == []
    assert seen() == ["I2", "I5"]


def test_a_cursor_ahead_of_its_rows_is_seen_before_all_is_quiet(app, bank, item, seen):
    bank.control(f"items/{item.item_id}/repeat", count=2)
    assert sync(app, item) == "succeeded"
    change_db(app, "DELETE FROM transactions WHERE name = 'a'")
    assert seen(settled=False) == ["I3"]


@pytest.mark.parametrize(
    "which", ["IS NULL AND pending_transaction_id IS NOT NULL", "IS NOT NULL"]
)
def test_user_data_lost_is_seen(app, engine, bank, item, seen, which):
    with engine.connect() as connection:
        before = made_by_users(connection)
    assert len(before) == 2
    assert seen(before=before) == []
    statement = f"UPDATE transactions SET note = NULL WHERE removed_at {which}"
    assert change_db(app, statement) == 1
    assert seen(before=before) == ["I7"]
