"""A session of Link on its way, with what it needs at hand."""

from typing import Any

from ..bank import Bank
from ..errors import PlaidError
from ..ids import request_id
from ..institutions import Institution, find_institution
from ..item import Item, find_item
from . import panes
from .events import VIEWS, emit
from .token import LinkToken, Session, save_session

_RETRY = ("INVALID_CREDENTIALS", "INVALID_UPDATED_USERNAME")


class Walk:
    """A session on its way, with what it needs at hand."""

    def __init__(self, bank: Bank, link: LinkToken, session: Session) -> None:
        self.bank, self.link, self.session = bank, link, session

    @property
    def institution(self) -> Institution:
        return find_institution(self.session.institution_id or "")

    @property
    def item(self) -> Item | None:
        if self.link.item_id is None:
            return None
        return find_item(self.bank.store.connection, item_id=self.link.item_id)

    def emit(self, name: str, **known: Any) -> None:
        emit(self.bank, self.link, self.session, name, **known)

    def show(self, pane: panes.Pane) -> dict[str, Any]:
        """Go to a pane and keep the session."""
        self.session.pane = pane["pane"]
        self.emit("TRANSITION_VIEW", view_name=VIEWS[pane["pane"]])
        save_session(self.bank.store, self.session)
        return {"link_session_id": self.session.link_session_id, "pane": pane}

    def fail(self, error: PlaidError) -> dict[str, Any]:
        """An error pane, or the same credentials again where that can help."""
        body = error.body(request_id())
        self.session.error_code = error.code
        self.emit(
            "ERROR",
            error_code=error.code,
            error_message=error.message,
            error_type=error.type,
        )
        if error.code in _RETRY:
            return self.show(panes.credentials(self.institution, error.display))
        chosen = self.institution if self.session.institution_id else None
        return self.show(panes.failed(chosen, body, chosen is not None))
