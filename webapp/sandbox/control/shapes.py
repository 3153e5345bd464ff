"""What may be changed of a transaction from outside, and what a new one needs."""

from .. import fields
from ..fields import Schema

ROW: Schema = {
    "account_id": fields.text(),
    "amount": fields.number(required=True),
    "date_posted": fields.day(required=True),
    "date_transacted": fields.day(required=True),
    "description": fields.text(required=True),
    "iso_currency_code": fields.text(3),
    "pending_transaction_id": fields.text(),
}
ROWS: Schema = {
    "quiet": fields.boolean(),
    "transactions": fields.groups(ROW, longest=500, shortest=1, required=True),
}
REPEAT: Schema = {"count": fields.integer(1, 100_000), "quiet": fields.boolean()}
CHANGES: Schema = {
    "account_id": fields.text(),
    "amount": fields.number(),
    "authorized_date": fields.day(),
    "check_number": fields.text(),
    "date": fields.day(),
    "merchant_name": fields.text(),
    "name": fields.text(),
    "payment_channel": fields.one_of("online", "in store", "other"),
    "quiet": fields.boolean(),
}
