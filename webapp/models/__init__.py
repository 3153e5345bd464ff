"""Tables: columns, relationships and verbs on one row. No Flask, no HTTP, no commit."""

from webapp.models.adoption import AdoptedAccount, AdoptedTransaction, Adoption
from webapp.models.bank_account import BankAccount
from webapp.models.breaker import Breaker
from webapp.models.category import Category
from webapp.models.institution import Institution
from webapp.models.job import Job
from webapp.models.plaid_bucket import PlaidBucket
from webapp.models.plaid_item import ItemState, PlaidItem
from webapp.models.plaid_link_session import LinkStatus, PlaidLinkSession
from webapp.models.quarantined_transaction import QuarantinedTransaction
from webapp.models.rate_limit import RateLimit
from webapp.models.sync_run import SyncRun
from webapp.models.transaction import LedgerEntry, Transaction
from webapp.models.transaction_change import TransactionChange
from webapp.models.user import User
from webapp.models.webhook_event import WebhookEvent

__all__ = [
    "AdoptedAccount",
    "AdoptedTransaction",
    "Adoption",
    "BankAccount",
    "Breaker",
    "Category",
    "Institution",
    "ItemState",
    "Job",
    "LedgerEntry",
    "LinkStatus",
    "PlaidBucket",
    "PlaidItem",
    "PlaidLinkSession",
    "QuarantinedTransaction",
    "RateLimit",
    "SyncRun",
    "Transaction",
    "TransactionChange",
    "User",
    "WebhookEvent",
]
