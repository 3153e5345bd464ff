"""The view `ledger`: one definition of money flow, and the reason for it.

Pages, charts, API and exports read it; none computes a flow of its own. The first rule
that applies decides. `flow` says how a row counts, `reason` why, `in_review` that the
person should have a look. Pending rows get a flow too and stay out of totals. Rows of
a bank that is being removed are gone from the moment the person removed it.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LEDGER = """
CREATE VIEW ledger WITH (security_invoker = true) AS
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
WHERE t.removed_at IS NULL AND i.state NOT IN ('removing', 'removed')
"""


def upgrade() -> None:
    op.execute(LEDGER)


def downgrade() -> None:
    op.execute("DROP VIEW ledger")
