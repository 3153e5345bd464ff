"""`flask replay`: the whole history again gives the same rows, or nothing happens."""

import datetime as dt
from typing import Any

import pytest

from tests import factories
from tests.sync.linked import (
    HISTORICAL,
    INITIAL,
    MADE_BY_USER,
    Background,
    account_ids,
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
    rows,
    runs,
    sync,
)
from tests.sync.test_history import History

pytestmark = pytest.mark.commits
SAME = "0 doubled, 0 lost, 0 changed by the bank since"


@pytest.fixture
def account(bank, item) -> str:
    return account_ids(bank, item)[0]


@pytest.fixture
def replay(app, bank, item):
    """replay(pages...) -> what the command said, and its exit code."""
    runner = app.test_cli_runner()

    def call(*pages: str, option: str = "") -> tuple[str, int]:
        answers(bank, *pages)
        options = [option] if option else []
        done = runner.invoke(args=["replay", "--item", item.item_id, *options])
        return done.output.strip().splitlines()[-1], done.exit_code

    return call


def everything(app, item) -> dict[str, Any]:
    """All columns of all rows, and PostgreSQL's own mark of their last writing."""
    return {id: tuple(found) for id, found in rows(app, item).items()}


def test_all_that_the_bank_has_again(app, bank, owner, item, replay):
    """Through the bank's own log, pages and all."""
    other = link(app, bank, owner, "user_load_1200", "any")
    assert sync(app, other) == "succeeded"
    first = sorted(live(app, other))[0]
    edit(app, other, first, **MADE_BY_USER)
    before = everything(app, other)
    done = app.test_cli_runner().invoke(args=["replay", "--item", str(other.id)])
    assert (done.output.strip(), done.exit_code) == (f"1,200 rows the same, {SAME}.", 0)
    assert everything(app, other) == before
    assert [r.cursor_before is None for r in runs(app, other)] == [True, True]
    assert reload(app, other).cursor == runs(app, other)[-1].cursor_after


@pytest.mark.parametrize("seed", [1, 3])
def test_any_history_again(app, bank, owner, seed):
    """Whatever happened at the bank, seen by a sync in time or not."""
    bank.control("settings", rate_limits=False)
    other = link(app, bank, owner)
    history = History(bank, other, seed)
    for number in range(20):
        history.step()
        if number % 3 == 0:
            assert sync(app, other) == "succeeded"
            for id in live(app, other):
                edit(app, other, id, note=f"note {number}")
    assert sync(app, other) == "succeeded"
    before = everything(app, other)
    done = app.test_cli_runner().invoke(args=["replay", "--item", str(other.id)])
    assert (done.output.strip(), done.exit_code) == (
        f"{len(before)} rows the same, {SAME}.", 0
    )  # fmt: skip
    assert everything(app, other) == before
    assert len(before) > 3


@pytest.fixture
def told(app, bank, item, account) -> list[dict]:
    """A history with all that a history has; what the bank lists of it now."""
    pending = row(account, "p", "20", pending=True)
    sent = [row(account, id) for id in "abc"]
    odd = row(account, "odd") | {"amount": None}
    sync(app, item, page([*sent, pending, odd]), bank=bank)
    edit(app, item, "a", **MADE_BY_USER)
    edit(app, item, "p", note="was pending")
    changed = row(account, "a", "99")
    posted = row(account, "q", "21", pending_transaction_id="p")
    news = page([posted], [changed], ["b", "p"], cursor="c2")
    sync(app, item, news, bank=bank)
    assert live(app, item).keys() == {"a", "c", "q"}
    return [changed, row(account, "c"), posted, odd]


def test_edits_pending_posted_removed_and_odd_rows(app, item, told, replay):
    before = everything(app, item)
    assert replay(page(told, cursor="c9")) == (f"5 rows the same, {SAME}.", 0)
    assert everything(app, item) == before
    found = rows(app, item)
    assert made_by_user(found["a"]) == MADE_BY_USER
    assert found["q"].note == "was pending"
    assert (found["b"].removed_at, found["p"].removed_at) != (None, None)
    assert reload(app, item).cursor == "c9"


