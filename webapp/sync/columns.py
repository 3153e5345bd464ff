"""Whose a column of `transactions` is, the bank's or the user's; lists as SQL."""

from webapp.sync.rows import COLUMNS

# The bank's columns of `transactions` that a later version may change.
BANK = [name for name in COLUMNS if name not in ("seq", "id", "plaid_account_id")]
CHANGING = ["bank_account_id", *(n for n in BANK if n != "plaid_transaction_id")]
# The user's columns, which a posted row takes over from its pending one.
USERS = ["user_category", "user_name", "note", "excluded", "reviewed_at"]

# What a person wants to hear of when it changes on a row that he worked on (ADR 6). Of
# a posting, another day is no news.
NEWS_OF_POSTING = """
    amount currency bank_account_id name merchant_name category_primary
    category_detailed
""".split()
NEWS = [*NEWS_OF_POSTING, "date", "pending"]


def listed(names: list[str], prefix: str = "") -> str:
    return ", ".join(prefix + name for name in names)


def quoted(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def touched(row: str) -> str:
    """True of a row on which the user did anything."""
    nothing = "(NULL, NULL, NULL, false, NULL)"
    return f"({listed(USERS, row + '.')}) IS DISTINCT FROM {nothing}"
