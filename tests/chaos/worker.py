"""`flask worker` that is short of breath, for storms that cannot wait for minutes.

python -m tests.chaos.worker THREADS '{"lease": 3, ...}': see procs.SHORT_TIMES.
"""

import json
import sys

from webapp.jobs import lease
from webapp.plaid.client import PlaidClient
from webapp.plaid.transport import Deadlines
from webapp.sync import fetch
from webapp.worker import Worker
from wsgi import app

threads, times = int(sys.argv[1]), json.loads(sys.argv[2])
app.config["LEASE_SECONDS"] = times["lease"]
lease.SHORTEST_BACKOFF = times["backoff"]
lease.LONGEST_BACKOFF = times["longest_backoff"]
fetch.MOST_PAGES = times["most_pages"]
app.extensions["plaid"] = PlaidClient(
    app.config["PLAID_HOST"],
    app.config["PLAID_CLIENT_ID"],
    app.config["PLAID_SECRET"],
    Deadlines(*times["deadlines"]),
)
Worker(app, threads).run()
