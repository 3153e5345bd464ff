"""History that was taken over from a former login stays through a replay."""

import pytest

from tests.linking.test_adoption import agree, end, named, relink
from tests.sync.linked import (
    MADE_BY_USER,
    account_ids,
    ask_db,
    edit,
    link,
    live,
    made_by_user,
    page,
    row,
    sync,
)

pytestmark = pytest.mark.commits


@pytest.fixture
def old(app, bank, alice):
    """A former login: all that the bank has, and a row from before that."""
    made = link(app, bank, alice, "user_good", "pass_good", "ins_109508")
    named(app, made)
    assert sync(app, made) == "succeeded"
    ancient = row(account_ids(bank, made)[0], "ancient", date="2020-01-01")
    assert sync(app, made, page([ancient], cursor="c2"), bank=bank) == "succeeded"
    edit(app, made, "ancient", **MADE_BY_USER)
    end(app, made)
    return made


def test_adopted_history_outlives_a_replay(app, bank, alice, alice_client, old):
    ids = {found.id for found in live(app, old).values()}
    new = relink(app, bank, alice)
    assert agree(alice_client, new, old).status_code == 303
    before = live(app, new)
    assert {found.id for found in before.values()} == ids
    done = app.test_cli_runner().invoke(args=["replay", "--item", str(new.id)])
    assert done.exit_code == 0, done.output
    assert "0 doubled, 0 lost, 0 changed by the bank since, 1 left" in done.output
    assert live(app, new).keys() == before.keys()
    (ancient,) = (r for r in live(app, new).values() if r.date.year == 2020)
    assert made_by_user(ancient) == MADE_BY_USER
    assert ask_db(app, "SELECT 1 FROM ledger WHERE id = :i", i=ancient.id)
