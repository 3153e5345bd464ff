"""Sending mail: by an SMTP server, or into the log of the demo.

The standard library does it. Flask-Mail 0.10 and Flask-Mailman 1.1 call STARTTLS
without a context, so they give the password to a server whose certificate nobody has
checked; the former waits for a silent server without end, too.
"""

import contextlib
import logging
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

log = logging.getLogger(__name__)
PATIENCE = 20.0  # seconds for each answer of the server; less than a job's lease


class Undelivered(Exception):
    """Why, without an address or a secret. `final`: the server will never take it."""

    def __init__(self, why: str, *, final: bool = False) -> None:
        super().__init__(why)
        self.final = final


class Post(Protocol):
    def send(self, message: EmailMessage) -> None:
        """Raises Undelivered."""


@dataclass(frozen=True)
class SmtpPost:
    """`security` is starttls, tls or none; the server's certificate must be good."""

    host: str
    port: int
    security: str
    username: str | None = None
    password: str | None = None
    trusted: ssl.SSLContext | None = None

    def send(self, message: EmailMessage) -> None:
        """Raises Undelivered."""
        try:
            connection = self._connect()
            try:
                self._greet(connection)
                connection.send_message(message)
            finally:  # it has the mail or not: what it says to a farewell is no matter
                with contextlib.suppress(OSError):
                    connection.quit()
                connection.close()
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            final = all(code >= 500 for code in codes)
            raise Undelivered(f"recipient refused: {codes}", final=final) from None
        except OSError as error:  # smtplib's errors are of this kind, too
            code = getattr(error, "smtp_code", "")
            raise Undelivered(f"{type(error).__name__} {code}".strip()) from error

    def _connect(self) -> smtplib.SMTP:
        if self.security == "tls":
            return smtplib.SMTP_SSL(
                self.host, self.port, timeout=PATIENCE, context=self._context()
            )
        return smtplib.SMTP(self.host, self.port, timeout=PATIENCE)

    def _greet(self, connection: smtplib.SMTP) -> None:
        if self.security == "starttls":
            connection.starttls(context=self._context())
        if self.username:
            connection.login(self.username, self.password or "")

    def _context(self) -> ssl.SSLContext:
        return self.trusted or ssl.create_default_context()


class LogPost:
    """The demo's: nobody gets anything, the mail stands in the worker's log."""

    def send(self, message: EmailMessage) -> None:
        body = message.get_body(("plain",))
        text = body.get_content() if body else ""
        log.info("Mail to %s: %s\n\n%s", message["To"], message["Subject"], text)


def make_post(
    backend: str,
    host: str | None,
    port: int,
    security: str,
    username: str | None,
    password: str | None,
) -> Post | None:
    """None where no mail is sent."""
    if backend == "smtp":
        return SmtpPost(host or "", port, security, username, password)
    return LogPost() if backend == "log" else None