def test_twice_is_as_good_as_once(app, item, told, replay):
    before = everything(app, item)
    for cursor in ("c8", "c9"):
        assert replay(page(told, cursor=cursor)) == (f"5 rows the same, {SAME}.", 0)
    assert everything(app, item) == before


def test_the_bank_goes_on_from_there(app, bank, item, account, told, replay):
    replay(page(told, cursor="c9"))
    sync(app, item, page([row(account, "z")], cursor="c10"), bank=bank)
    assert live(app, item).keys() == {"a", "c", "q", "z"}
    assert runs(app, item)[-1].cursor_before == "c9"


def test_what_the_bank_changed_since(app, item, account, told, replay):
    changed = row(account, "c", "77")
    new = row(account, "new")
    back = row(account, "b")
    listed = [told[0], changed, told[2], new, back]
    said, code = replay(page(listed, cursor="c9"))
    assert (said, code) == (
        "3 rows the same, 0 doubled, 0 lost, 1 changed by the bank since, 1 new, 1 back"
        " again.",
        0,
    )
    assert live(app, item).keys() == {"a", "b", "c", "q", "new"}
    assert rows(app, item)["c"].amount == -77


def test_a_row_that_the_bank_lists_no_longer(app, item, told, replay):
    edit(app, item, "c", note="mine")
    without = [one for one in told if one["transaction_id"] != "c"]
    said, code = replay(page(without, cursor="c9"))
    assert (said, code) == (
        f"4 rows the same, {SAME}, 1 buried, for the bank lists them no longer.", 0
    )  # fmt: skip
    assert live(app, item).keys() == {"a", "q"}
    (run,) = [r for r in runs(app, item) if r.cursor_after == "c9"]
    assert run.removed == 1
    kept = ask_db(
        app, "SELECT * FROM transaction_changes WHERE sync_run_id = :r", r=run.id
    )
    assert [(k.transaction_id, k.asks_user) for k in kept] == [
        (rows(app, item)["c"].id, True)
    ]


def test_a_tombstone_stays_dead(app, item, told, replay):
    gone_at = {id: rows(app, item)[id].removed_at for id in "bp"}
    replay(page(told, cursor="c9"))
    assert {id: rows(app, item)[id].removed_at for id in "bp"} == gone_at


def test_a_pending_row_that_has_posted_meanwhile(app, bank, item, account, replay):
    pending = row(account, "p", "20", pending=True)
    sync(app, item, page([row(account, "a"), pending]), bank=bank)
    edit(app, item, "p", **MADE_BY_USER)
    posted = row(account, "q", "20", pending_transaction_id="p", date="2026-10-06")
    said, code = replay(page([row(account, "a"), posted], cursor="c9"))
    assert (said, code) == (
        f"1 rows the same, {SAME}, 1 new, 1 buried, for the bank lists them no longer.",
        0,
    )
    assert live(app, item).keys() == {"a", "q"}
    assert made_by_user(live(app, item)["q"]) == MADE_BY_USER


# What silence does not prove


def left(app, item, replay, *listed: dict, **of_page: Any) -> None:
    said, code = replay(page(list(listed), cursor="c9", **of_page))
    assert "1 left, though the bank lists them no longer." in said
    assert code == 0
    assert "old" in live(app, item)


def test_older_than_all_that_the_bank_still_gives(app, bank, item, account, replay):
    old = row(account, "old", date="2024-01-01")
    sync(app, item, page([row(account, "a"), old]), bank=bank)
    left(app, item, replay, row(account, "a"))


def test_in_an_account_that_the_bank_no_longer_lists(app, bank, item, account, replay):
    made = row(account, "old"), row(account, "a")
    sync(app, item, page(list(made)), bank=bank)
    other = factories.make_account(app, item, plaid_account_id="unshared")
    change_db(
        app,
        "UPDATE transactions SET bank_account_id = :a"
        " WHERE plaid_transaction_id = 'old'",
        a=other.id,
    )
    left(app, item, replay, row(account, "a"))
    assert ask_db(app, "SELECT closed_at FROM bank_accounts WHERE id = :a",
                  a=other.id)[0][0]  # fmt: skip


