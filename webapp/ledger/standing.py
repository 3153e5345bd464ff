"""How a linked bank stands: one sentence, and the one button that helps."""

from dataclasses import dataclass

from webapp.models.plaid_item import HISTORY_COMPLETE, ItemState


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


def standing(state: ItemState, update_status: str | None, *, failed: bool) -> Standing:
    """Of a bank that is linked; `failed` says that the last try ended with an error."""
    if state == ItemState.FIRST_SYNC:
        return FIRST_FAILED if failed else FIRST_READING
    if state != ItemState.HEALTHY:
        return OF_STATE[state]
    if failed:
        return STUMBLED
    return CURRENT if update_status == HISTORY_COMPLETE else STILL_COMING
