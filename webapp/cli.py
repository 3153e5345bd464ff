"""`flask ...`: thin doors to the functions behind them."""

import uuid

import click
from alembic import command
from alembic.config import Config as AlembicConfig
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp import seed
from webapp.auth import accounts as people
from webapp.commands.sync import replay, sync, this_app
from webapp.demo.user import DEMO_EMAIL, DEMO_PASSWORD
from webapp.extensions import db
from webapp.jobs import queue
from webapp.models import User
from webapp.plaid.errors import PlaidError
from webapp.sync import breaker, inbox
from webapp.sync.quarantine import held_rows
from webapp.webhooks.queries import find_event, list_events
from webapp.worker import Worker, tools_of


def init_app(app: Flask) -> None:
    doors = (
        breakers, init_db, jobs, make_admin, quarantine, replay, seed_demo, sync,
        webhooks, worker,
    )  # fmt: skip
    for door in doors:
        app.cli.add_command(door)


@click.command("init-db")
@with_appcontext
def init_db() -> None:
    """Create the schema or bring it to the newest version. Safe to repeat."""
    settings = AlembicConfig()
    directory = current_app.extensions["migrate"].directory
    settings.set_main_option("script_location", directory.replace("%", "%%"))
    command.upgrade(settings, "head")
    click.echo("The schema is at head.")


@click.command("make-admin")
@click.argument("email")
@with_appcontext
def make_admin(email: str) -> None:
    """Make the user with this address an admin."""
    try:
        user = people.make_admin(email)
    except people.UnknownAddress:
        raise click.ClickException(f"Nobody registered as {email}.") from None
    db.session.commit()
    click.echo(f"{user.email} is an admin.")


@click.command("seed-demo")
@with_appcontext
def seed_demo() -> None:
    """Make the demo user with two simulated banks. Safe to repeat."""
    if current_app.config["APP_MODE"] != "demo":
        raise click.ClickException("There is no demo in live mode.")

    def make_user() -> User:
        return people.register(
            email=DEMO_EMAIL,
            password=DEMO_PASSWORD,
            first_name="Demo",
            is_admin=True,
        )

    try:
        seed.seed(tools_of(this_app()), make_user, click.echo)
    except PlaidError as error:
        raise click.ClickException(str(error)) from None


@click.command("quarantine")
@with_appcontext
def quarantine() -> None:
    """List the rows of banks that could not be stored, oldest first."""
    held = held_rows()
    for row in held:
        id = row.plaid_transaction_id or "(no id)"
        when = f"{row.created_at:%Y-%m-%d %H:%M}"
        click.echo(f"{when}  {row.plaid_item_id}  {id}  {row.code}: {row.reason}")
    click.echo(f"{len(held)} rows in quarantine.")


@click.group("webhooks")
def webhooks() -> None:
    """What Plaid has told."""


@webhooks.command("list")
@click.option("--item", type=click.UUID, help="Of one bank, by its id here.")
@click.option("--unprocessed", is_flag=True, help="Only those no sync has settled.")
@with_appcontext
def list_webhooks(item: uuid.UUID | None, unprocessed: bool) -> None:
    """The newest webhooks, the last one at the end."""
    for event in list_events(db.session(), item, unprocessed=unprocessed):
        said = [f"{event.webhook_type}:{event.webhook_code}", event.error_code]
        facts = [*said, event.reason, "replay" if event.is_replay else None]
        done = "processed" if event.processed_at else "unprocessed"
        at = event.received_at.isoformat(timespec="seconds")
        text = " ".join(fact for fact in facts if fact)
        click.echo(f"{event.id} {at} {event.plaid_item_id} {done} {text}")


@webhooks.command("replay")
@click.argument("id", type=click.UUID)
@with_appcontext
def replay_webhook(id: uuid.UUID) -> None:
    """Take a webhook as if it came now."""
    event = find_event(db.session(), id)
    if event is None:
        raise click.ClickException(f"There is no webhook {id}.")
    if not inbox.replay(db.session(), event):
        raise click.ClickException("Its bank is being removed.")
    db.session.commit()
    click.echo("A sync of its bank is asked for.")


@click.group("jobs")
def jobs() -> None:
    """Work that waits: mail, banks to be removed at Plaid."""


@jobs.command("list")
@with_appcontext
def list_jobs() -> None:
    """All that is not done yet, the oldest first."""
    for job in queue.list_jobs(db.session()):
        at = job.run_at.isoformat(timespec="seconds")
        state = "given up" if job.dead_at else f"due {at}"
        tries = f"{job.attempts} tries" if job.attempts else None
        facts = (str(job.id), job.kind, job.key, state, tries, job.last_error)
        click.echo("  ".join(fact for fact in facts if fact))


@jobs.command("retry")
@click.argument("id", type=click.UUID)
@with_appcontext
def retry_job(id: uuid.UUID) -> None:
    """Do it now, also if it was given up."""
    if not queue.retry(db.session(), id):
        raise click.ClickException(f"There is no job {id}, or another one does it.")
    db.session.commit()
    click.echo("A worker does it now.")


@click.group("breakers")
def breakers() -> None:
    """What fails for everybody: Plaid itself ("plaid"), or one bank behind it."""


@breakers.command("list")
@with_appcontext
def list_breakers() -> None:
    """Failures in a row, and whether they stop all runs but one every half a minute."""
    for row in breaker.list_breakers(db.session()):
        since = row.failing_since.isoformat(timespec="seconds")
        state = "open" if row.opened_at else "closed"
        click.echo(
            f"{row.name} {state} failures={row.failures} since={since}"
            f" {row.error_code} request={row.request_id}"
        )


@breakers.command("reset")
@click.argument("name")
@with_appcontext
def reset_breaker(name: str) -> None:
    """Close one, after its cause was mended."""
    if not breaker.clear(db.session(), [name]):
        raise click.ClickException(f"Nothing fails at {name}.")
    db.session.commit()
    click.echo(f"The breaker of {name} is closed.")


@click.command("worker")
@click.option("--threads", default=4, show_default=True, type=click.IntRange(1, 64))
@with_appcontext
def worker(threads: int) -> None:
    """Sync what is due until SIGTERM."""
    Worker(this_app(), threads).run()
