"""Many rows in quarantine: a run that brings nothing looks at each of them once."""

import pytest
from sqlalchemy import event

from tests.sync.linked import ask_db, link, page, row, sync
from webapp.extensions import db

pytestmark = pytest.mark.commits

MANY = 1500


def kinds_of(plan: dict) -> set[str]:
    return {plan["Node Type"]}.union(*(kinds_of(p) for p in plan.get("Plans", [])))


def test_news_of_nothing_does_not_compare_each_with_each(app, bank, alice):
    item = link(app, bank, alice)
    sync(app, item)
    ids = [f"s{number}" for number in range(MANY)]
    lost = [row("an account nobody listed", id) for id in ids]
    for cursor in ("c1", "c2"):  # told again: the first ones are settled already
        sync(app, item, page(lost, cursor=cursor), bank=bank)
    plans = []

    def explain(connection, cursor, sql, parameters, context, executemany):
        if "heard (id, seq)" in sql:
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql, parameters)
            plans.append(cursor.fetchone()[0][0]["Plan"])

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        sync(app, item, page(cursor="c3"), bank=bank)
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    still_open = "SELECT 1 FROM quarantined_transactions WHERE resolved_at IS NULL"
    assert len(ask_db(app, still_open)) == MANY
    (plan,) = plans
    assert "Nested Loop" not in kinds_of(plan)
