"""The gateway alone: no app, no database; the bank's process and raw sockets."""

import pytest

from tests.bank import Bank
from webapp.plaid.client import PlaidClient


@pytest.fixture(scope="session")
def client_of_bank(running_bank: Bank) -> PlaidClient:
    """plaid-python takes a tenth of a second to make one."""
    return PlaidClient(running_bank.url, "sandbox", "sandbox")


@pytest.fixture
def plaid(bank: Bank, client_of_bank: PlaidClient) -> PlaidClient:
    """A client of the bank, which has nothing switched on."""
    return client_of_bank
