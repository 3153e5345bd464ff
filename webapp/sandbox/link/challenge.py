"""Multi-factor questions, as a password of user_good or a custom user asks for."""

import re
from typing import Any

from ..errors import PlaidError
from ..institutions import Institution
from . import panes
from .token import Session

_CODE = "1234"
_ANSWERS = ("tomato", "ketchup")
_QUESTIONS = re.compile(r"mfa_questions_([1-9])_([1-3])")


def first(session: Session, institution: Institution) -> panes.Pane | None:
    """The first challenge after the credentials; None when there is none."""
    session.mfa_round = 0
    if session.mfa == "mfa_device":
        return panes.device(institution)
    if session.mfa == "mfa_selections":
        return panes.selections(institution, None)
    if match := _QUESTIONS.fullmatch(session.mfa):
        return panes.questions(institution, 0, int(match[2]), None)
    return None


def following(
    session: Session, institution: Institution, given: dict[str, Any]
) -> panes.Pane | None:
    """What follows an answer: the next challenge, or None when all are met."""
    wrong = PlaidError("INVALID_MFA").display
    if session.pane == "device":
        return panes.code(institution, None)
    if session.pane == "code":
        return None if given.get("code") == _CODE else panes.code(institution, wrong)
    if session.pane == "selections":
        answers = tuple(given.get(f"answer_{n}") for n in range(len(_ANSWERS)))
        return None if answers == _ANSWERS else panes.selections(institution, wrong)
    match = _QUESTIONS.fullmatch(session.mfa)
    rounds, count = (int(match[1]), int(match[2])) if match else (1, 1)
    turn = session.mfa_round
    right = all(given.get(f"answer_{n}") == f"answer_{turn}_{n}" for n in range(count))
    if not right:
        return panes.questions(institution, turn, count, wrong)
    session.mfa_round += 1
    if session.mfa_round < rounds:
        return panes.questions(institution, session.mfa_round, count, None)
    return None
