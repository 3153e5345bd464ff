"""Routes of Link: the script for the host page, and the frame with the panes."""

from flask import Blueprint

link = Blueprint("link", __name__)
