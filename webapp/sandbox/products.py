"""The products, countries and languages that a request may name."""

# How the paths of products begin that a client of this bank has not got.
NOT_ENABLED = frozenset(
    "asset_report bank_transfer beacon beta cashflow_report cra credit employment "
    "identity identity_verification income investments liabilities payment_initiation "
    "processor protect signal statements transfer wallet watchlist_screening".split()
)
ENABLED = ("auth", "identity", "recurring_transactions", "transactions")
PRODUCTS = (
    *ENABLED,
    "assets",
    "balance",
    "balance_plus",
    "beacon",
    "cra_base_report",
    "cra_cashflow_insights",
    "cra_income_insights",
    "cra_lend_score",
    "cra_monitoring",
    "cra_network_insights",
    "cra_partner_insights",
    "cra_plaid_credit_score",
    "credit_details",
    "employment",
    "identity_match",
    "identity_verification",
    "income",
    "income_verification",
    "investments",
    "investments_auth",
    "layer",
    "liabilities",
    "pay_by_bank",
    "payment_initiation",
    "processor_identity",
    "processor_payments",
    "profile",
    "protect_linked_bank",
    "protect_onboarding",
    "signal",
    "standing_orders",
    "statements",
    "transactions_refresh",
    "transfer",
)
COUNTRIES = (
    "US",
    "GB",
    "ES",
    "NL",
    "FR",
    "IE",
    "CA",
    "DE",
    "IT",
    "PL",
    "DK",
    "NO",
    "SE",
    "EE",
    "LT",
    "LV",
    "PT",
    "BE",
    "AT",
    "FI",
)
LANGUAGES = (
    "da",
    "nl",
    "en",
    "et",
    "fr",
    "de",
    "hi",
    "it",
    "lv",
    "lt",
    "no",
    "pl",
    "pt",
    "ro",
    "es",
    "sv",
    "vi",
)
EXPIRING_COUNTRIES = frozenset(COUNTRIES) - {"US", "CA"}
CONSENT_DAYS = 180
DAYS_REQUESTED = (1, 730)
