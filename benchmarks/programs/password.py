"""Give the one person in the database a password; prints the address."""

import json
import sys

from sqlalchemy import select

from config import load
from webapp.app import create_app
from webapp.auth.passwords import hash_password
from webapp.extensions import db
from webapp.models import User


def main(password: str) -> None:
    app = create_app(load())
    with app.app_context():
        user = db.session.scalars(select(User)).one()
        user.password_hash = hash_password(password)
        db.session.commit()
        print(json.dumps({"email": user.email}))


if __name__ == "__main__":
    main(sys.argv[1])
