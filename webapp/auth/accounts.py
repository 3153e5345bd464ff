"""Making people's accounts. Callers commit."""

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from webapp.auth.passwords import hash_password
from webapp.extensions import db
from webapp.models import User


class AddressTaken(Exception):
    """Somebody registered this e-mail address first."""


class UnknownAddress(LookupError):
    """Nobody has this e-mail address."""


def normalised(address: str) -> str | None:
    """The one spelling of an e-mail address under which it is kept, None for none."""
    try:
        found = validate_email(address.strip(), check_deliverability=False)
    except EmailNotValidError:
        return None
    return found.normalized.lower()


def find(address: str) -> User | None:
    email = normalised(address)
    if email is None:
        return None
    return db.session.scalar(select(User).where(User.email == email))


def register(
    *,
    email: str,
    password: str,
    first_name: str = "",
    last_name: str = "",
    time_zone: str = "UTC",
    is_admin: bool = False,
) -> User:
    """The new user, flushed. Raises AddressTaken, also when two come at once."""
    address = normalised(email)
    if address is None:
        raise ValueError(f"not an e-mail address: {email!r}")
    user = User(
        email=address,
        password_hash=hash_password(password),
        first_name=first_name,
        last_name=last_name,
        time_zone=time_zone,
        is_admin=is_admin,
    )
    try:
        with db.session.begin_nested():
            db.session.add(user)
    except IntegrityError as error:
        if error.orig.diag.constraint_name != "uq_users_email":  # type: ignore[union-attr]
            raise
        raise AddressTaken(address) from error
    return user


def make_admin(email: str) -> User:
    """Raises UnknownAddress."""
    user = find(email)
    if user is None:
        raise UnknownAddress(email)
    user.is_admin = True
    return user
