import unicodedata

from flask_wtf import FlaskForm
from wtforms import EmailField, Field, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.auth import first_user
from webapp.auth.accounts import normalised
from webapp.auth.weak import weakness
from webapp.auth.zones import zone_or_utc

SHORTEST, LONGEST = 12, 128


def strip(value: str | None) -> str | None:
    return value.strip() if value else value


def no_control_characters(form: FlaskForm, field: Field) -> None:
    # PostgreSQL refuses NUL, logs and mail headers break at a line feed
    if any(unicodedata.category(sign) == "Cc" for sign in field.data or ""):
        raise ValidationError("Leave out the control characters.")


class LoginForm(FlaskForm):
    email = EmailField(
        "E-mail",
        [InputRequired("Enter your e-mail address.")],
        render_kw={"autocomplete": "username", "autofocus": True},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )


class LeaveForm(FlaskForm):
    password = PasswordField(
        "Your password",
        [InputRequired("Enter your password.")],
        render_kw={"autocomplete": "current-password"},
    )


class RegisterForm(FlaskForm):
    email = EmailField(
        "E-mail",
        [InputRequired("Enter your e-mail address.")],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Choose a password.")],
        description=f"At least {SHORTEST} characters. A few words are fine.",
        render_kw={"autocomplete": "new-password", "minlength": SHORTEST},
    )
    first_name = StringField(
        "First name (optional)",
        [Length(max=100), no_control_characters],
        filters=[strip],
        render_kw={"autocomplete": "given-name"},
    )
    last_name = StringField(
        "Last name (optional)",
        [Length(max=100), no_control_characters],
        filters=[strip],
        render_kw={"autocomplete": "family-name"},
    )
    time_zone = HiddenField(filters=[zone_or_utc])

    def validate_email(self, field: Field) -> None:
        address = normalised(field.data)
        if address is None:
            raise ValidationError("Enter an address such as name@example.com.")
        field.data = address

    # Lengths count Unicode code points. No maxlength in the page: browsers count
    # UTF-16 units, and would cut a password without a word.
    def validate_password(self, field: Field) -> None:
        if len(field.data) < SHORTEST:
            raise ValidationError(f"Use at least {SHORTEST} characters.")
        if len(field.data) > LONGEST:
            raise ValidationError(f"Use at most {LONGEST} characters.")
        reason = weakness(field.data, self.email.data or "")
        if reason:
            raise ValidationError(reason)


class FirstUserForm(RegisterForm):
    setup_token = StringField(
        "Setup token",
        [InputRequired("Enter the setup token.")],
        filters=[strip],
        description="The web server wrote it to its log when it started.",
        render_kw={"autocomplete": "off"},
    )

    def validate_setup_token(self, field: Field) -> None:
        if not first_user.is_token(field.data):
            raise ValidationError("This is not the token in the log.")
