"""`flask worker` that is short of breath, for storms that cannot wait for minutes.

python -m tests.chaos.worker THREADS '{"lease": 3, ...}': see procs.SHORT_TIMES.
"""

import datetime as dt
import json
import sys

from webapp.plaid.client import PlaidClient
from webapp.plaid.transport import Deadlines
from webapp.sync import fetch, schedule
from webapp.worker import Worker
from wsgi import app

threads, times = int(sys.argv[1]), json.loads(sys.argv[2])
schedule.LEASE = dt.timedelta(seconds=times["lease"])
schedule.SHORTEST_BACKOFF = times["backoff"]
schedule.LONGEST_BACKOFF = times["longest_backoff"]
fetch.MOST_PAGES = times["most_pages"]
app.extensions["plaid"] = PlaidClient(
    app.config["PLAID_HOST"],
    app.config["PLAID_CLIENT_ID"],
    app.config["PLAID_SECRET"],
    Deadlines(*times["deadlines"]),
)
Worker(app, threads).run()
