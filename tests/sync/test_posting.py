"""A row that posts looks for its pending one by its key, however many the user has."""

import pytest
from sqlalchemy import create_engine, event

from tests.sync.linked import (
    ask_db,
    change_db,
    edit,
    link,
    live,
    page,
    row,
    sync,
)
from webapp.extensions import db

pytestmark = pytest.mark.commits

MANY = """
    INSERT INTO transactions
        (user_id, id, bank_account_id, plaid_transaction_id, pending_transaction_id,
         date, amount, currency, plaid_amount, name, created_at)
    SELECT user_id, gen_random_uuid(), id, 'old' || n, 'pending' || n, '2026-10-01', -1,
           'USD', 1, 'Shop', now() - interval '1 day'
    FROM generate_series(1, 5000) n,
         (SELECT user_id, id FROM bank_accounts LIMIT 1) AS a
"""


def analyze(app) -> None:
    owner = create_engine(app.config["DATABASE_OWNER_URL"])
    with owner.begin() as connection:
        connection.exec_driver_sql("ANALYZE transactions")
    owner.dispose()


def read_by(plan: object) -> set[str]:
    """How a plan finds rows of transactions: the indexes, or the kind of scan."""
    if isinstance(plan, list):
        return set().union(*(read_by(part) for part in plan))
    assert isinstance(plan, dict)
    found = read_by(plan.get("Plans", []))
    if plan.get("Relation Name") == "transactions" and "Scan" in plan["Node Type"]:
        found.add(plan.get("Index Name", plan["Node Type"]))
    return found


@pytest.mark.parametrize("others", [0, 30])
def test_a_posted_row_costs_no_look_at_all_the_others(app, bank, alice, others):
    """As values, and (with others beside it) as a table."""
    item = link(app, bank, alice)
    sync(app, item)
    account = ask_db(app, "SELECT plaid_account_id FROM bank_accounts")[0][0]
    change_db(app, MANY)
    analyze(app)
    sync(app, item, page([row(account, "p", pending=True)], cursor="c1"), bank=bank)
    edit(app, item, "p", note="mine")
    plans = []

    def explain(connection, cursor, sql, parameters, context, executemany):
        if "carried AS" in sql and not sql.startswith("EXPLAIN"):
            cursor.execute("EXPLAIN (FORMAT JSON) " + sql, parameters)
            plans.append(cursor.fetchone()[0])

    posted = row(account, "a", pending_transaction_id="p")
    more = [row(account, f"more{n}") for n in range(others)]
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    try:
        sync(app, item, page([posted, *more], removed=["p"], cursor="c2"), bank=bank)
    finally:
        event.remove(engine, "before_cursor_execute", explain)
    assert live(app, item)["a"].note == "mine"
    how = read_by([plan[0]["Plan"] for plan in plans])
    assert how == {"uq_transactions_user_id_plaid_transaction_id"}
