"""`make run`: bring everything up in order, watch it, and take it down in order."""

import fcntl
import http.client
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from webapp import embedded
from webapp.demo import database
from webapp.demo.children import Children, Died, Stopped, fresh_log
from webapp.demo.settings import Refusal, Settings, check_ports, read
from webapp.demo.user import DEMO_EMAIL, DEMO_PASSWORD

VAR = Path("var")
READY = 200
AFTER_KILL_SECONDS = 8
FLASK = ["flask", "--app", "wsgi"]


def main() -> int:
    try:
        settings = read(os.environ, Path(".env"))
        with only_run(settings) as was_killed:
            check_ports(settings, AFTER_KILL_SECONDS if was_killed else 0)
            return run(settings)
    except (Refusal, embedded.EmbeddedError) as error:
        say(str(error))
    except PermissionError as error:
        say(f"No permission for {error.filename}: another user ran this here before")
    return 1


@contextmanager
def only_run(settings: Settings) -> Iterator[bool]:
    """Hold this folder for one run; tells whether the last one was killed."""
    VAR.mkdir(mode=0o711, exist_ok=True)
    with open(VAR / "run.lock", "a+") as lock:
        lock.seek(0)
        holder = lock.read()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refusal(
                f"SmartBudget already runs in this folder: {holder}"
            ) from None
        lock.truncate(0)
        lock.write(f"{settings.address}, process {os.getpid()}")
        lock.flush()
        try:
            yield bool(holder)
        finally:
            lock.truncate(0)


def run(settings: Settings) -> int:
    children = Children()
    children.listen()
    cluster = None
    began = time.monotonic()
    try:
        if "DATABASE_URL" not in settings.given:
            cluster = start_database()
        bring_up(children, settings, cluster)
        say(block(settings, cluster, time.monotonic() - began))
        children.watch(cluster.is_running if cluster else lambda: True, "PostgreSQL")
    except Stopped:
        return 0
    except Died as error:
        say(str(error))
    finally:
        take_down(children, cluster)
    return 1


def take_down(children: Children, cluster: embedded.Cluster | None) -> None:
    say("Stopping ...")
    children.stop({"setup", "seed"}, 2)
    children.stop({"web", "worker"}, 6)
    children.stop({"bank"}, 2)
    if cluster:
        cluster.stop()
    say("Stopped; the data is kept.")


def start_database() -> embedded.Cluster:
    say("PostgreSQL ...")
    cluster = embedded.start(VAR / "postgres", log=fresh_log("postgres").absolute())
    if cluster.moved:
        say(
            f"  {cluster.place.account.name}, who runs it for root, cannot reach this"
            f" folder: its programs and data are in {cluster.place.folder}"
        )
    return cluster


def bring_up(
    children: Children, settings: Settings, cluster: embedded.Cluster | None
) -> None:
    environment = database.environment(settings, cluster)
    if settings.is_demo:
        database.note_for_flask(environment, VAR / "demo.env", cluster is not None)
        where = ["--port", str(settings.sandbox_port), "--data", str(VAR / "bank")]
        children.start("bank", ["webapp.sandbox", *where], environment)
    is_prepared = database.is_prepared(cluster, settings)
    if not is_prepared:
        migrate(children, environment)
    say("Bank, web server and worker ..." if settings.is_demo else "Web server ...")
    bind = ["--bind", f"127.0.0.1:{settings.port}"]
    gunicorn = ["gunicorn", "-c", "gunicorn.conf.py", *bind, "wsgi:app"]
    children.start("web", gunicorn, environment)
    children.start("worker", [*FLASK, "worker"], environment)
    wait_until_ready(children, settings, environment)
    if settings.is_demo and not is_prepared:
        say("Demo user with two banks ...")
        seed = children.start("seed", [*FLASK, "seed-demo"], environment, shown=True)
        children.finish(seed)
    database.mark_prepared(cluster, settings)


def migrate(children: Children, environment: Mapping[str, str]) -> None:
    say("Database schema ...")
    children.finish(children.start("setup", [*FLASK, "init-db"], environment))


def wait_until_ready(
    children: Children, settings: Settings, environment: Mapping[str, str]
) -> None:
    if settings.is_demo:
        children.wait_until(lambda: bool(answers(settings.sandbox_port, "/")), "bank")
    children.wait_until(lambda: bool(answers(settings.port, "/readyz")), "web")
    if answers(settings.port, "/readyz") != READY:
        # Somebody changed the schema by hand, or restored an old one.
        migrate(children, environment)
    children.wait_until(lambda: answers(settings.port, "/readyz") == READY, "web")


def answers(port: int, path: str) -> int:
    """The status of what answers there, 0 when nothing does."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def block(settings: Settings, cluster: embedded.Cluster | None, seconds: float) -> str:
    lines = [f"SmartBudget is up after {seconds:.1f} s:  {settings.address}", ""]
    if settings.is_demo:
        lines += [
            f"  Log in as    {DEMO_EMAIL}  with the password  {DEMO_PASSWORD}",
            "  Real banks   write APP_MODE=live and PLAID_CLIENT_ID, PLAID_SECRET,",
            "               PLAID_ENV=sandbox|production into .env: see .env.example",
        ]
    else:
        lines += ["  First user   a one-time token is in var/log/web.log"]
    if cluster:
        lines += [f"  Database     {cluster.psql_command(settings.database)}"]
    lines += ["  Logs         var/log/*.log", "", "Ctrl-C stops everything."]
    return "\n".join(["", *lines])


def say(text: str) -> None:
    try:
        print(text, flush=True)
    except OSError:  # the terminal has gone, and what is unsaid with it
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