def test_while_the_bank_still_collects(app, bank, item, account, replay):
    sync(app, item, page([row(account, "old"), row(account, "a")]), bank=bank)
    left(app, item, replay, row(account, "a"), status=INITIAL)


@pytest.mark.parametrize("known", [True, False])
def test_when_a_row_without_an_id_may_be_the_one(
    app, bank, item, account, replay, known
):
    nameless = row(account, "x") | {"transaction_id": None}
    sent = [row(account, "old"), row(account, "a"), *([nameless] if known else [])]
    sync(app, item, page(sent), bank=bank)
    left(app, item, replay, row(account, "a"), nameless)


def test_a_row_that_another_item_wrote(app, bank, item, account, replay):
    """Such as history that was taken over from a former login."""
    sync(app, item, page([row(account, "old"), row(account, "a")]), bank=bank)
    change_db(
        app,
        "UPDATE transactions SET sync_run_id = gen_random_uuid()"
        " WHERE plaid_transaction_id = 'old'",
    )
    left(app, item, replay, row(account, "a"))


def test_a_row_of_which_the_newest_version_is_odd(app, bank, item, account, replay):
    sync(app, item, page([row(account, "a"), row(account, "c")]), bank=bank)
    odd = row(account, "c") | {"amount": None}
    said, code = replay(page([row(account, "a"), odd], cursor="c9"))
    assert (said, code) == (f"2 rows the same, {SAME}.", 0)
    assert live(app, item).keys() == {"a", "c"}


def test_an_id_with_signs_that_copy_escapes(app, bank, item, account, replay):
    sent = [row(account, "a\\b\tc"), row(account, "\\N")]
    sync(app, item, page(sent), bank=bank)
    said, code = replay(page(sent, cursor="c9"))
    assert (said, code) == (f"2 rows the same, {SAME}.", 0)


@pytest.mark.parametrize(("option", "code"), [("", 1), ("--bury-many", 0)])
def test_many_rows_gone_at_once(app, bank, item, account, replay, option, code):
    sent = [row(account, f"m{n:02}") for n in range(40)]
    sync(app, item, page(sent), bank=bank)
    before = everything(app, item)
    said, found = replay(page(sent[:20], cursor="c9"), option=option)
    assert found == code
    if code:
        assert said.startswith(
            "Error: 20 rows are gone at the bank, more than a tenth."
        )
        assert everything(app, item) == before
        assert reload(app, item).cursor == "cursor-1"
        assert runs(app, item)[-1].status == "superseded"
    else:
        assert "20 buried" in said
        assert len(live(app, item)) == 20
    assert reload(app, item).lease_token is None


# Quarantine


def waiting(app, item) -> list:
    return ask_db(
        app,
        "SELECT * FROM quarantined_transactions WHERE plaid_item_id = :i"
        " AND resolved_at IS NULL",
        i=item.id,
    )


def test_odd_rows_are_held_once(app, bank, item, account, replay):
    odd = [
        row(account, "o") | {"amount": None},
        row(account, "x") | {"transaction_id": None},
    ]
    sync(app, item, page([row(account, "a"), *odd]), bank=bank)
    for cursor in ("c8", "c9"):
        replay(page([row(account, "a"), *odd], cursor=cursor))
        held = sorted(str(one.plaid_transaction_id) for one in waiting(app, item))
        assert held == ["None", "o"]


def test_odd_rows_that_the_bank_mended_or_dropped(app, bank, item, account, replay):
    odd = [row(account, id) | {"amount": None} for id in ("mended", "dropped")]
    sync(app, item, page([row(account, "a"), *odd]), bank=bank)
    said, code = replay(page([row(account, "a"), row(account, "mended")], cursor="c9"))
    assert (said, code) == (f"1 rows the same, {SAME}, 1 new.", 0)
    assert waiting(app, item) == []


# When it does not work


