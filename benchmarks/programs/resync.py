"""N syncs of the bank that is linked, with nothing new: when each began, how long.

A statement that says so stands between them, for whoever reads PostgreSQL's log.
"""

import json
import logging
import sys
import time

from sqlalchemy import text

from benchmarks.programs.link import the_only_one
from config import load
from webapp.app import create_app
from webapp.sync import schedule
from webapp.sync.run import sync_item
from webapp.worker import tools_of

MARK = "SELECT 'between two syncs'"


def main(times: int) -> None:
    app = create_app(load())
    logging.getLogger("webapp").setLevel(logging.WARNING)
    runs = []
    with app.app_context():
        tools = tools_of(app)
        linked = the_only_one(tools)
        tools.plaid.item_get(linked.access_token)  # a worker has long been connected
        for _ in range(times):
            tools.session.execute(text(MARK))
            tools.session.commit()
            began_at, began = time.time(), time.perf_counter()
            held = schedule.claim_one(tools.session, linked.user_id, linked.id)
            tools.session.commit()
            if held is None or sync_item(tools, held) != "succeeded":
                raise RuntimeError("the sync failed")
            seconds = time.perf_counter() - began
            runs.append({"began_at": began_at, "seconds": seconds})
        tools.session.execute(text(MARK))
        tools.session.commit()
    print(json.dumps({"item_id": linked.item_id, "runs": runs}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
