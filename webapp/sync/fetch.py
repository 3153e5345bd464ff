"""All pages of one run, from the first cursor to the last, as COPY text in a spool.

Nothing is written to the database here. The next page is fetched while the one before
is turned into rows. Memory is bounded: past 8 MiB the spool is an unlinked file.
"""

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from io import BytesIO
from queue import SimpleQueue
from tempfile import SpooledTemporaryFile
from typing import IO, Any, TypeVar

import msgspec

from webapp.plaid.client import ON_SENT, PlaidClient
from webapp.plaid.decode import NOTHING, Transaction
from webapp.plaid.errors import Kind, PlaidError
from webapp.plaid.odd import OddRow, Page, Partial, Row, odd_row, read_head, read_page
from webapp.sync.parts import OddPart
from webapp.sync.rows import Unstorable, line

IN_MEMORY = 8 * 1024 * 1024
ROUNDS = 3  # how often the bank may change the pages under us
MOST_PAGES = 10_000  # five million rows: an answer that never ends is no answer
HEAD_START = 0.02  # seconds for a request to leave: a kept connection needs one ms
NEWS_EVERY = 0.5  # seconds between two words to whoever waits for a page

_encode = msgspec.json.Encoder().encode
T = TypeVar("T")
# Where threads that have nothing to do wait for a call; a forked process has none.
_idle: list["SimpleQueue[Callable[[], None]]"] = []
os.register_at_fork(after_in_child=_idle.clear)
OnNews = Callable[["Fetched"], None]


@dataclass
class Fetched:
    """What a run brought: rows in the spool, and what to remember of the bank's words.

    `removed` maps a transaction id to its place in the order of events. `odd` has an
    OddRow as JSON in each line: the rows that cannot be stored, and as the bank sent
    them those of which only a part cannot.
    """

    spool: IO[bytes] = field(repr=False)
    odd: IO[bytes] = field(default_factory=BytesIO, repr=False)
    cursor: str = ""
    status: str = ""
    request_id: str = ""
    pages: int = 0
    rows: int = 0
    added: int = 0
    modified: int = 0
    income_count: int = 0
    expense_count: int = 0
    odd_count: int = 0
    partial_count: int = 0
    removed: dict[str, int] = field(default_factory=dict, repr=False)
    seconds: float = 0.0

    @property
    def is_ready(self) -> bool:
        """False while the bank still collects: an empty cursor is never progress."""
        return self.cursor != ""

    @property
    def lines(self) -> int:
        """How many rows are in the spool."""
        return self.income_count + self.expense_count

    def close(self) -> None:
        self.spool.close()
        self.odd.close()


def _spooled() -> IO[bytes]:
    return SpooledTemporaryFile(max_size=IN_MEMORY)


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
        fetched = Fetched(_spooled(), _spooled())
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
    into.odd.seek(0)


def _pages(
    client: PlaidClient,
    access_token: str,
    cursor: str | None,
    meanwhile: Callable[[], None],
) -> Generator[Page, None, None]:
    """The pages in order; the next is on its way while one is decoded and used."""
    coming = begin(client.transactions_sync, access_token, cursor)
    for _ in range(MOST_PAGES):
        body = result(coming, meanwhile)
        head = read_head(body)
        if not head.has_more:
            yield read_page(body)
            return
        coming = begin(client.transactions_sync, access_token, head.next_cursor)
        yield read_page(body)
    raise PlaidError("UNREADABLE", f"more than {MOST_PAGES} pages")


def begin(call: Callable[..., T], *given: Any) -> Future[T]:
    """The call on another thread; its request has left, as a rule.

    An executor's thread would keep the process alive until a slow bank has answered;
    these may be left behind. They serve one call after another: a thread's start costs
    a third of a call.
    """
    coming: Future[T] = Future()
    left = threading.Event()

    def work() -> None:
        ON_SENT.set(left.set)
        try:
            coming.set_result(call(*given))
        except BaseException as error:
            coming.set_exception(error)  # raised again where the result is taken
        left.set()

    try:
        calls = _idle.pop()
    except IndexError:
        calls = SimpleQueue()
        threading.Thread(target=_serve, args=[calls], name="fetch", daemon=True).start()
    calls.put(work)
    # Whoever computes next keeps the interpreter for 5 ms at a time: a request that is
    # only half sent would lie there, and the bank would sit idle.
    left.wait(HEAD_START)
    return coming


def _serve(calls: "SimpleQueue[Callable[[], None]]") -> None:
    while True:
        work = calls.get()
        work()
        del work  # an idle thread holds on to no answer
        _idle.append(calls)


def result(coming: Future[T], meanwhile: Callable[[], None]) -> T:
    """What the call gives, once it does; `meanwhile` may raise to leave it behind."""
    while not wait([coming], NEWS_EVERY).done:
        meanwhile()
    return coming.result()


def _spool(page: Page, into: Fetched) -> None:
    into.pages += 1
    into.added += len(page.added)
    into.modified += len(page.modified)
    _write(page.added, into)
    _write(page.modified, into)
    for gone in page.removed:
        into.rows += 1
        if isinstance(gone, OddRow):
            _set_aside(gone, into)
        else:
            into.removed[gone.transaction_id] = into.rows
    into.cursor = page.next_cursor
    into.status = page.status
    into.request_id = page.request_id


def _write(rows: Sequence[Row], into: Fetched) -> None:
    lines = []
    for row in rows:
        into.rows += 1
        if isinstance(row, OddRow):
            _set_aside(row, into)
            continue
        try:
            text, is_income = _line(row, into)
        except Unstorable as error:
            _set_aside(odd_row(error.code, _whole(row)), into)
            continue
        lines.append(text)
        if is_income:
            into.income_count += 1
        else:
            into.expense_count += 1
    into.spool.write("".join(lines).encode())


def _line(row: Transaction | Partial, into: Fetched) -> tuple[str, bool]:
    """The row without its odd parts, which are noted. Raises Unstorable."""
    whole = row.whole if isinstance(row, Partial) else None
    good = row.row if isinstance(row, Partial) else row
    while True:
        try:
            made = line(good, into.rows)
        except OddPart as error:
            whole = whole or odd_row("PART_DROPPED", _encode(good))
            setattr(good, error.name, NOTHING)
            continue
        if whole:
            _note(whole, into)
            into.partial_count += 1
        return made


def _whole(row: Transaction | Partial) -> bytes:
    return row.whole.raw.encode() if isinstance(row, Partial) else _encode(row)


def _set_aside(row: OddRow, into: Fetched) -> None:
    _note(row, into)
    into.odd_count += 1


def _note(row: OddRow, into: Fetched) -> None:
    row.seq = into.rows
    into.odd.write(_encode(row) + b"\n")
