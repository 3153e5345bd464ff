"""Banks as Plaid describes them, kept once for everybody."""

import logging

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from webapp.models import Institution
from webapp.plaid.errors import PlaidError
from webapp.sync.run import Tools

log = logging.getLogger(__name__)


def ensure(session: Session, institution_id: str, name: str) -> None:
    """A row with at least the name. The caller commits."""
    row = insert(Institution).values(institution_id=institution_id, name=name)
    session.execute(row.on_conflict_do_nothing())


def complete(tools: Tools, institution_id: str, country_codes: list[str]) -> None:
    """Fetch logo and colour once. A bank without them is no reason to fail. Commits."""
    known = tools.session.scalar(
        select(Institution).where(Institution.institution_id == institution_id)
    )
    tools.session.commit()
    if known is None or known.logo or known.primary_color:
        return
    try:
        answer = tools.plaid.institutions_get_by_id(institution_id, country_codes)
    except PlaidError as error:
        log.info("No details of %s: %s", institution_id, error.code)
        return
    found = answer.institution
    known.name = found.name
    known.logo = found.logo
    known.primary_color = found.primary_color
    known.url = found.url
    known.oauth = found.oauth
    tools.session.commit()
