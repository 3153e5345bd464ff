"""What the browser posts about a bank."""

import uuid

from flask_wtf import FlaskForm
from wtforms import HiddenField, SelectMultipleField
from wtforms.validators import AnyOf, DataRequired, Length


class SuccessForm(FlaskForm):
    """Plaid Link's onSuccess: the public token and its metadata as JSON."""

    public_token = HiddenField(validators=[DataRequired(), Length(max=300)])
    metadata = HiddenField(validators=[Length(max=100_000)])


class ExitForm(FlaskForm):
    """Plaid Link's onExit: an error or nothing, and its metadata, both as JSON."""

    error = HiddenField(validators=[Length(max=20_000)])
    metadata = HiddenField(validators=[Length(max=20_000)])


class RemovalForm(FlaskForm):
    """The end of a connection, and what becomes of what was read."""

    history = HiddenField(validators=[AnyOf(["keep", "delete"])])


class AdoptionForm(FlaskForm):
    """The plan that the person saw, and the doubtful pairs that are not one."""

    agreed = HiddenField(validators=[DataRequired(), Length(max=64)])
    apart = SelectMultipleField(coerce=uuid.UUID, validate_choice=False)


class ChoiceForm(FlaskForm):
    """Of a bank that is linked already: repair that link, link it too, or leave it."""

    answer = HiddenField(validators=[AnyOf(["repair", "second", "leave"])])
