"""/transactions/recurring/get: streams found in what an item has."""

from typing import Any

from ..clock import iso
from ..endpoint import Request, endpoint
from ..errors import PlaidError
from ..fields import boolean, group, one_of, strings
from ..streams import Row, find_streams
from ..taxonomy import PRIMARY_OF, to_v1
from ..transaction import parse
from .accounts import chosen
from .transactions import HISTORICAL, progress

_MOST_ROWS = 5000


@endpoint(
    "/transactions/recurring/get",
    {
        "account_ids": strings(),
        "options": group(
            {
                "include_personal_finance_category": boolean(),
                "personal_finance_category_version": one_of("v1", "v2"),
            }
        ),
    },
    item=True,
    healthy=True,
    product="transactions",
)
def get(request: Request) -> dict[str, Any]:
    bank, item = request.bank, request.item
    if not item.recurring_armed:
        with bank.editing(item.item_id) as (_, editable):
            editable.recurring_armed = True
    if progress(bank, item) != HISTORICAL:
        raise PlaidError("PRODUCT_NOT_READY")
    ids = {one.number for one in chosen(request, request.body.get("account_ids"))}
    found = bank.store.connection.execute(
        "SELECT account, category, body FROM transactions WHERE item = ?"
        " AND NOT removed AND posts_on IS NULL ORDER BY posted_on DESC LIMIT ?",
        (item.number, _MOST_ROWS),
    )
    rows = [
        Row.read(parse(row["body"]), row["category"])
        for row in found
        if row["account"] in ids
    ]
    version = request.options().get("personal_finance_category_version", "v2")
    streams = find_streams(rows, bank.clock.today())
    for stream in streams:
        _categorise(stream, version)
    return {
        "inflow_streams": [one for one in streams if one["last_amount"]["amount"] < 0],
        "outflow_streams": [
            one for one in streams if one["last_amount"]["amount"] >= 0
        ],
        "personal_finance_category_version": version,
        "updated_datetime": iso(item.last_success_at or item.historical_at),
    }


def _categorise(stream: dict[str, Any], version: str) -> None:
    detailed, confidence = stream["personal_finance_category"].split("|")
    primary = PRIMARY_OF[detailed]
    if version == "v1":
        primary, detailed = to_v1(detailed)
    stream["personal_finance_category"] = {
        "confidence_level": confidence,
        "detailed": detailed,
        "primary": primary,
        "version": version,
    }
