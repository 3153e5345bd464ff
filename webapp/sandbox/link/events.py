"""Events and metadata of Link, in Plaid's shape."""

from typing import Any

from ..account import HeldAccount
from ..bank import Bank
from ..clock import iso
from ..ids import request_id
from ..institutions import find_institution
from .token import LinkToken, Session

_NULLS = (
    "account_number_mask error_code error_message error_type exit_status "
    "institution_id institution_name institution_search_query match_reason mfa_type "
    "routing_number selection view_name"
).split()

# The pane and the status that onExit gives to somebody who leaves there
EXIT_STATUS = {
    "credentials": "requires_credentials",
    "questions": "requires_questions",
    "selections": "requires_selections",
    "code": "requires_code",
    "device": "choose_device",
    "accounts": "requires_account_selection",
    "oauth": "requires_oauth",
    "institutions": "institution_not_found",
}
VIEWS = {
    "consent": "CONSENT",
    "institutions": "SELECT_INSTITUTION",
    "credentials": "CREDENTIAL",
    "device": "MFA",
    "code": "MFA",
    "questions": "MFA",
    "selections": "MFA",
    "oauth": "OAUTH",
    "accounts": "SELECT_ACCOUNT",
    "done": "CONNECTED",
    "error": "ERROR",
}


def emit(
    bank: Bank, link: LinkToken, session: Session, name: str, **known: Any
) -> dict[str, Any]:
    """Note an event; every key of its metadata is there, mostly null."""
    metadata: dict[str, Any] = dict.fromkeys(_NULLS)
    metadata.update(
        is_update_mode="true" if link.item_id else "false",
        link_session_id=session.link_session_id,
        request_id=request_id(),
        timestamp=iso(bank.clock.now()),
    )
    if session.institution_id:
        metadata["institution_id"] = session.institution_id
        metadata["institution_name"] = find_institution(session.institution_id).name
    metadata.update(known)
    event = {"name": name, "metadata": metadata}
    session.events.append(event)
    return event


def institution_of(session: Session) -> dict[str, str] | None:
    if session.institution_id is None:
        return None
    return {
        "institution_id": session.institution_id,
        "name": find_institution(session.institution_id).name,
    }


def success_metadata(session: Session, held: list[HeldAccount]) -> dict[str, Any]:
    accounts = [
        {
            "class_type": None,
            "id": one.account_id,
            "mask": one.account.mask,
            "name": one.account.name,
            "subtype": one.account.subtype,
            "type": one.account.type,
            "verification_status": None,
        }
        for one in held
    ]
    return {
        "accounts": accounts,
        "institution": institution_of(session),
        "link_session_id": session.link_session_id,
        "transfer_status": None,
    }


def exit_metadata(session: Session) -> dict[str, Any]:
    return {
        "institution": institution_of(session),
        "link_session_id": session.link_session_id,
        "request_id": request_id(),
        "status": EXIT_STATUS.get(session.pane),
    }
