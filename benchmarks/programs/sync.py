"""One sync of the bank that is linked, or of the given one: from claim to commit.

A second bank, where one is given, is synced before: a worker has long been at work.
"""

import json
import logging
import sys
import time

from sqlalchemy import select

from benchmarks.programs.link import Linked, the_only_one
from benchmarks.programs.memory import peak_mib
from config import load
from webapp.app import create_app
from webapp.models import SyncRun
from webapp.sync import schedule
from webapp.sync.run import Tools, sync_item
from webapp.worker import tools_of


def main(item_id: str | None = None, earlier: str | None = None) -> None:
    app = create_app(load())
    logging.getLogger("webapp").setLevel(logging.WARNING)
    with app.app_context():
        tools = tools_of(app)
        linked = the_only_one(tools, item_id)
        tools.plaid.item_get(linked.access_token)  # a worker has long been connected
        if earlier:
            once(tools, the_only_one(tools, earlier))
        before = peak_mib()
        began_at, began, cpu = time.time(), time.perf_counter(), time.process_time()
        once(tools, linked)
        figures = {
            "seconds": time.perf_counter() - began,
            "cpu": time.process_time() - cpu,
            "began_at": began_at,
            "peak_mib": peak_mib(),
            "before_mib": before,
        }
        newest = select(SyncRun).order_by(SyncRun.started_at.desc()).limit(1)
        run = tools.session.scalars(newest).one()
        figures |= {
            "fetch": run.fetch_ms / 1000,
            "write": run.write_ms / 1000,
            "added": run.added,
            "pages": run.pages,
        }
    print(json.dumps(figures))


def once(tools: Tools, linked: Linked) -> None:
    held = schedule.claim_one(tools.session, linked.user_id, linked.id)
    tools.session.commit()
    if held is None or sync_item(tools, held) != "succeeded":
        raise RuntimeError("the sync failed")


main(*sys.argv[1:])
