"""Routes of the control API: the world of one item, edited from outside."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
from flask import Response, request

from .. import edits
from ..account import account_json, add_account, list_accounts, save_account
from ..bank import Bank
from ..clock import iso
from ..errors import PlaidError
from ..fields import check_body
from ..ids import opaque_id
from ..item import Item, find_item
from ..pending import post
from ..transaction import parse
from ..webhook import Changes, send, tell_changes
from ..worlds import Account
from .happenings import happen
from .requests import control, given, given_money, reply, this_bank
from .shapes import CHANGES, REPEAT, ROWS


def item_summary(bank: Bank, item: Item) -> dict[str, Any]:
    connection = bank.store.connection
    held = list_accounts(connection, item, everything=True)
    total, waiting = connection.execute(
        "SELECT count(*), count(posts_on) FROM transactions"
        " WHERE item = ? AND NOT removed",
        (item.number,),
    ).fetchone()
    expires = item.consent_expires_at
    return {
        "access_token": item.access_token,
        "accounts": [
            {
                **account_json(one),
                "revoked": one.account.revoked,
                "shared": one.account.shared,
            }
            for one in held
        ],
        "consent_expires_at": iso(expires) if expires else None,
        "created_at": iso(item.created_at),
        "error_code": item.error_code,
        "institution_id": item.institution_id,
        "institution_name": item.institution.name,
        "item_id": item.item_id,
        "pending": waiting,
        "transactions": total,
        "username": item.username,
        "webhook": item.webhook,
    }


@control.get("/items/<item_id>/transactions")
def list_transactions(item_id: str) -> Response:
    bank = this_bank()
    item = find_item(bank.store.connection, item_id=item_id)
    if item is None:
        raise PlaidError("ITEM_NOT_FOUND")
    only = " AND posts_on IS NOT NULL" if request.args.get("pending") == "1" else ""
    rows = bank.store.connection.execute(
        "SELECT * FROM transactions WHERE item = ? AND NOT removed"  # noqa: S608
        f"{only} ORDER BY posted_on DESC, seq",
        (item.number,),
    )
    shown = [{**parse(row["body"]), "posts_on": row["posts_on"]} for row in rows]
    return reply({"transactions": shown})


@control.post("/items/<item_id>/transactions")
def add_transactions(item_id: str) -> Response:
    bank, body = this_bank(), _checked(ROWS)
    with bank.editing(item_id) as (connection, item):
        ids = edits.add(bank, connection, item, body["transactions"])
        _tell(bank, connection, item, Changes(added=len(ids)), body)
    return reply({"ids": ids})


@control.post("/items/<item_id>/transactions/<transaction_id>")
def change_transaction(item_id: str, transaction_id: str) -> Response:
    bank, body = this_bank(), _checked(CHANGES)
    apart = ("quiet", "account_id")
    fields = {name: value for name, value in body.items() if name not in apart}
    with bank.editing(item_id) as (connection, item):
        row = edits.find_row(connection, item, transaction_id)
        if "account_id" in body:
            row = edits.move(connection, item, row, body["account_id"])
        edits.change(connection, item, row, fields)
        _tell(bank, connection, item, Changes(modified=1), body)
    return reply({})


@control.post("/items/<item_id>/transactions/<transaction_id>/post")
def post_transaction(item_id: str, transaction_id: str) -> Response:
    bank, body = this_bank(), _checked(CHANGES)
    with bank.editing(item_id) as (connection, item):
        row = edits.find_row(connection, item, transaction_id)
        if row["posts_on"] is None:
            raise PlaidError("INVALID_FIELD", "the transaction is not pending")
        if "account_id" in body:
            row = edits.move(connection, item, row, body["account_id"])
        held = list_accounts(connection, item, everything=True)
        on = date.fromisoformat(body.get("date") or bank.clock.today().isoformat())
        amount = Decimal(str(body["amount"])) if "amount" in body else None
        new_id = post(connection, row, held, on, amount)
        _tell(bank, connection, item, Changes(1, 0, (transaction_id,)), body)
    return reply({"id": new_id})


@control.post("/items/<item_id>/transactions/<transaction_id>/remove")
def remove_transaction(item_id: str, transaction_id: str) -> Response:
    bank, body = this_bank(), given()
    with bank.editing(item_id) as (connection, item):
        row = edits.find_row(connection, item, transaction_id)
        edits.remove(connection, item, row)
        _tell(bank, connection, item, Changes(removed=(transaction_id,)), body)
    return reply({})


@control.post("/items/<item_id>/repeat")
def repeat(item_id: str) -> Response:
    bank, body = this_bank(), _checked(REPEAT)
    with bank.editing(item_id) as (connection, item):
        count = edits.repeat(connection, item, body.get("count", 1))
        _tell(bank, connection, item, Changes(modified=count), body)
    return reply({"count": count})


@control.post("/items/<item_id>/accounts")
def open_account(item_id: str) -> Response:
    """A new account at the bank; the app learns of it and may ask for it."""
    bank, body = this_bank(), given_money()
    quiet = body.pop("quiet", False)
    account = msgspec.convert({**body, "shared": False}, Account)
    if account.available is None and account.type == "depository":
        account.available = account.current
    with bank.editing(item_id) as (connection, item):
        held = add_account(connection, item, opaque_id(), account)
        item.accounts_changed = True
        if not quiet:
            send(connection, item, "ITEM", "NEW_ACCOUNTS_AVAILABLE", error=None)
    return reply({"account_id": held.account_id})


@control.post("/items/<item_id>/accounts/<account_id>/revoke")
def revoke_account(item_id: str, account_id: str) -> Response:
    bank, body = this_bank(), given()
    with bank.editing(item_id) as (connection, item):
        accounts = list_accounts(connection, item, everything=True)
        held = next((one for one in accounts if one.account_id == account_id), None)
        if held is None:
            raise PlaidError("INVALID_ACCOUNT_ID")
        held.account.revoked = True
        save_account(connection, held)
        if not body.get("quiet"):
            code = "USER_ACCOUNT_REVOKED"
            send(connection, item, "ITEM", code, account_id=account_id)
    return reply({})


@control.post("/items/<item_id>/event")
def event(item_id: str) -> Response:
    bank, body = this_bank(), given()
    with bank.editing(item_id) as (connection, item):
        happen(bank, connection, item, body)
    return reply({"item": item_summary(bank, item)})


def _checked(schema: Any) -> dict[str, Any]:
    return check_body(schema, given_money())


def _tell(
    bank: Bank, connection: Any, item: Item, changes: Changes, body: dict[str, Any]
) -> None:
    if not body.get("quiet"):
        tell_changes(bank, connection, item, changes)
