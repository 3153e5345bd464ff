"""What a person has and owes, by currency."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from webapp.ledger.banks import Bank


@dataclass(frozen=True)
class NetWorth:
    """Debts are a negative number; net is what is left."""

    currency: str
    assets: Decimal
    debts: Decimal

    @property
    def net(self) -> Decimal:
        return self.assets + self.debts


def net_worth(banks: Iterable[Bank]) -> list[NetWorth]:
    """By currency, the largest first; hidden accounts are not in it.

    The balance decides, not the kind of account: an overpaid card is something you
    have, an overdrawn account something you owe.
    """
    sums: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
    for bank in banks:
        for account in bank.accounts:
            if account.balance is not None and not account.is_hidden:
                sums[account.currency][account.balance < 0] += account.balance
    found = [NetWorth(currency, *pair) for currency, pair in sums.items()]
    return sorted(found, key=lambda line: (-abs(line.assets), line.currency))
