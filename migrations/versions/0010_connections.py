"""The life of a bank connection: notices, history that outlives it, the last try.

The view `ledger` counts the rows of a bank that its owner disconnected and kept; those
of one that is being erased are gone from the moment the person asked for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

LEDGER = """
CREATE OR REPLACE VIEW ledger WITH (security_invoker = true) AS
SELECT t.user_id, t.id, t.bank_account_id, t.date, t.amount, t.currency, t.pending,
       c.category_primary, c.category_detailed, r.reason,
       CASE r.reason
           WHEN 'excluded_by_user' THEN 'excluded'
           WHEN 'hidden_account' THEN 'excluded'
           WHEN 'card_payment' THEN 'card_payment'
           WHEN 'transfer' THEN 'transfer'
           WHEN 'loan_disbursement' THEN 'transfer'
           WHEN 'deposit' THEN 'income'
           WHEN 'income' THEN 'income'
           WHEN 'uncategorised_in' THEN 'income'
           WHEN 'refund' THEN 'refund'
           WHEN 'cash_withdrawal' THEN
               CASE WHEN t.amount > 0 THEN 'income' ELSE 'spending' END
           WHEN 'payment_app' THEN
               CASE WHEN t.amount > 0 THEN 'income' ELSE 'spending' END
           ELSE 'spending'  -- spending, loan_payment
       END AS flow,
       r.reason IN ('cash_withdrawal', 'payment_app', 'deposit', 'transfer',
                    'loan_disbursement', 'uncategorised_in') AS in_review
FROM transactions t
JOIN bank_accounts a ON a.user_id = t.user_id AND a.id = t.bank_account_id
JOIN plaid_items i ON i.user_id = a.user_id AND i.id = a.plaid_item_id
LEFT JOIN categories u ON u.code = t.user_category
CROSS JOIN LATERAL (
    SELECT CASE WHEN t.user_category IS NULL THEN t.category_primary
                ELSE coalesce(u.parent_code, t.user_category) END AS category_primary,
           coalesce(t.user_category, t.category_detailed) AS category_detailed
) c
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN t.excluded THEN 'excluded_by_user'
        WHEN a.hidden_at IS NOT NULL THEN 'hidden_account'
        WHEN c.category_detailed = 'LOAN_PAYMENTS_CREDIT_CARD_PAYMENT'
            THEN 'card_payment'
        WHEN c.category_primary = 'LOAN_PAYMENTS' THEN 'loan_payment'
        WHEN c.category_detailed = 'TRANSFER_OUT_WITHDRAWAL' THEN 'cash_withdrawal'
        WHEN c.category_detailed IN ('TRANSFER_IN_TRANSFER_IN_FROM_APPS',
                                     'TRANSFER_OUT_TRANSFER_OUT_FROM_APPS')
            THEN 'payment_app'
        WHEN c.category_detailed = 'TRANSFER_IN_DEPOSIT' THEN 'deposit'
        WHEN c.category_primary IN ('TRANSFER_IN', 'TRANSFER_OUT') THEN 'transfer'
        WHEN c.category_primary = 'LOAN_DISBURSEMENTS' THEN 'loan_disbursement'
        WHEN c.category_primary = 'INCOME' THEN 'income'
        WHEN t.amount <= 0 THEN 'spending'
        WHEN c.category_primary IS NULL THEN 'uncategorised_in'
        ELSE 'refund'
    END AS reason
) r
WHERE t.removed_at IS NULL AND i.state {condition}
"""
COUNTED, COUNTED_BEFORE = "<> 'removing'", "NOT IN ('removing', 'removed')"


def upgrade() -> None:
    instant = sa.DateTime(timezone=True)
    op.add_column("plaid_items", sa.Column("notice_of", sa.Text(), nullable=True))
    op.add_column("plaid_items", sa.Column("bank_failed_at", instant, nullable=True))
    op.add_column("plaid_items", sa.Column("removed_at", instant, nullable=True))
    yes = sa.text("true")
    op.add_column(
        "users",
        sa.Column("bank_mails", sa.Boolean(), server_default=yes, nullable=False),
    )
    op.execute(LEDGER.replace("{condition}", COUNTED))


def downgrade() -> None:
    op.execute(LEDGER.replace("{condition}", COUNTED_BEFORE))
    op.drop_column("users", "bank_mails")
    for name in ("removed_at", "bank_failed_at", "notice_of"):
        op.drop_column("plaid_items", name)
