"""Webhooks on their way out, and the thread that keeps the bank's time."""

import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from email.utils import parsedate_to_datetime

import urllib3

from . import signing
from .ageing import age
from .bank import Bank
from .errors import PlaidError
from .item import list_items, list_watched, load_item, save_item
from .webhook import tell_progress

_TICK = 0.05
_FIRST_RETRY = 30.0
_RETRY_FACTOR = 4
_GIVE_UP = 24 * 3600.0
_LONGEST_WAIT = 4 * 3600.0
_SENDERS = 8
# Too few webhooks say nothing about a receiver.
_ENOUGH, _HOPELESS = 50, 0.9


def start_background(bank: Bank) -> None:
    """Start the thread; it ends with the process."""
    threading.Thread(
        target=_Background(bank).run, daemon=True, name="background"
    ).start()


class _Background:
    """Sends what is due, tells what time has brought, lets new days begin."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._pool = urllib3.PoolManager(maxsize=_SENDERS)
        self._senders = ThreadPoolExecutor(_SENDERS, thread_name_prefix="webhook")
        self._grown_on: date | None = None

    def run(self) -> None:
        with self._bank.store.writing() as connection:
            # Whatever was being sent when the process died is sent again.
            connection.execute(
                "UPDATE webhooks SET status = 'waiting', due_at = ?"
                " WHERE status = 'sending'",
                (time.time(),),
            )
        parent = os.getppid()
        while True:
            if os.getppid() != parent:
                # gunicorn's master was killed: give its port back at once.
                os._exit(1)
            try:
                self._tick()
            except PlaidError:
                pass  # an item that was removed meanwhile: the next tick knows
            except sqlite3.OperationalError:
                time.sleep(1)
            time.sleep(_TICK)

    def _tick(self) -> None:
        bank = self._bank
        now = bank.clock.now()
        for item in list_watched(bank.store.connection):
            if now >= min(item.initial_at, item.historical_at):
                with bank.editing(item.item_id) as (connection, editable):
                    tell_progress(bank, connection, editable)
        if bank.settings.grow and now.date() != self._grown_on:
            self._grown_on = now.date()
            for item in list_items(bank.store.connection):
                age(bank, item)
        if bank.settings.webhooks:
            self._send_due()

    def _send_due(self) -> None:
        bank = self._bank
        due = bank.store.connection.execute(
            "SELECT * FROM webhooks WHERE due_at <= ? ORDER BY number LIMIT 50",
            (time.time(),),
        ).fetchall()
        for row in due:
            mischief = bank.mischief.take(row["code"]) if not row["attempts"] else None
            kind = mischief.kind if mischief else ""
            status = {"lose": "lost", "hold": "held"}.get(kind, "sending")
            with bank.store.writing() as connection:
                connection.execute(
                    "UPDATE webhooks SET status = ?, due_at = NULL WHERE number = ?",
                    (status, row["number"]),
                )
            if status != "sending":
                continue
            forgery = mischief.forgery if mischief else None
            copies = 2 if kind == "duplicate" else 1
            for _ in range(copies):
                self._senders.submit(self._deliver, row, forgery)

    def _deliver(self, row: sqlite3.Row, forgery: str | None) -> None:
        """One attempt. Anything but 200 in time is tried again, ever more seldom."""
        bank = self._bank
        wait: float | None = None
        try:
            response = self._pool.request(
                "POST",
                row["url"],
                body=row["body"],
                headers={
                    "Content-Type": "application/json",
                    "Plaid-Verification": signing.sign(
                        bank.store, row["body"], forgery
                    ),
                    "User-Agent": "Plaid",
                },
                timeout=urllib3.Timeout(total=bank.settings.webhook_timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            # The status says it all, and a body might never end.
            response.close()
            status = response.status
            if status == 429:
                wait = _retry_after(response.headers.get("Retry-After"))
        except (urllib3.exceptions.HTTPError, ValueError):
            status = 0
        self._note(row, status, wait)

    def _note(self, row: sqlite3.Row, status: int, wait: float | None) -> None:
        bank = self._bank
        speed = bank.settings.webhook_speed
        tried = row["attempts"] + 1
        wait = _FIRST_RETRY * _RETRY_FACTOR ** (tried - 1) if wait is None else wait
        day = _GIVE_UP / speed
        again_at = time.time() + wait / speed
        due_at: float | None = None
        if status == 200:
            word = "delivered"
        elif again_at > row["first_at"] + day or self._is_hopeless(row["url"], day):
            word = "given up"
        else:
            word, due_at = f"retrying after {status or 'no answer'}", again_at
        with bank.store.writing() as connection:
            connection.execute(
                "UPDATE webhooks SET status = ?, due_at = ?, attempts = ?"
                " WHERE number = ?",
                (word, due_at, tried, row["number"]),
            )
            item = load_item(connection, row["item"])
            if status == 200 and item is not None:
                item.last_webhook_at = bank.clock.now()
                item.last_webhook_code = row["code"]
                save_item(connection, item)

    def _is_hopeless(self, url: str, day: float) -> bool:
        """Whether more than nine in ten of a day's webhooks to an address failed."""
        if self._bank.settings.webhook_patience:
            return False
        total, delivered = self._bank.store.connection.execute(
            "SELECT count(*), sum(status = 'delivered') FROM webhooks"
            " WHERE url = ? AND attempts > 0 AND first_at > ?",
            (url, time.time() - day),
        ).fetchone()
        return total >= _ENOUGH and delivered < total * (1 - _HOPELESS)


def _retry_after(text: str | None) -> float | None:
    """Seconds, or the time until a date of HTTP; None for anything else."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return min(max(moment.timestamp() - time.time(), 0), _LONGEST_WAIT)
