"""gunicorn's settings, each with its reason."""

import multiprocessing
import os

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    """One that leaves serves who has knocked, and shuts its door at once.

    gunicorn's own leaves the door open until it has gone, and then resets who waits.
    """

    def set_accept_enabled(self, enabled):
        if self.alive:
            super().set_accept_enabled(enabled)
        elif self._accepting:
            for listener in self.sockets:
                before = -1
                while self.nr_conns > before:
                    before = self.nr_conns
                    self.accept(listener)
            super().set_accept_enabled(False)
            for listener in self.sockets:
                listener.close()


bind = os.environ.get("BIND", f"127.0.0.1:{os.environ.get('PORT', '8000')}")
# threads share one PlaidClient and one pool of connections per process
worker_class = Worker
workers = int(os.environ.get("WEB_CONCURRENCY", min(multiprocessing.cpu_count(), 4)))
threads = 8
# a page answers in milliseconds; only an exchange with a slow bank takes longer (30 s)
timeout = 60
graceful_timeout = 8  # systemd and `make run` wait 10 s
keepalive = 5
# heartbeat files belong in memory, not on a disk that may stall
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
max_requests = 10_000
max_requests_jitter = 1_000
accesslog = None  # request lines can carry tokens; the app logs what matters
control_socket_disable = True  # nothing else on the machine steers this server


def post_worker_init(worker):
    """Once a start, not once a worker: the way in for the first user of all."""
    if worker.age == 1:
        from webapp.auth.first_user import announce

        announce(worker.wsgi)
