"""Webhooks on their way out, and the thread that keeps the bank's time."""

import threading

from .bank import Bank


def start_background(bank: Bank) -> None:
    """Start the thread; it ends with the process."""
    threading.Thread(target=_run, args=(bank,), daemon=True, name="outbox").start()


def _run(bank: Bank) -> None:
    return
