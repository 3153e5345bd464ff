"""`flask ...`: thin doors to the functions behind them."""

import click
from alembic import command
from alembic.config import Config as AlembicConfig
from flask import Flask, current_app
from flask.cli import with_appcontext


def init_app(app: Flask) -> None:
    for door in (init_db,):
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
