"""Link tokens and the sessions that people begin with them."""

from datetime import datetime
from typing import Any

import msgspec

from ..clock import iso
from ..fields import without_nulls
from ..store import Store


class LinkToken(msgspec.Struct, kw_only=True):
    """What /link/token/create was asked for; `item_id` is set in update mode."""

    link_token: str
    created_at: datetime
    expires_at: datetime
    client_name: str
    client_user_id: str
    language: str
    country_codes: list[str]
    products: list[str]
    webhook: str
    redirect_uri: str | None
    institution_id: str | None
    days_requested: int | None
    item_id: str | None
    account_selection: bool
    account_filters: dict[str, Any]


class Session(msgspec.Struct, kw_only=True):
    """One walk through Link."""

    link_session_id: str
    link_token: str
    started_at: datetime
    pane: str
    institution_id: str | None = None
    username: str = ""
    password: str = ""
    mfa: str = ""
    mfa_round: int = 0
    oauth_state_id: str | None = None
    oauth_done: bool = False
    chosen: list[int] = []
    events: list[dict[str, Any]] = []
    public_token: str | None = None
    success: dict[str, Any] | None = None
    exit: dict[str, Any] | None = None
    error_code: str | None = None
    finished_at: datetime | None = None


# What a session of another product would have brought.
_NO_RESULTS: dict[str, Any] = {
    "bank_income_results": [],
    "cra_item_add_results": [],
    "cra_update_results": [],
    "document_income_results": {
        "num_1099s_uploaded": 0,
        "num_bank_statements_uploaded": 0,
        "num_i20s_uploaded": 0,
        "num_paystubs_uploaded": 0,
        "num_w2s_uploaded": 0,
    },
    "payroll_income_results": [],
}
_token_decoder = msgspec.json.Decoder(LinkToken)
_session_decoder = msgspec.json.Decoder(Session)


def save_link_token(store: Store, link: LinkToken) -> None:
    with store.writing() as connection:
        connection.execute(
            "INSERT INTO link_tokens VALUES (?, ?)",
            (link.link_token, msgspec.json.encode(link)),
        )


def find_link_token(store: Store, link_token: str) -> LinkToken | None:
    row = store.connection.execute(
        "SELECT state FROM link_tokens WHERE link_token = ?", (link_token,)
    ).fetchone()
    return _token_decoder.decode(row["state"]) if row else None


def save_session(store: Store, session: Session) -> None:
    with store.writing() as connection:
        connection.execute(
            "INSERT INTO link_sessions VALUES (?, ?, ?, ?) ON CONFLICT"
            " (link_session_id) DO UPDATE SET state = excluded.state,"
            " oauth_state_id = excluded.oauth_state_id",
            (
                session.link_session_id,
                session.link_token,
                session.oauth_state_id,
                msgspec.json.encode(session),
            ),
        )


def find_session(
    store: Store, *, link_session_id: str = "", oauth_state_id: str = ""
) -> Session | None:
    row = store.connection.execute(
        "SELECT state FROM link_sessions WHERE link_session_id = ?"
        " OR oauth_state_id = ?",
        (link_session_id, oauth_state_id),
    ).fetchone()
    return _session_decoder.decode(row["state"]) if row else None


def list_sessions(store: Store, link_token: str) -> list[dict[str, Any]]:
    """The link_sessions of /link/token/get."""
    rows = store.connection.execute(
        "SELECT state FROM link_sessions WHERE link_token = ? ORDER BY rowid",
        (link_token,),
    )
    return [_session_json(_session_decoder.decode(row["state"])) for row in rows]


def _session_json(session: Session) -> dict[str, Any]:
    body: dict[str, Any] = {
        "events": [
            {
                "event_id": f"{session.link_session_id}-{number}",
                "event_metadata": {"request_id": event["metadata"]["request_id"]},
                "event_name": event["name"],
                "timestamp": event["metadata"]["timestamp"],
            }
            for number, event in enumerate(session.events)
        ],
        "finished_at": iso(session.finished_at) if session.finished_at else None,
        "link_session_id": session.link_session_id,
        "started_at": iso(session.started_at),
    }
    if session.success:
        success = without_nulls(session.success)
        added = {
            "accounts": success["metadata"]["accounts"],
            "institution": success["metadata"]["institution"],
            "public_token": success["public_token"],
        }
        body["on_success"] = success
        body["results"] = {**_NO_RESULTS, "item_add_results": [added]}
    if session.exit and session.exit["error"]:
        body["exit"] = body["on_exit"] = {
            "error": session.exit["error"],
            "metadata": without_nulls(session.exit["metadata"]),
        }
    return body
