"""What a person decides for themselves."""

from flask_wtf import FlaskForm
from wtforms import BooleanField


class MailForm(FlaskForm):
    bank_mails = BooleanField(
        "Send me a mail when a bank needs me",
        description="One for each trouble: when a bank wants you to log in again, when"
        " its permission runs out, or when it ended the connection.",
    )
