"""Addresses that a client gives: webhooks and redirects."""

from urllib.parse import SplitResult, urlsplit

from .errors import PlaidError


def _split(text: str, name: str) -> SplitResult:
    try:
        good = text.isprintable() and " " not in text
        parts = urlsplit(text)
        good = good and parts.scheme in ("http", "https") and bool(parts.hostname)
        good = good and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise PlaidError("INVALID_FIELD", f"{name} must be a valid URL")
    return parts


def check_webhook(url: str) -> None:
    _split(url, "webhook")


def check_redirect(url: str) -> None:
    """Like Plaid: no query, no fragment, no wildcard."""
    parts = _split(url, "OAuth redirect URI")
    if parts.query or parts.fragment or "*" in url:
        raise PlaidError(
            "INVALID_FIELD", "OAuth redirect URI must not contain a query or fragment"
        )
