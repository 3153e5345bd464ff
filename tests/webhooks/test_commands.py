"""`flask webhooks`: the inbox listed, and one of it taken again."""

import uuid

import pytest

from tests.factories import make_item
from tests.sync.linked import change_db
from tests.webhooks.conftest import asks, inbox
from tests.webhooks.signing import body_of, sign

pytestmark = pytest.mark.commits


@pytest.fixture
def flask(app):
    runner = app.test_cli_runner()
    return lambda *arguments: runner.invoke(args=["webhooks", *arguments])


@pytest.fixture
def items(app, told, alice, bob):
    """One of Alice's and one of Bob's, each with a webhook; hers is settled."""
    made = [make_item(app, person) for person in (alice, bob)]
    for item in made:
        body = body_of(
            item.item_id, "PENDING_DISCONNECT", webhook_type="ITEM", reason="WHY"
        )
        assert told(body, sign(body)).status_code == 200
    change_db(
        app,
        "UPDATE webhook_events SET processed_at = now() WHERE plaid_item_id = :i",
        i=made[0].id,
    )
    return made


def test_list(app, flask, items):
    result = flask("list")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 2
    for line, item, word in zip(
        lines, items, ("processed", "unprocessed"), strict=True
    ):
        parts = line.split()
        assert parts[2:] == [str(item.id), word, "ITEM:PENDING_DISCONNECT", "WHY"]
    assert lines[0].split()[0] == str(inbox(app)[0].id)


def test_list_of_one_item_and_of_what_waits(flask, items):
    found = flask("list", "--item", str(items[0].id)).stdout.splitlines()
    assert [line.split()[2] for line in found] == [str(items[0].id)]
    found = flask("list", "--unprocessed").stdout.splitlines()
    assert [line.split()[2] for line in found] == [str(items[1].id)]
    found = flask("list", "--unprocessed", "--item", str(items[0].id))
    assert (found.exit_code, found.stdout) == (0, "")


def test_replay(app, flask, items):
    before = [asks(app, item) for item in items]
    event = inbox(app)[0]
    assert event.done
    assert flask("replay", str(event.id)).exit_code == 0
    assert not inbox(app)[0].done
    assert [asks(app, item) for item in items] == [before[0] + 1, before[1]]


def test_replay_of_nothing(flask, app, items):
    result = flask("replay", str(uuid.uuid4()))
    assert result.exit_code == 1
    assert "There is no webhook" in result.output
    change_db(app, "UPDATE plaid_items SET state = 'removing'")
    result = flask("replay", str(inbox(app)[0].id))
    assert result.exit_code == 1
    assert inbox(app)[0].done
