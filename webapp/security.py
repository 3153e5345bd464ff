"""Headers of every answer: a strict CSP with a nonce, and what Link needs beside it."""

import secrets
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request

# Endpoints whose page opens Plaid Link: the only ones that may load its script.
LINK_PAGES = {"accounts.link_session", "accounts.link_return"}


def init_app(app: Flask) -> None:
    app.jinja_env.globals["csp_nonce"] = csp_nonce
    app.after_request(add_headers)


def csp_nonce() -> str:
    """One nonce a request."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(18)
    return str(g.csp_nonce)


def add_headers(response: Response) -> Response:
    on_link_page = request.endpoint in LINK_PAGES and response.status_code == 200
    headers = response.headers
    headers["Content-Security-Policy"] = content_policy(on_link_page)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["X-Frame-Options"] = "DENY"
    headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    # bank sign-in opens a window of its own, which same-origin would cut off
    headers["Cross-Origin-Opener-Policy"] = (
        "same-origin-allow-popups" if on_link_page else "same-origin"
    )
    if request.endpoint != "static" or response.status_code >= 400:
        headers.setdefault("Cache-Control", "no-store")
    if current_app.config["PUBLIC_URL"].startswith("https:"):
        headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def content_policy(on_link_page: bool) -> str:
    nonce = f"'nonce-{csp_nonce()}'"
    rules = {
        "default-src": "'none'",
        "script-src": nonce,
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "object-src": "'none'",
        "frame-ancestors": "'none'",
    }
    if on_link_page:
        script = current_app.config["PLAID_LINK_SCRIPT_URL"]
        rules["script-src"] += f" {script}"
        rules["frame-src"] = _origin(script)
        rules["connect-src"] += f" {_origin(current_app.config['PLAID_HOST'])}"
        rules["style-src"] += f" {nonce}"
        rules["style-src-attr"] = "'unsafe-inline'"
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
