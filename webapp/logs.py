"""Log lines as text or JSON, each with the id of its request."""

import json
import logging
import sys
import uuid

from flask import Flask, Response, g, has_request_context, request

TEXT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"


def init_app(app: Flask) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_add_request_id)
    as_json = app.config["LOG_FORMAT"] == "json"
    handler.setFormatter(JsonFormatter() if as_json else logging.Formatter(TEXT))
    logger = logging.getLogger("webapp")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    app.after_request(_show_request_id)


def request_id() -> str:
    """The id of the request at hand, '-' outside of one."""
    if not has_request_context():
        return "-"
    if "request_id" not in g:
        g.request_id = uuid.uuid4().hex[:16]
    return str(g.request_id)


def _add_request_id(record: logging.LogRecord) -> bool:
    record.request_id = request_id()
    return True


def _show_request_id(response: Response) -> Response:
    if request.endpoint != "static":
        response.headers["X-Request-Id"] = request_id()
    return response


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": self.formatTime(record),
            "level": record.levelname,
            "logger": record.name,
            "request_id": request_id(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)
