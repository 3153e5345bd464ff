"""A page that embeds Link as an app does: nonce, strict policy, no inline styles."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Host</title>
<script nonce="n1" src="{bank}/link/v2/stable/link-initialize.js"></script></head>
<body><button id="connect">Connect a bank</button><pre id="log"></pre>
<script nonce="n1">
window.calls = [];
const note = (name) => (...values) => window.calls.push([name, ...values]);
window.handler = Plaid.create({{
  token: {token!r}, receivedRedirectUri: {received},
  onSuccess: note("success"), onExit: note("exit"), onEvent: note("event"),
  onLoad: note("load"),
}});
if ({received}) window.handler.open();
document.getElementById("connect").addEventListener("click", () => handler.open());
</script></body></html>"""


class _Page(BaseHTTPRequestHandler):
    bank = ""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        token = query.get("token", [""])[0]
        if "oauth_state_id" in query:
            token = type(self).token
        type(self).token = token
        received = "location.href" if "oauth_state_id" in query else "null"
        body = PAGE.format(bank=self.bank, token=token, received=received).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        policy = (
            f"default-src 'none'; script-src 'nonce-n1'; frame-src {self.bank};"
            " style-src 'self'; connect-src 'self'"
        )
        self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *values: object) -> None:
        pass


@contextmanager
def host_page(bank_url: str) -> Iterator[str]:
    """The address of the page; ?token= says with which link token it opens."""
    handler = type("Page", (_Page,), {"bank": bank_url, "token": ""})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()
