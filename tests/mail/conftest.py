"""A real SMTP server of the tests', and the app sending through it."""

import ssl
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.bank import free_port
from webapp.mail.post import SmtpPost


class Inbox:
    """What arrived; `refuse` is said to every recipient instead."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.passwords: list[bytes] = []
        self.refuse: str | None = None

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    def authenticate(self, server, session, envelope, mechanism, given):
        assert isinstance(given, LoginPassword)
        self.passwords.append(given.password)
        return AuthResult(success=True)


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def start(inbox):
    """start(tls=..., **options) -> the port of a server that puts mail in the inbox."""
    running = []

    def begin(port: int | None = None, **options) -> int:
        port = port or free_port()
        server = Controller(inbox, hostname="127.0.0.1", port=port, **options)
        server.start()
        running.append(server)
        return port

    yield begin
    for server in running:
        server.stop()


@pytest.fixture
def post(app):
    """post(port) has the app send through the server at that port."""
    before = app.extensions["post"]

    def use(port: int, security: str = "none", trusted: ssl.SSLContext | None = None):
        app.extensions["post"] = SmtpPost("127.0.0.1", port, security, trusted=trusted)

    yield use
    app.extensions["post"] = before


@pytest.fixture
def sending(start, post) -> int:
    """The port of a server that works, and that the app uses."""
    port = start()
    post(port)
    return port
