"""How a linked bank stands: one sentence, and the one button that helps."""

from dataclasses import dataclass

from webapp.models.plaid_item import HISTORY_COMPLETE, ItemState
from webapp.plaid.errors import KIND_OF, Kind


@dataclass(frozen=True)
class Standing:
    """`action` is what the button does: 'repair' leads to the bank, 'sync' asks it."""

    sentence: str
    action: str
    button: str


FIRST_READING = Standing("Reading your history for the first time.", "sync", "Sync now")
FIRST_FAILED = Standing(
    "The first reading did not work. We try again by ourselves.", "sync", "Try now"
)
CURRENT = Standing("Up to date.", "sync", "Sync now")
STILL_COMING = Standing(
    "The last weeks are here, older history is still coming.", "sync", "Sync now"
)
STUMBLED = Standing(
    "The last try to read this bank did not work. We try again by ourselves.",
    "sync",
    "Try now",
)
OF_STATE = {
    ItemState.LOGIN_REQUIRED: Standing(
        "Your bank wants you to log in again. Until then nothing new comes in.",
        "repair",
        "Log in again",
    ),
    ItemState.EXPIRING: Standing(
        "Your bank's permission runs out soon. Renew it to go on.", "repair", "Renew"
    ),
    ItemState.REVOKED: Standing(
        "The permission was ended at the bank. Connect again to go on.",
        "repair",
        "Connect again",
    ),
    ItemState.INSTITUTION_DOWN: Standing(
        "The bank is not answering. We keep asking; you need not do anything.",
        "sync",
        "Try now",
    ),
    ItemState.ERROR: Standing(
        "Reading this bank does not work right now. The trouble is on our side, and we"
        " keep trying.",
        "sync",
        "Try now",
    ),
    ItemState.QUARANTINED: Standing(
        "Reading this bank has failed many times. We try once a day.",
        "sync",
        "Try now",
    ),
}


UNSUPPORTED = Standing(
    "Plaid cannot read this bank, so nothing new comes in. What was read stays.",
    "sync",
    "Try now",
)


def standing(
    state: ItemState, update_status: str | None, error_code: str | None
) -> Standing:
    """Of a bank that is linked; `error_code` is that of the last try, if it failed."""
    failed = bool(error_code)
    if state == ItemState.ERROR and KIND_OF.get(error_code or "") is Kind.UNSUPPORTED:
        return UNSUPPORTED
    if state == ItemState.FIRST_SYNC:
        return FIRST_FAILED if failed else FIRST_READING
    if state != ItemState.HEALTHY:
        return OF_STATE[state]
    if failed:
        return STUMBLED
    return CURRENT if update_status == HISTORY_COMPLETE else STILL_COMING
