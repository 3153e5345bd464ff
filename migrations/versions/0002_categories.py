"""Plaid's personal finance categories (taxonomy v2) with labels and chart colours.

Source: plaid.com/documents/pfc-taxonomy-all.csv. A code that is not here is shown as
uncategorised, never refused.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TAXONOMY = {
    "INCOME": (
        "CHILD_SUPPORT CONTRACTOR DIVIDENDS GIG_ECONOMY INTEREST_EARNED "
        "LONG_TERM_DISABILITY MILITARY RENTAL RETIREMENT_PENSION SALARY "
        "TAX_REFUND UNEMPLOYMENT OTHER"
    ),
    "LOAN_DISBURSEMENTS": (
        "AUTO CASH_ADVANCES EWA MORTGAGE PERSONAL STUDENT OTHER_DISBURSEMENT"
    ),
    "LOAN_PAYMENTS": (
        "BNPL CAR_PAYMENT CASH_ADVANCES CREDIT_CARD_PAYMENT EWA "
        "MORTGAGE_PAYMENT PERSONAL_LOAN_PAYMENT STUDENT_LOAN_PAYMENT "
        "OTHER_PAYMENT"
    ),
    "TRANSFER_IN": (
        "ACCOUNT_TRANSFER DEPOSIT INVESTMENT_AND_RETIREMENT_FUNDS SAVINGS "
        "TRANSFER_IN_FROM_APPS WIRE OTHER_TRANSFER_IN"
    ),
    "TRANSFER_OUT": (
        "ACCOUNT_TRANSFER CRYPTO INVESTMENT_AND_RETIREMENT_FUNDS SAVINGS "
        "TRANSFER_OUT_FROM_APPS WIRE WITHDRAWAL OTHER_TRANSFER_OUT"
    ),
    "BANK_FEES": (
        "ATM_FEES INSUFFICIENT_FUNDS INTEREST_CHARGE FOREIGN_TRANSACTION_FEES "
        "OVERDRAFT_FEES LATE_FEES CASH_ADVANCE OTHER_BANK_FEES"
    ),
    "ENTERTAINMENT": (
        "CASINOS_AND_GAMBLING MUSIC_AND_AUDIO "
        "SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS TV_AND_MOVIES VIDEO_GAMES "
        "OTHER_ENTERTAINMENT"
    ),
    "FOOD_AND_DRINK": (
        "BEER_WINE_AND_LIQUOR COFFEE FAST_FOOD GROCERIES RESTAURANT "
        "VENDING_MACHINES OTHER_FOOD_AND_DRINK"
    ),
    "GENERAL_MERCHANDISE": (
        "BOOKSTORES_AND_NEWSSTANDS CLOTHING_AND_ACCESSORIES CONVENIENCE_STORES "
        "DEPARTMENT_STORES DISCOUNT_STORES ELECTRONICS GIFTS_AND_NOVELTIES "
        "OFFICE_SUPPLIES ONLINE_MARKETPLACES PET_SUPPLIES SPORTING_GOODS "
        "SUPERSTORES TOBACCO_AND_VAPE OTHER_GENERAL_MERCHANDISE"
    ),
    "HOME_IMPROVEMENT": (
        "FURNITURE HARDWARE REPAIR_AND_MAINTENANCE SECURITY OTHER_HOME_IMPROVEMENT"
    ),
    "MEDICAL": (
        "DENTAL_CARE EYE_CARE NURSING_CARE PHARMACIES_AND_SUPPLEMENTS "
        "PRIMARY_CARE VETERINARY_SERVICES OTHER_MEDICAL"
    ),
    "PERSONAL_CARE": (
        "GYMS_AND_FITNESS_CENTERS HAIR_AND_BEAUTY LAUNDRY_AND_DRY_CLEANING "
        "OTHER_PERSONAL_CARE"
    ),
    "GENERAL_SERVICES": (
        "ACCOUNTING_AND_FINANCIAL_PLANNING AUTOMOTIVE CHILDCARE "
        "CONSULTING_AND_LEGAL EDUCATION INSURANCE POSTAGE_AND_SHIPPING STORAGE "
        "OTHER_GENERAL_SERVICES"
    ),
    "GOVERNMENT_AND_NON_PROFIT": (
        "DONATIONS GOVERNMENT_DEPARTMENTS_AND_AGENCIES TAX_PAYMENT "
        "OTHER_GOVERNMENT_AND_NON_PROFIT"
    ),
    "TRANSPORTATION": (
        "BIKES_AND_SCOOTERS GAS PARKING PUBLIC_TRANSIT TAXIS_AND_RIDE_SHARES "
        "TOLLS OTHER_TRANSPORTATION"
    ),
    "TRAVEL": ("FLIGHTS LODGING RENTAL_CARS OTHER_TRAVEL"),
    "RENT_AND_UTILITIES": (
        "GAS_AND_ELECTRICITY INTERNET_AND_CABLE RENT "
        "SEWAGE_AND_WASTE_MANAGEMENT TELEPHONE WATER OTHER_UTILITIES"
    ),
    "OTHER": ("OTHER"),
}
LABELS = {
    "ATM_FEES": "ATM fees",
    "BNPL": "Buy now, pay later",
    "EWA": "Earned wage access",
    "TV_AND_MOVIES": "TV & movies",
    "TRANSFER_IN": "Transfers in",
    "TRANSFER_OUT": "Transfers out",
    "TRANSFER_IN_FROM_APPS": "From payment apps",
    "TRANSFER_OUT_FROM_APPS": "To payment apps",
}


def label(code: str) -> str:
    words = code.replace("_AND_", " & ").replace("_", " ")
    return LABELS.get(code, words.capitalize())


def rows() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for colour, (primary, parts) in enumerate(TAXONOMY.items()):
        found.append(
            {"code": primary, "parent_code": None, "label": label(primary),
             "colour_index": colour}
        )  # fmt: skip
        found.extend(
            {"code": f"{primary}_{part}", "parent_code": primary,
             "label": label(part), "colour_index": colour}
            for part in parts.split()
        )  # fmt: skip
    return found


def upgrade() -> None:
    categories = sa.table(
        "categories",
        sa.column("code"),
        sa.column("parent_code"),
        sa.column("label"),
        sa.column("colour_index"),
    )
    op.bulk_insert(categories, rows())


def downgrade() -> None:
    op.execute("DELETE FROM categories")
