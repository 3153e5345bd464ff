"""What Plaid Link tells the browser, as far as we use it. A hint, never a proof."""

import msgspec
from msgspec import Struct


class MetadataError(ValueError):
    """The browser sent something that is not Link's metadata."""


class LinkInstitution(Struct):
    institution_id: str
    name: str = ""


class LinkAccount(Struct):
    name: str = ""
    mask: str | None = None


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
    return _decode(text, SuccessMetadata)


def exit_error(text: str) -> ExitError | None:
    """Raises MetadataError."""
    found: ExitError | None = _decode(text, ExitError | None)
    return found


def exit_metadata(text: str) -> ExitMetadata:
    """Raises MetadataError."""
    return _decode(text, ExitMetadata)


def _decode(text: str, into):  # type: ignore[no-untyped-def]
    try:
        return msgspec.json.decode(text or "null", type=into | None) or into()
    except msgspec.DecodeError as error:
        raise MetadataError(str(error)) from None
