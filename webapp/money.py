"""Exact money: Decimals with their currency's minor unit. Pure."""

from decimal import ROUND_HALF_EVEN, Decimal

# ISO 4217 (list one): currencies whose minor unit is not two digits.
_MINOR_UNITS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
_STEPS = {digits: Decimal(1).scaleb(-digits) for digits in (0, 2, 3, 4, 10)}
SCALE = 10  # of NUMERIC(28,10)


def minor_digits(currency: str) -> int:
    """Digits after the point of an ISO 4217 currency: USD 2, JPY 0, KWD 3."""
    return _MINOR_UNITS.get(currency, 2)


def round_iso(amount: Decimal, currency: str) -> Decimal:
    """`amount` rounded half-even to the minor unit of the ISO `currency`."""
    return amount.quantize(_STEPS[minor_digits(currency)], ROUND_HALF_EVEN)


def round_unofficial(amount: Decimal) -> Decimal:
    """`amount` in a code outside ISO 4217 (crypto, points), to ten places."""
    if amount.as_tuple().exponent >= -SCALE:  # type: ignore[operator]
        return amount
    return amount.quantize(_STEPS[10], rounding=ROUND_HALF_EVEN)
