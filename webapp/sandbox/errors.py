"""An answer that is one of Plaid's errors."""

from typing import Any

from .error_codes import CODES

DOCUMENTATION_URL = "https://plaid.com/docs/errors/"


class PlaidError(Exception):
    """Raised wherever a call cannot be answered; `code` decides the rest."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.status, self.type, words, self.display = CODES[code]
        self.message = message or words

    def body(self, request_id: str | None) -> dict[str, Any]:
        """The error as JSON; without a request_id it is the one inside a webhook."""
        body: dict[str, Any] = {
            "display_message": self.display,
            "documentation_url": DOCUMENTATION_URL,
            "error_code": self.code,
            "error_message": self.message,
            "error_type": self.type,
            "suggested_action": None,
        }
        if request_id is None:
            body["status"] = self.status
        else:
            body["request_id"] = request_id
        return body
