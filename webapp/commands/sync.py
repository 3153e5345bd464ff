"""`flask sync` and `flask replay`: one bank or many, now, in the foreground."""

import sys
import time
import uuid
from dataclasses import replace

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from sqlalchemy import Text, cast, or_, select

from webapp.auth import accounts as people
from webapp.extensions import db
from webapp.models import PlaidItem
from webapp.models.plaid_item import UNLINKED
from webapp.sync import schedule
from webapp.sync.replay import Replay
from webapp.sync.run import sync_item
from webapp.sync.schedule import Claim
from webapp.worker import lease_of, tools_of, work_on

Key = tuple[uuid.UUID, uuid.UUID]  # of the user, of the item
WAIT_FOR_OTHERS = 120.0  # seconds; a lease and its run are over by then


def this_app() -> Flask:
    """The app itself: its proxy knows only this thread."""
    return current_app._get_current_object()  # type: ignore[attr-defined]


@click.command("sync")
@click.option("--user", "email", help="All banks of the user with this address.")
@click.option("--item", help="One bank, by its id here or Plaid's item_id.")
@click.option("--all", "everything", is_flag=True, help="All banks of everybody.")
@with_appcontext
def sync(email: str | None, item: str | None, everything: bool) -> None:
    """Sync now, in the foreground, whatever the schedule says."""
    if [email is not None, item is not None, everything].count(True) != 1:
        raise click.UsageError("Give one of --user, --item and --all.")
    keys = _chosen(email, item)
    failed = 0
    with click.progressbar(
        keys, label="Syncing", item_show_func=_show, file=sys.stderr
    ) as bar:
        for key in bar:
            held = _claimed(key)
            failed += held is None or work_on(this_app(), held) != "succeeded"
    click.echo(f"{len(keys) - failed} of {len(keys)} banks synced.")
    if failed:
        sys.exit(1)


@click.command("replay")
@click.option("--item", required=True, help="Its id here, or Plaid's item_id.")
@click.option(
    "--bury-many", is_flag=True, help="Also if a tenth of its rows is gone at the bank."
)
@with_appcontext
def replay(item: str, bury_many: bool) -> None:
    """Read a bank's whole history again and prove that the rows are the same."""
    (key,) = _chosen(None, item)
    held = _claimed(key)
    if held is None:
        raise click.ClickException("A worker still reads this bank.")
    again = Replay(buries_many=bury_many)
    tools = tools_of(this_app())
    status = sync_item(tools, replace(held, cursor=None), write=again.write)
    if again.gone:
        raise click.ClickException(
            f"{again.gone:,} rows are gone at the bank, more than a tenth. Nothing was"
            " changed; --bury-many does it all the same."
        )
    if again.proof is None:
        raise click.ClickException(
            "The bank has nothing ready. Nothing was changed."
            if status == "succeeded"
            else f"The run {status}. Nothing was changed."
        )
    click.echo(f"{again.proof}.")
    if status != "succeeded":
        raise click.ClickException("Nothing was changed.")


def _chosen(email: str | None, item: str | None) -> list[Key]:
    wanted = select(PlaidItem.user_id, PlaidItem.id).where(
        PlaidItem.state.not_in(UNLINKED)
    )
    if email is not None:
        user = people.find(email)
        if user is None:
            raise click.ClickException(f"Nobody registered as {email}.")
        wanted = wanted.where(PlaidItem.user_id == user.id)
    if item is not None:
        by_id = cast(PlaidItem.id, Text) == item
        wanted = wanted.where(or_(by_id, PlaidItem.item_id == item))
    keys = [(row.user_id, row.id) for row in db.session.execute(wanted)]
    db.session.commit()
    if item is not None and not keys:
        raise click.ClickException(f"There is no bank {item}.")
    return keys


def _show(key: Key | None) -> str | None:
    return None if key is None else str(key[1])


def _claimed(key: Key) -> Claim | None:
    """The item; where a worker holds it, once that gives it back. None: it does not."""
    ends = time.monotonic() + WAIT_FOR_OTHERS
    while time.monotonic() < ends:
        held = schedule.claim_one(db.session(), *key, lease_of(this_app()))
        db.session.commit()
        if held is not None:
            return held
        time.sleep(0.2)
    return None
