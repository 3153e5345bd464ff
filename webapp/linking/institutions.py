"""Banks as Plaid describes them, kept once for everybody."""

import logging
from collections.abc import Callable

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from webapp.models import Institution
from webapp.plaid.errors import PlaidError
from webapp.sync.fetch import begin, result
from webapp.sync.run import Tools

log = logging.getLogger(__name__)


def describe(
    tools: Tools,
    institution_id: str,
    country_codes: list[str],
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Fetch name, logo and colour once. Commits.

    Only Plaid's word fills this table: a browser could name a bank what it likes, for
    everybody. A bank without details is no reason to fail. `meanwhile` may raise.
    """
    known = select(Institution.name).where(Institution.institution_id == institution_id)
    name = tools.session.scalar(known)
    tools.session.commit()
    if name is not None:
        return
    try:
        asked = begin(tools.plaid.institutions_get_by_id, institution_id, country_codes)
        answer = result(asked, meanwhile)
    except PlaidError as error:
        log.info("No details of %s: %s", institution_id, error.code)
        return
    row = insert(Institution).values(**msgspec.structs.asdict(answer.institution))
    tools.session.execute(row.on_conflict_do_nothing())
    tools.session.commit()
