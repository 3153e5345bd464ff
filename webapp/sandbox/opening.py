"""Opening an item: a login becomes accounts and a history; and how both grow."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

from . import log
from .account import HeldAccount, add_account, list_accounts, save_account
from .bank import Bank
from .errors import PlaidError
from .ids import opaque_id, stable_id
from .item import Item, save_item
from .log import Entry
from .pending import post_due
from .webhook import Changes
from .worlds import World, open_world

INITIAL_DAYS = 30
_SETTLING_DAYS = 7
_BATCH = 10_000


def open_item(
    bank: Bank,
    *,
    institution_id: str,
    username: str,
    password: str,
    products: list[str],
    webhook: str = "",
    days_requested: int | None = None,
    chosen: list[int] | None = None,
) -> Item:
    """A new item with its accounts and history; `chosen` are the shared accounts.

    Rows come in batches, so that 100,000 of them neither fill the write-ahead log nor
    keep others from writing; the item gets a token only after the last.
    """
    now = bank.clock.now()
    today = now.date()
    world = open_world(username, password, today, days_requested or 90)
    if world.force_error is not None:
        raise PlaidError(world.force_error)
    item = Item(
        item_id=opaque_id(),
        institution_id=institution_id,
        username=username,
        password=password,
        products=products,
        webhook=webhook,
        days_requested=days_requested or world.days_default,
        created_at=now,
        grown_on=today.isoformat(),
        initial_at=now + timedelta(seconds=bank.settings.initial_delay),
        historical_at=now + timedelta(seconds=bank.settings.historical_delay),
    )
    with bank.store.writing() as connection:
        save_item(connection, item)
        for index, account in enumerate(world.accounts):
            account.shared = chosen is None or index in chosen
            if item.institution.persistent_ids and account.type == "depository":
                who = f"{institution_id} {username} {account.mask} {account.name}"
                account.persistent_account_id = stable_id(who)
            add_account(connection, item, opaque_id(), account)
    if item.has_transactions:
        fill(bank, item, world)
    return item


def fill(bank: Bank, item: Item, world: World) -> None:
    """The history of a new item: first its last month, then what came before.

    An update of the first month can so be told apart from the rest of the log.
    """
    held = list_accounts(bank.store.connection, item, everything=True)
    today = item.created_at.date()
    split = today - timedelta(days=INITIAL_DAYS)
    first = today - timedelta(days=item.days_requested - 1)
    month = history(world, held, split + timedelta(days=1), today, first, today)
    _append(bank, item, month)
    with bank.store.writing() as connection:
        item.initial_seq = log.next_seq(connection) - 1
        save_item(connection, item)
    earlier = first - timedelta(days=_SETTLING_DAYS)
    _append(bank, item, history(world, held, earlier, split, first, today))


def initialise(bank: Bank, item: Item, days_requested: int | None) -> None:
    """Give transactions to an item that was linked without them."""
    now = bank.clock.now()
    item.products = [*item.products, "transactions"]
    item.days_requested = days_requested or item.days_requested
    item.initial_at = now + timedelta(seconds=bank.settings.initial_delay)
    item.historical_at = now + timedelta(seconds=bank.settings.historical_delay)
    day = item.created_at.date()
    fill(bank, item, open_world(item.username, item.password, day, item.days_requested))
    # What happened since it was linked follows in one go.
    item.grown_on = day.isoformat()


def _append(bank: Bank, item: Item, entries: Iterator[Entry]) -> None:
    while batch := list(islice(entries, _BATCH)):
        with bank.store.writing() as connection:
            log.append(connection, item, batch)


def history(
    world: World,
    held: list[HeldAccount],
    first: date,
    last: date,
    earliest: date,
    today: date,
) -> Iterator[Entry]:
    """What began from first to last, unless it posted before `earliest`."""
    for event in world.events(first, last):
        account = held[event.account]
        if event.posts_on >= earliest:
            yield Entry(account, event, event.posts_on > today)


def world_of(item: Item) -> World:
    """The world behind an item, as it was seen on the day of linking."""
    day = item.created_at.date()
    return open_world(item.username, item.password, day, item.days_requested)


def grow(
    bank: Bank, connection: sqlite3.Connection, item: Item, today: date
) -> Changes:
    """Let the days since the last visit happen."""
    since = date.fromisoformat(item.grown_on)
    if today <= since:
        return Changes()
    if not item.has_transactions:
        return Changes()
    held = list_accounts(connection, item, everything=True)
    gone = post_due(connection, item, held, today)
    entries: list[Entry] = []
    world = world_of(item)
    if world.grows:
        tomorrow = since + timedelta(days=1)
        entries = list(history(world, held, tomorrow, today, since, today))
        log.append(connection, item, entries)
        book(connection, entries)
    item.grown_on = today.isoformat()
    item.last_success_at = bank.clock.now()
    return Changes(added=len(entries) + len(gone), removed=tuple(gone))


def book(connection: sqlite3.Connection, entries: Iterable[Entry]) -> None:
    """Move the balances by what happened."""
    for entry in entries:
        event, account = entry.event, entry.account.account
        amount = event.amount
        if not entry.pending and event.posted_amount is not None:
            amount = event.posted_amount
        account.move(Decimal(0) if entry.pending else amount, amount)
        save_account(connection, entry.account)
