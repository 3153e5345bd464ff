"""POST /webhooks/plaid: check, keep, ask, answer. The work is a worker's."""

import itertools
import logging
import time

from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import InternalServerError

from webapp.extensions import csrf, db
from webapp.plaid import webhook_body
from webapp.plaid.errors import PlaidError
from webapp.plaid.webhook import Refused, verify
from webapp.plaid.webhook_keys import Unavailable
from webapp.sync import inbox

log = logging.getLogger(__name__)
bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
MOST_BYTES = 64 * 1024
RETRY_AFTER = "30"  # seconds
_refusals = itertools.count(1)


@bp.post("/plaid")
@csrf.exempt
def plaid() -> Response:
    request.max_content_length = MOST_BYTES
    raw_body = request.get_data()
    jwt = request.headers.get("Plaid-Verification", "")
    try:
        verify(raw_body, jwt, current_app.extensions["webhook_keys"].find, time.time())
    except Refused as reason:
        log.warning("Webhook refused, %d by now: %s", next(_refusals), reason)
        return answer("not signed by Plaid for this body", 401)
    except Unavailable as reason:
        return not_now(reason)
    keep(raw_body, jwt)
    return answer("kept", 200)


def keep(raw_body: bytes, jwt: str) -> None:
    """Plaid's own from here on: whatever it says, sending it again would not help."""
    try:
        said = webhook_body.read(raw_body)
    except PlaidError as error:
        log.warning("Webhook that nobody can read: %s", error.message)
        return
    if not said.is_known:
        log.warning("Webhook of an unknown code: %r", said.name)
    if inbox.keep(db.session(), said, jwt):
        db.session.commit()
        log.info("Webhook %r for item %s", said.name, said.item_id)
    else:
        log.warning("Webhook %r for an unknown item %r", said.name, said.item_id)


@bp.errorhandler(SQLAlchemyError)
@bp.errorhandler(InternalServerError)
def not_now(reason: Exception) -> Response:
    """Our own fault: Plaid comes again."""
    log.error("Webhook not taken: %s", type(reason).__name__)
    response = answer("not now", 503)
    response.headers["Retry-After"] = RETRY_AFTER
    return response


def answer(text: str, status: int) -> Response:
    return Response(text + "\n", status, content_type="text/plain; charset=utf-8")
