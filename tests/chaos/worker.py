"""`flask worker` that is short of breath, for storms that cannot wait for minutes.

python -m tests.chaos.worker THREADS '{"backoff": 0.5, ...}': see procs.SHORT_TIMES.
SIGUSR1 writes what every thread is at to the log.
"""

import datetime as dt
import faulthandler
import json
import signal
import sys

from webapp.jobs import lease

threads, times = int(sys.argv[1]), json.loads(sys.argv[2])
# before anybody takes it over by name
lease.LEASE = dt.timedelta(seconds=times["lease"])
lease.SHORTEST_BACKOFF = times["backoff"]
lease.LONGEST_BACKOFF = times["longest_backoff"]

from webapp.plaid.client import PlaidClient  # noqa: E402
from webapp.plaid.transport import Deadlines  # noqa: E402
from webapp.sync import breaker, fetch  # noqa: E402
from webapp.worker import Worker  # noqa: E402
from wsgi import app  # noqa: E402

app.config["LEASE_SECONDS"] = times["lease"]
breaker.PROBE_PAUSE = dt.timedelta(seconds=times["probe_pause"])
breaker.SPREAD = dt.timedelta(seconds=times["spread"])
fetch.MOST_PAGES = times["most_pages"]
app.extensions["plaid"] = PlaidClient(
    app.config["PLAID_HOST"],
    app.config["PLAID_CLIENT_ID"],
    app.config["PLAID_SECRET"],
    Deadlines(*times["deadlines"]),
)
faulthandler.register(signal.SIGUSR1)
Worker(app, threads).run()
