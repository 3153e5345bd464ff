"""The WSGI entry point: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

import sys

from config import SettingsError, load
from webapp.app import create_app

try:
    app = create_app(load())
except SettingsError as error:
    sys.exit(str(error))
