"""T1: the ledger is the bank's after any history, user data stays (R1-R4, I1-I9)."""

import time

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import create_engine

from tests.chaos.form import BUG, SEED, note, pick
from tests.chaos.history import Books
from tests.chaos.model import Histories
from tests.chaos.model_crash import Crash
from tests.webhooks.signing import KeyServer
from webapp.extensions import db
from webapp.plaid.webhook_keys import WebhookKeys

pytestmark = pytest.mark.commits

SHARDS = pick(2, 2, 8)  # for as many processes; each has its own histories
EXAMPLES = pick(15, 150, 250)
STEPS = pick(30, 50, 50)


@pytest.fixture
def machine(app, bank, settings):
    """The histories, with all they need."""
    keys = app.extensions["webhook_keys"]
    app.extensions["webhook_keys"] = WebhookKeys(KeyServer().get)
    client, engine = app.test_client(), create_engine(settings["DATABASE_URL"])
    with app.app_context():
        crash = Crash(db.engine)

    def told(body, header):
        return client.post(
            "/webhooks/plaid",
            data=body,
            headers={"Plaid-Verification": header},
            content_type="application/json",
        )

    about = {"app": app, "bank": bank, "engine": engine, "crash": crash, "tried": {}}
    about |= {"told": staticmethod(told), "books": Books(bank.port)}
    page = app.extensions["plaid"].page
    yield type("Driven", (Histories,), about)
    app.extensions["plaid"].page = page
    app.extensions["webhook_keys"] = keys
    about["books"].close()
    crash.close()
    engine.dispose()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_the_ledger_is_the_banks_after_any_history(machine, shard):
    began = time.monotonic()
    hunts = BUG is not None
    chosen = settings(
        max_examples=500 if hunts else EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        # a seeded bug need only be found, not be told in the fewest steps
        phases=(Phase.generate,) if hunts else tuple(Phase),
    )
    run_state_machine_as_test(seed(SEED * 1000 + shard)(machine), settings=chosen)
    seconds = time.monotonic() - began
    said = ", ".join(f"{count} {what}" for what, count in machine.tried.items())
    note(f"T1: histories, part {shard + 1}", seconds, "s", about=said)
    note(f"T1: steps, part {shard + 1}", machine.tried["steps"] / seconds, "per s")
