"""So many new people with one bank each, linked the way the app links them."""

import json
import sys

from sqlalchemy import select

from benchmarks.programs.link import link
from config import load
from webapp.app import create_app
from webapp.models import PlaidItem
from webapp.worker import tools_of


def main(count: int, username: str) -> None:
    app = create_app(load())
    with app.app_context():
        tools = tools_of(app)
        for _ in range(count):
            link(tools, username)
        items = list(tools.session.scalars(select(PlaidItem.item_id)))
    print(json.dumps({"item_ids": items}))


main(int(sys.argv[1]), sys.argv[2])
