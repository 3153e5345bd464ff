"""/transactions/*: the log as sync and get read it."""

from datetime import date

from .. import cursor, log
from ..account import HeldAccount, account_json
from ..ageing import age
from ..bank import Bank
from ..endpoint import Request, encode, endpoint
from ..errors import PlaidError
from ..fields import (
    boolean,
    day,
    group,
    integer,
    one_of,
    string,
    strings,
    text,
)
from ..item import Item, item_json
from ..opening import initialise
from ..products import DAYS_REQUESTED
from .accounts import chosen

NOT_READY, INITIAL, HISTORICAL = (
    "NOT_READY",
    "INITIAL_UPDATE_COMPLETE",
    "HISTORICAL_UPDATE_COMPLETE",
)
_VIEW = {
    "include_original_description": boolean(),
    "include_personal_finance_category": boolean(),
    "include_logo_and_counterparty_beta": boolean(),
    "personal_finance_category_version": one_of("v1", "v2"),
    "days_requested": integer(*DAYS_REQUESTED),
}


def progress(bank: Bank, item: Item) -> str:
    """How much has arrived; what was announced stays, even if the clock goes back."""
    now = bank.clock.now()
    if item.historical_told or now >= item.historical_at:
        return HISTORICAL
    return INITIAL if item.initial_told or now >= item.initial_at else NOT_READY


def visible_until(item: Item, status: str) -> int | None:
    """What comes later in the log is hidden until the history is there."""
    return None if status == HISTORICAL else item.initial_seq


@endpoint(
    "/transactions/sync",
    {
        "cursor": string(),
        "count": integer(1, 500),
        "options": group({**_VIEW, "account_id": text()}),
    },
    item=True,
    healthy=True,
)
def sync(request: Request) -> bytes:
    bank, item, options = request.bank, _initialised(request), request.options()
    given = request.body.get("cursor", "")
    if len(given) > 256:
        raise PlaidError("INVALID_FIELD", "cursor must be at most 256 characters")
    only = options.get("account_id")
    asked = chosen(request, [only] if only else None)
    accounts = _carrying(asked)
    account = asked[0].number if only else 0
    place = cursor.start(item.number, account)
    if given != "now":
        place = cursor.decode(given, item.number, account, bank.cursor_key)
    if not item.sync_armed:
        with bank.editing(item.item_id) as (_, editable):
            editable.sync_armed = True
    status = progress(bank, item)
    if status == NOT_READY:
        return _answer(request, status, accounts, None, "")
    limit = visible_until(item, status)
    with bank.store.reading() as connection:
        if given == "now":
            end = log.newest(connection, item, limit)
            place = place._replace(position=end, origin=end)
        page = log.read_page(
            connection,
            item,
            place,
            accounts,
            request.body.get("count", 100),
            limit=limit,
            version=options.get("personal_finance_category_version", "v2"),
            original=bool(options.get("include_original_description")),
        )
    next_cursor = cursor.encode(page.next, bank.cursor_key)
    return _answer(request, status, accounts, page, next_cursor)


def _initialised(request: Request) -> Item:
    """The item; one that came without transactions gets them with its first call."""
    bank, item = request.bank, request.item
    if item.has_transactions:
        return item
    with bank.editing(item.item_id) as (_, editable):
        if not editable.has_transactions:
            initialise(bank, editable, request.options().get("days_requested"))
    request.known_item = age(bank, editable)
    return request.item


def _carrying(accounts: list[HeldAccount]) -> list[HeldAccount]:
    return [one for one in accounts if one.account.carries_transactions]


def _answer(
    request: Request,
    status: str,
    accounts: list[HeldAccount],
    page: log.Page | None,
    next_cursor: str,
) -> bytes:
    """Rows are joined as they lie in the store, never decoded."""
    page = page or log.Page([], [], [], cursor.start(0, 0), False)
    head = encode([account_json(one) for one in accounts])
    tail = encode(
        {
            "has_more": page.has_more,
            "next_cursor": next_cursor,
            "removed": page.removed,
            "request_id": request.request_id,
            "transactions_update_status": status,
        }
    )
    return b"".join(
        (
            b'{"accounts":',
            head,
            b',"added":[',
            b",".join(page.added),
            b'],"modified":[',
            b",".join(page.modified),
            b"],",
            tail[1:],
        )
    )


@endpoint(
    "/transactions/get",
    {
        "start_date": day(required=True),
        "end_date": day(required=True),
        "options": group(
            {
                **_VIEW,
                "include_personal_finance_category_beta": boolean(),
                "account_ids": strings(),
                "count": integer(1, 500),
                "offset": integer(0, 10_000_000),
            }
        ),
    },
    item=True,
    healthy=True,
)
def get(request: Request) -> bytes:
    """Newest first; pending ones among the rest, as Plaid lists them."""
    bank, item, options = request.bank, _initialised(request), request.options()
    first, last = request.body["start_date"], request.body["end_date"]
    if date.fromisoformat(first) > date.fromisoformat(last):
        raise PlaidError("INVALID_FIELD", "start_date must not be after end_date")
    status = progress(bank, item)
    if status == NOT_READY:
        raise PlaidError("PRODUCT_NOT_READY")
    accounts = chosen(request, options.get("account_ids"))
    carrying = [one.number for one in _carrying(accounts)]
    marks = ",".join("?" * len(carrying))
    limit = visible_until(item, status)
    where = (
        f"FROM transactions WHERE item = ? AND account IN ({marks}) AND NOT removed"
        " AND posted_on BETWEEN ? AND ? AND seq <= ?"
    )
    most = limit if limit is not None else 2**62
    values = (item.number, *carrying, first, last, most)
    with bank.store.reading() as connection:
        total = connection.execute(f"SELECT count(*) {where}", values).fetchone()[0]
        rows = connection.execute(
            f"SELECT category, original, body {where}"
            " ORDER BY posted_on DESC, seq DESC LIMIT ? OFFSET ?",
            (*values, options.get("count", 100), options.get("offset", 0)),
        ).fetchall()
    version = options.get("personal_finance_category_version", "v2")
    original = bool(options.get("include_original_description"))
    head = encode([account_json(one) for one in accounts])
    tail = encode(
        {
            "item": item_json(item),
            "request_id": request.request_id,
            "total_transactions": total,
        }
    )
    joined = b",".join(log.finished(row, version, original) for row in rows)
    return b'{"accounts":' + head + b',"transactions":[' + joined + b"]," + tail[1:]
