"""The app on a port of its own, so that the bank can send it webhooks."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from config import load
from tests import factories
from tests.bank import Bank, free_port
from tests.sync.linked import ask_db, link, until
from tests.webhooks.signing import KeyServer
from webapp.app import create_app
from webapp.models import PlaidItem, User
from webapp.plaid.webhook_keys import WebhookKeys
from webapp.worker import work_once

COLUMNS = "webhook_code, is_replay, processed_at IS NOT NULL AS done, e.*"


def inbox(app: Flask) -> list[Any]:
    return ask_db(
        app, f"SELECT {COLUMNS} FROM webhook_events e ORDER BY received_at, id"
    )


def asks(app: Flask, item: PlaidItem) -> int:
    found = ask_db(app, "SELECT req_seq FROM plaid_items WHERE id = :i", i=item.id)
    return int(found[0][0])


@pytest.fixture
def owner(app: Flask) -> User:
    return factories.make_user(app, password_hash="nobody signs in with this")


@pytest.fixture
def server() -> KeyServer:
    return KeyServer()


@pytest.fixture
def told(app: Flask, server: KeyServer) -> Iterator[Any]:
    """Posts a webhook; its key comes from `server`."""
    before = app.extensions["webhook_keys"]
    app.extensions["webhook_keys"] = WebhookKeys(server.get)
    client = app.test_client()

    def post(body: bytes, header: str, **more: Any) -> Any:
        headers = {"Plaid-Verification": header} if header else {}
        kind = "application/json"
        return client.post(
            "/webhooks/plaid", data=body, headers=headers, content_type=kind, **more
        )

    yield post
    app.extensions["webhook_keys"] = before


@dataclass
class Site:
    """The app as the bank reaches it."""

    app: Flask
    url: str
    bank: Bank

    def work(self) -> list[str]:
        """Do all that is due; how each run ended."""
        ended = []
        while (status := work_once(self.app)) is not None:
            ended.append(status)
        return ended

    def sent(self, item: PlaidItem, code: str) -> list[Any]:
        """The item's webhooks of this code, as the bank knows them."""
        return [one for one in self.webhooks(item) if one["code"] == code]

    def webhooks(self, item: PlaidItem) -> list[Any]:
        path = f"/_control/webhooks?item_id={item.item_id}"
        return list(self.bank.get(path)["webhooks"])

    def delivered(self, item: PlaidItem, code: str, times: int = 1) -> None:
        """Wait until these were answered with 200, and nothing else is on its way."""

        def is_so() -> bool:
            found = self.webhooks(item)
            ours = [one["status"] for one in found if one["code"] == code]
            under_way = {one["status"] for one in found} & {"waiting", "sending"}
            return ours.count("delivered") >= times and not under_way

        until(is_so, 10)

    def happens(self, item: PlaidItem, event: str, **more: Any) -> None:
        self.bank.control(f"items/{item.item_id}/event", event=event, **more)


@pytest.fixture(scope="session")
def served(
    app: Flask, settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Flask, str]]:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    root = tmp_path_factory.mktemp("served")
    made = create_app(load(settings | {"PUBLIC_URL": address}, root))
    server = make_server("127.0.0.1", port, made, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield made, f"{address}/webhooks/plaid"
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture
def site(served: tuple[Flask, str], bank: Bank) -> Site:
    made, url = served
    plaid = made.extensions["plaid"]
    made.extensions["webhook_keys"] = WebhookKeys(plaid.webhook_verification_key_get)
    return Site(made, url, bank)


def linked(app: Flask, site: Site, user: User) -> PlaidItem:
    """Synced once, which also told the bank our address."""
    found = link(app, site.bank, user)
    site.happens(found, "history_ready")  # told to nobody yet
    assert site.work() == ["succeeded"]
    site.delivered(found, "WEBHOOK_UPDATE_ACKNOWLEDGED")
    return found


@pytest.fixture
def item(app: Flask, site: Site, owner: User) -> PlaidItem:
    return linked(app, site, owner)
