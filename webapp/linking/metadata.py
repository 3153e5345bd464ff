"""What Plaid Link tells the browser, as far as we use it. A hint, never a proof."""

from typing import TypeVar

import msgspec
from msgspec import Struct

from webapp.plaid.decode import ODD, without_nul

T = TypeVar("T")


class MetadataError(ValueError):
    """The browser sent something that is not Link's metadata."""


class LinkInstitution(Struct):
    institution_id: str
    name: str = ""


class LinkAccount(Struct):
    name: str = ""
    mask: str | None = None
    persistent_account_id: str | None = None  # not Link's today: only the API says it


class SuccessMetadata(Struct):
    institution: LinkInstitution | None = None
    accounts: list[LinkAccount] = []
    link_session_id: str | None = None


class ExitError(Struct):
    error_code: str = ""
    error_type: str | None = None
    error_message: str = ""
    display_message: str | None = None


class ExitMetadata(Struct):
    status: str | None = None
    link_session_id: str | None = None
    request_id: str | None = None


def success(text: str) -> SuccessMetadata:
    """Raises MetadataError."""
    return _decode(text, SuccessMetadata) or SuccessMetadata()


def exit_error(text: str) -> ExitError | None:
    """None where the person just closed the window. Raises MetadataError."""
    return _decode(text, ExitError)


def exit_metadata(text: str) -> ExitMetadata:
    """Raises MetadataError."""
    return _decode(text, ExitMetadata) or ExitMetadata()


def _decode(text: str, into: type[T]) -> T | None:
    try:
        said = without_nul((text or "null").encode())
        return msgspec.json.decode(said, type=into | None)
    except ODD as error:
        raise MetadataError(str(error)) from None
