"""The same job as many people do it: plaid-python's own models, the ORM's add_all.

It reads the pages of the bank that is linked already, into the same table.
"""

import json
import time
from decimal import Decimal
from typing import Any

import plaid
from plaid.api.plaid_api import PlaidApi
from plaid.model.personal_finance_category_version import PersonalFinanceCategoryVersion
from plaid.model.transactions_sync_request import TransactionsSyncRequest
from plaid.model.transactions_sync_request_options import TransactionsSyncRequestOptions
from sqlalchemy import select

from benchmarks.programs.link import Linked, the_only_one
from benchmarks.programs.memory import peak_mib
from config import Config, load
from webapp.app import create_app
from webapp.extensions import db
from webapp.models import BankAccount, Transaction
from webapp.plaid.client import PAGE
from webapp.worker import tools_of


def main() -> None:
    config = load()
    app = create_app(config)
    with app.app_context():
        linked = the_only_one(tools_of(app))
        api = client(config)
        began = time.perf_counter()
        read, count = sync(api, linked)
        figures = {
            "seconds": time.perf_counter() - began,
            "read": read,
            "added": count,
            "peak_mib": peak_mib(),
        }
    print(json.dumps(figures))


def client(config: Config) -> PlaidApi:
    keys = {"clientId": config.PLAID_CLIENT_ID, "secret": config.PLAID_SECRET}
    settings = plaid.Configuration(host=config.PLAID_HOST, api_key=keys)
    return PlaidApi(plaid.ApiClient(settings))


def sync(api: PlaidApi, linked: Linked) -> tuple[float, int]:
    """Seconds of reading, and rows. Commits once, as the real one does."""
    accounts = {
        account.plaid_account_id: account.id
        for account in db.session.scalars(select(BankAccount))
    }
    db.session.commit()  # no transaction may lie open for as long as the bank is read
    reading, count, cursor, has_more = 0.0, 0, "", True
    while has_more:
        began = time.perf_counter()
        page = api.transactions_sync(request(linked.access_token, cursor))
        reading += time.perf_counter() - began
        db.session.add_all(row(linked, accounts, t) for t in page["added"])
        count += len(page["added"])
        cursor, has_more = page["next_cursor"], page["has_more"]
    db.session.commit()
    return reading, count


def request(access_token: str, cursor: str) -> TransactionsSyncRequest:
    return TransactionsSyncRequest(
        access_token=access_token,
        cursor=cursor,
        count=PAGE,
        options=TransactionsSyncRequestOptions(
            include_original_description=True,
            personal_finance_category_version=PersonalFinanceCategoryVersion("v2"),
        ),
    )


def row(linked: Linked, accounts: dict[str, Any], t: Any) -> Transaction:
    category = t["personal_finance_category"]
    amount = Decimal(str(t["amount"]))
    return Transaction(
        user_id=linked.user_id,
        bank_account_id=accounts[t["account_id"]],
        plaid_transaction_id=t["transaction_id"],
        pending_transaction_id=t["pending_transaction_id"],
        date=t["date"],
        authorized_date=t["authorized_date"],
        authorized_at=t["authorized_datetime"],
        amount=-amount,
        currency=t["iso_currency_code"],
        plaid_amount=amount,
        pending=t["pending"],
        name=t["name"],
        merchant_name=t["merchant_name"],
        merchant_entity_id=t["merchant_entity_id"],
        original_description=t["original_description"],
        category_primary=category["primary"],
        category_detailed=category["detailed"],
        category_confidence=category["confidence_level"],
        payment_channel=t["payment_channel"],
        check_number=t["check_number"],
        bank_facts={
            "location": t["location"].to_dict(),
            "counterparties": [one.to_dict() for one in t["counterparties"]],
        },
    )


main()
