"""The panes of Link, as JSON that the frame draws.

A pane has a title, text, maybe fields or options, and buttons whose action goes back
to `workflow.step`. Labels are stable: browser tests rely on them.
"""

from typing import Any

from ..institutions import INSTITUTIONS, Institution, logo
from ..worlds import Account
from .token import LinkToken, Session

Pane = dict[str, Any]
QUESTIONS = (
    "What is the name of your first pet?",
    "In which town were you born?",
    "What was the make of your first car?",
)
SELECTIONS = (
    ("You say tomato, I say...?", ("tomato", "potato", "what?")),
    ("What goes best with chips?", ("ketchup", "vinegar", "nothing")),
)
DEVICES = ("Text message to (***) ***-0123", "E-mail to j***@example.com")


def _button(label: str, action: str) -> dict[str, str]:
    return {"action": action, "label": label}


def brand(institution: Institution) -> dict[str, str]:
    return {
        "colour": institution.colour,
        "logo": logo(institution),
        "name": institution.name,
    }


def consent(link: LinkToken, institution: Institution | None) -> Pane:
    again = link.item_id is not None
    bank = institution.name if institution else "your bank"
    text = [
        f"{link.client_name} asks to see your accounts, balances and transactions.",
        f"You sign in at {bank}; {link.client_name} never sees your password.",
        "By choosing Continue you agree that this is only a simulation.",
    ]
    return {
        "brand": brand(institution) if institution else None,
        "pane": "consent",
        "primary": _button("Continue", "continue"),
        "text": text,
        "title": f"Reconnect {bank}" if again else f"Connect {bank}",
    }


def institutions(link: LinkToken, query: str) -> Pane:
    words = query.strip().lower()
    countries = set(link.country_codes)
    found = [
        one
        for one in INSTITUTIONS
        if countries & set(one.countries) and words in one.name.lower()
    ]
    options = [
        {
            "action": "select",
            "brand": brand(one),
            "hint": f"www.{one.url}",
            "label": one.name,
            "value": one.institution_id,
        }
        for one in found
    ]
    return {
        "empty": "No bank of that name. Try another word.",
        "options": options,
        "pane": "institutions",
        "query": query,
        "search": "Search for your bank",
        "title": "Select your bank",
    }


def credentials(institution: Institution, error: str | None) -> Pane:
    return {
        "brand": brand(institution),
        "error": error,
        "fields": [
            {"label": "Username", "name": "username", "type": "text"},
            {"label": "Password", "name": "password", "type": "password"},
        ],
        "hint": "A simulated bank: try user_good with pass_good.",
        "pane": "credentials",
        "primary": _button("Submit", "submit"),
        "text": [],
        "title": f"Sign in at {institution.name}",
    }


def device(institution: Institution) -> Pane:
    choices = [{"label": words, "value": str(n)} for n, words in enumerate(DEVICES)]
    return {
        "brand": brand(institution),
        "pane": "device",
        "primary": _button("Continue", "submit"),
        "radios": [{"choices": choices, "label": "Send a code to", "name": "device"}],
        "text": ["Your bank wants to be sure that it is you."],
        "title": "Get a security code",
    }


def code(institution: Institution, error: str | None) -> Pane:
    return {
        "brand": brand(institution),
        "error": error,
        "fields": [{"label": "Security code", "name": "code", "type": "text"}],
        "hint": "In this simulation the code is 1234.",
        "pane": "code",
        "primary": _button("Submit", "submit"),
        "text": [],
        "title": "Enter the code",
    }


def questions(
    institution: Institution, turn: int, count: int, error: str | None
) -> Pane:
    fields = [
        {
            "label": QUESTIONS[(turn + number) % len(QUESTIONS)],
            "name": f"answer_{number}",
            "type": "text",
        }
        for number in range(count)
    ]
    return {
        "brand": brand(institution),
        "error": error,
        "fields": fields,
        "hint": f"In this simulation the first answer is answer_{turn}_0.",
        "pane": "questions",
        "primary": _button("Submit", "submit"),
        "text": [],
        "title": "Answer a security question",
    }


def selections(institution: Institution, error: str | None) -> Pane:
    radios = [
        {
            "choices": [{"label": word, "value": word} for word in words],
            "label": label,
            "name": f"answer_{number}",
        }
        for number, (label, words) in enumerate(SELECTIONS)
    ]
    return {
        "brand": brand(institution),
        "error": error,
        "hint": "In this simulation: tomato, ketchup.",
        "pane": "selections",
        "primary": _button("Submit", "submit"),
        "radios": radios,
        "text": [],
        "title": "Answer security questions",
    }


def oauth(institution: Institution, session: Session, link: LinkToken) -> Pane:
    name = institution.name
    return {
        "brand": brand(institution),
        "oauth": {
            "popup": link.redirect_uri is None,
            "url": f"/link/oauth?oauth_state_id={session.oauth_state_id}",
        },
        "pane": "oauth",
        "primary": _button("Continue to bank", "oauth"),
        "text": [f"You will sign in on the website of {name} and then come back here."],
        "title": f"Continue at {name}",
    }


def accounts(
    institution: Institution,
    offered: list[tuple[int, Account]],
    ticked: set[int],
    error: str | None,
) -> Pane:
    options = [
        {
            "checked": index in ticked,
            "hint": f"{_kind(account)} •••• {account.mask or ''}",
            "label": account.name,
            "value": index,
        }
        for index, account in offered
    ]
    return {
        "boxes": options,
        "brand": brand(institution),
        "error": error,
        "pane": "accounts",
        "primary": _button("Continue", "submit"),
        "text": ["Only what you tick here is shared."],
        "title": "Choose your accounts",
    }


def _kind(account: Account) -> str:
    words = account.subtype or account.type
    return words.upper() if len(words) <= 3 else words.capitalize()


def done(link: LinkToken, institution: Institution) -> Pane:
    words = "is connected again" if link.item_id else "is connected"
    return {
        "brand": brand(institution),
        "pane": "done",
        "primary": _button("Finish", "finish"),
        "text": [f"{institution.name} {words} to {link.client_name}."],
        "title": "Success",
        "tone": "good",
    }


def failed(institution: Institution | None, body: dict[str, Any], again: bool) -> Pane:
    words = body["display_message"] or body["error_message"]
    pane: Pane = {
        "brand": brand(institution) if institution else None,
        "pane": "error",
        "primary": _button("Exit", "exit"),
        "hint": f"{body['error_code']} · {body['request_id']}",
        "text": [words],
        "title": "Something went wrong",
        "tone": "bad",
    }
    if again:
        pane["primary"] = _button("Try again", "again")
        pane["secondary"] = _button("Exit", "exit")
    return pane
