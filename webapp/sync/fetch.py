"""All pages of one run, from the first cursor to the last, as COPY text in a spool.

Nothing is written to the database here. The next page is fetched while the one before
is turned into rows. Memory is bounded: past 8 MiB the spool is an unlinked file.
"""

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar

from webapp.plaid import decode
from webapp.plaid.client import PlaidClient
from webapp.plaid.decode import SyncPage, Transaction
from webapp.plaid.errors import Kind, PlaidError
from webapp.sync.rows import line

IN_MEMORY = 8 * 1024 * 1024
ROUNDS = 3  # how often the bank may change the pages under us
MOST_PAGES = 10_000  # five million rows: an answer that never ends is no answer
NEWS_EVERY = 0.5  # seconds between two words to whoever waits for a page

T = TypeVar("T")
OnNews = Callable[["Fetched"], None]


@dataclass
class Fetched:
    """What a run brought: rows in the spool, and what to remember of the bank's words.

    `removed` maps a transaction id to its place in the order of events.
    """

    spool: IO[bytes] = field(repr=False)
    cursor: str = ""
    status: str = ""
    request_id: str = ""
    pages: int = 0
    rows: int = 0
    added: int = 0
    modified: int = 0
    income_count: int = 0
    expense_count: int = 0
    removed: dict[str, int] = field(default_factory=dict, repr=False)
    seconds: float = 0.0

    @property
    def is_ready(self) -> bool:
        """False while the bank still collects: an empty cursor is never progress."""
        return self.cursor != ""

    def close(self) -> None:
        self.spool.close()


def fetch(
    client: PlaidClient, access_token: str, cursor: str | None, on_news: OnNews
) -> Fetched:
    """Every page after `cursor`. The caller closes what it gets.

    `on_news` hears of every page, and twice a second while a page is waited for; what
    it raises ends the run at once.
    A mutation starts over from `cursor`, at most three rounds. Raises PlaidError.
    """
    began = time.perf_counter()
    for round_ in range(1, ROUNDS + 1):
        fetched = Fetched(SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115
        try:
            _collect(client, access_token, cursor, fetched, on_news)
        except PlaidError as error:
            fetched.close()
            if error.kind is not Kind.RESTART or round_ == ROUNDS:
                raise
        except BaseException:
            fetched.close()
            raise
        else:
            fetched.seconds = time.perf_counter() - began
            return fetched
    raise AssertionError("the last round returns or raises")


def _collect(
    client: PlaidClient,
    access_token: str,
    cursor: str | None,
    into: Fetched,
    on_news: OnNews,
) -> None:
    def meanwhile() -> None:
        on_news(into)

    for page in _pages(client, access_token, cursor, meanwhile):
        _spool(page, into)
        on_news(into)
    into.spool.seek(0)


def _pages(
    client: PlaidClient,
    access_token: str,
    cursor: str | None,
    meanwhile: Callable[[], None],
) -> Generator[SyncPage, None, None]:
    """The pages in order; the next is on its way while one is being used."""
    coming = begin(client.transactions_sync, access_token, cursor)
    for _ in range(MOST_PAGES):
        page = decode.decode(result(coming, meanwhile), SyncPage)
        if not page.has_more:
            yield page
            return
        coming = begin(client.transactions_sync, access_token, page.next_cursor)
        yield page
    raise PlaidError("UNREADABLE", f"more than {MOST_PAGES} pages")


def begin(call: Callable[..., T], *given: Any) -> Future[T]:
    """The call on a thread of its own.

    An executor's thread would keep the process alive until a slow bank has answered;
    this one may be left behind.
    """
    coming: Future[T] = Future()

    def work() -> None:
        try:
            coming.set_result(call(*given))
        except BaseException as error:
            coming.set_exception(error)  # raised again where the result is taken

    threading.Thread(target=work, name="fetch", daemon=True).start()
    return coming


def result(coming: Future[T], meanwhile: Callable[[], None]) -> T:
    """What the call gives, once it does; `meanwhile` may raise to leave it behind."""
    while not wait([coming], NEWS_EVERY).done:
        meanwhile()
    return coming.result()


def _spool(page: SyncPage, into: Fetched) -> None:
    into.pages += 1
    into.added += len(page.added)
    into.modified += len(page.modified)
    _write(page.added, into)
    _write(page.modified, into)
    for gone in page.removed:
        into.rows += 1
        into.removed[gone.transaction_id] = into.rows
    into.cursor = page.next_cursor
    into.status = page.transactions_update_status
    into.request_id = page.request_id


def _write(transactions: list[Transaction], into: Fetched) -> None:
    lines = []
    for transaction in transactions:
        into.rows += 1
        text, is_income = line(transaction, into.rows)
        lines.append(text)
        if is_income:
            into.income_count += 1
        else:
            into.expense_count += 1
    into.spool.write("".join(lines).encode())