def test_a_run_that_fails_leaves_the_cursor(app, bank, item, told, replay):
    before = everything(app, item)
    bank.fault("/transactions/sync", error_code="INTERNAL_SERVER_ERROR")
    said, code = replay()
    assert (said, code) == ("Error: The run failed. Nothing was changed.", 1)
    assert everything(app, item) == before
    assert reload(app, item).cursor == "c2"


def test_a_bank_that_has_nothing_ready(app, bank, item, told, replay):
    before = everything(app, item)
    said, code = replay(page(cursor="", status="NOT_READY"))
    assert (said, code) == (
        "Error: The bank has nothing ready. Nothing was changed.",
        1,
    )
    assert everything(app, item) == before
    assert reload(app, item).cursor == "c2"


SPOILS = {
    "rewritten": "NEW.note := 'spoilt'",
    "lost": "NEW.plaid_transaction_id := 'another'",
    "unfounded": "UPDATE transactions SET amount = 1 WHERE plaid_transaction_id = 'c'",
}
SPOILT = {
    "rewritten": "with other data of the user's",
    "lost": "1 lost",
    "unfounded": "1 changed without the bank's word",
}


@pytest.mark.parametrize("how", SPOILS)
def test_a_proof_that_fails_changes_nothing(
    app, bank, item, account, told, replay, as_owner, how
):
    """A fault in the merge itself, played by a trigger."""
    sync(app, item, page([row(account, "d")], cursor="c3"), bank=bank)
    before = everything(app, item)
    when = "WHEN (NEW.plaid_transaction_id = 'd')"
    as_owner(
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN {SPOILS[how]}; RETURN NEW; END $$",
        "CREATE TRIGGER spoil BEFORE UPDATE ON transactions FOR EACH ROW"
        f" {when} EXECUTE FUNCTION spoil()",
    )
    listed = told if how != "unfounded" else [one for one in told if
                                              one["transaction_id"] != "c"]  # fmt: skip
    try:
        answers(bank, page([*listed, row(account, "d", "5")], cursor="c9"))
        done = app.test_cli_runner().invoke(args=["replay", "--item", item.item_id])
    finally:
        as_owner("DROP TRIGGER spoil ON transactions", "DROP FUNCTION spoil")
    assert done.exit_code == 1
    assert SPOILT[how] in done.output
    assert "Error: Nothing was changed." in done.output
    assert everything(app, item) == before
    assert reload(app, item).cursor == "c3"


@pytest.fixture
def as_owner(app, settings):
    """Statements as the schema's owner, who alone may make a trigger."""
    from sqlalchemy import create_engine, text

    engine = create_engine(settings["DATABASE_OWNER_URL"])

    def run(*statements: str) -> None:
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))

    yield run
    engine.dispose()


def test_never_beside_a_running_sync(app, bank, item, told, replay):
    held = claim(app, item)
    again = Background(replay, page(told, cursor="c9"))
    again.join(0.5)
    assert again.is_alive()
    assert [r.status for r in runs(app, item)] == ["succeeded"] * 2
    change_db(app, "UPDATE plaid_items SET lease_until = now() - interval '1 s'")
    assert again.result() == (f"5 rows the same, {SAME}.", 0)
    assert held.lease_token != reload(app, item).lease_token


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "Missing option '--item'"),
        (["--item", "no-such"], 1, "There is no bank no-such"),
    ],
)
def test_replay_of_nothing(app, arguments, code, words):
    done = app.test_cli_runner().invoke(args=["replay", *arguments])
    assert done.exit_code == code
    assert words in done.output


def test_the_day_of_the_oldest_row_decides_not_the_clock(
    app, bank, item, account, replay
):
    days = [dt.date(2025, 1, 1) + dt.timedelta(days=n) for n in range(3)]
    sent = [row(account, f"d{n}", date=day.isoformat()) for n, day in enumerate(days)]
    sync(app, item, page(sent, status=HISTORICAL), bank=bank)
    said, _ = replay(page([sent[0], sent[2]], cursor="c9"))
    assert "1 buried" in said
    assert live(app, item).keys() == {"d0", "d2"}
