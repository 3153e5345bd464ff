"""The same pages over the same HTTP, thrown away: no client, nothing decoded."""

import json
import re
import sys
import time

import urllib3

from benchmarks.programs.link import the_only_one
from config import Config, load
from webapp.app import create_app
from webapp.plaid.client import PAGE
from webapp.worker import tools_of

CURSOR = re.compile(rb'"has_more":(true|false),"next_cursor":"([^"]*)"')
TAIL = 1_000  # bytes at the end of a page that have the cursor


def main(item_id: str | None = None) -> None:
    config = load()
    app = create_app(config)
    with app.app_context():
        access_token = the_only_one(tools_of(app), item_id).access_token
    pool = urllib3.PoolManager(timeout=60)
    ask(pool, config, access_token, "", 1)  # connects
    began = time.perf_counter()
    pages = size = 0
    cursor, has_more = "", b"true"
    while has_more == b"true":
        page = ask(pool, config, access_token, cursor, PAGE)
        pages, size = pages + 1, size + len(page)
        found = CURSOR.search(page, len(page) - TAIL)
        if found is None:
            raise RuntimeError("a page without a cursor")
        has_more, cursor = found[1], found[2].decode()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "pages": pages, "bytes": size}))


def ask(
    pool: urllib3.PoolManager,
    config: Config,
    access_token: str,
    cursor: str,
    count: int,
) -> bytes:
    body = {
        "client_id": config.PLAID_CLIENT_ID,
        "secret": config.PLAID_SECRET,
        "access_token": access_token,
        "cursor": cursor,
        "count": count,
        "options": {
            "include_original_description": True,
            "personal_finance_category_version": "v2",
        },
    }
    answer = pool.request("POST", f"{config.PLAID_HOST}/transactions/sync", json=body)
    if answer.status != 200:
        raise RuntimeError(f"the bank answered {answer.status}")
    return answer.data


main(*sys.argv[1:])
