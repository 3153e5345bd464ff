"""The one mail that a bank's owner gets when the bank needs them."""

import uuid
from email.message import EmailMessage
from email.utils import format_datetime

from babel.dates import format_date
from flask import Flask, render_template
from sqlalchemy import func
from sqlalchemy.orm import Session

from webapp.jobs.queue import Held
from webapp.jobs.run import JobFailed, Meanwhile
from webapp.mail.post import Post, Undelivered
from webapp.models import ItemState, PlaidItem, User
from webapp.sync.notice import NEEDS_OWNER

SUBJECTS = {
    ItemState.LOGIN_REQUIRED: "{bank} wants you to log in again",
    ItemState.EXPIRING: "Your permission for {bank} runs out soon",
    ItemState.REVOKED: "{bank} is no longer connected",
}


def send(app: Flask, session: Session, held: Held, meanwhile: Meanwhile) -> None:
    """None is sent where the bank works again, or its owner is gone or wants none.

    Raises JobFailed.
    """
    post: Post | None = app.extensions["post"]
    item = user = None
    if held.user_id is not None:
        user = session.get(User, held.user_id)
        item = session.get(PlaidItem, (held.user_id, uuid.UUID(held.args["item"])))
    if post is None or user is None or item is None:
        return
    if item.state not in NEEDS_OWNER or not user.bank_mails or not user.is_active:
        return
    message = write(app, user, item)
    # the same for each try, so that a mail sent twice after a crash is shown once
    domain = app.config["MAIL_FROM"].rpartition("@")[2]
    message["Message-ID"] = f"<{held.id}@{domain}>"
    message["Date"] = format_datetime(session.execute(func.now()).scalar_one())
    meanwhile()  # no transaction stays open while the server is spoken to
    try:
        post.send(message)
    except Undelivered as error:
        raise JobFailed(str(error), final=error.final) from error


def write(app: Flask, user: User, item: PlaidItem) -> EmailMessage:
    """Of the bank only its name; nothing of an account, no token in the address."""
    bank = " ".join(item.institution_name.split())
    ends = item.consent_expires_at
    words = {
        "name": user.first_name,
        "bank": bank,
        "state": item.state,
        "day": ends
        and format_date(ends.astimezone(user.zone), "long", locale=user.locale),
        "repair_url": address(app, "accounts.repair", item_id=item.id),
        "settings_url": address(app, "settings.index"),
    }
    message = EmailMessage()
    message["Subject"] = SUBJECTS[ItemState(item.state)].format(bank=bank)
    message["From"] = f"SmartBudget <{app.config['MAIL_FROM']}>"
    message["To"] = user.email
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(render_template("mail/bank_notice.txt", **words))
    html = render_template("mail/bank_notice.html", **words)
    message.add_alternative(html, subtype="html")
    return message


def address(app: Flask, endpoint: str, **values: object) -> str:
    """Absolute, also where no request is at hand."""
    path = app.url_map.bind("").build(endpoint, values)
    return f"{app.config['PUBLIC_URL']}{path}"
