"""plaid-python's strict models read what the bank answers."""

import datetime

import plaid
import pytest
from plaid.model.accounts_get_request import AccountsGetRequest
from plaid.model.country_code import CountryCode
from plaid.model.institutions_get_by_id_request import InstitutionsGetByIdRequest
from plaid.model.institutions_get_by_id_request_options import (
    InstitutionsGetByIdRequestOptions,
)
from plaid.model.item_get_request import ItemGetRequest
from plaid.model.item_public_token_exchange_request import (
    ItemPublicTokenExchangeRequest,
)
from plaid.model.item_remove_request import ItemRemoveRequest
from plaid.model.link_token_create_request import LinkTokenCreateRequest
from plaid.model.link_token_create_request_user import LinkTokenCreateRequestUser
from plaid.model.link_token_get_request import LinkTokenGetRequest
from plaid.model.link_token_transactions import LinkTokenTransactions
from plaid.model.products import Products
from plaid.model.sandbox_public_token_create_request import (
    SandboxPublicTokenCreateRequest,
)
from plaid.model.transactions_sync_request import TransactionsSyncRequest

from .conftest import Bank


def test_one_walk_from_link_token_to_removal(bank: Bank) -> None:
    client = bank.client
    created = client.link_token_create(
        LinkTokenCreateRequest(
            client_name="SmartBudget",
            language="en",
            country_codes=[CountryCode("US")],
            products=[Products("transactions")],
            transactions=LinkTokenTransactions(days_requested=730),
            user=LinkTokenCreateRequestUser(client_user_id="user-1"),
        )
    )
    found = client.link_token_get(LinkTokenGetRequest(link_token=created.link_token))
    assert found.metadata.initial_products == [Products("transactions")]
    public = client.sandbox_public_token_create(
        SandboxPublicTokenCreateRequest(
            institution_id="ins_109508", initial_products=[Products("transactions")]
        )
    )
    exchanged = client.item_public_token_exchange(
        ItemPublicTokenExchangeRequest(public_token=public.public_token)
    )
    token = exchanged.access_token
    accounts = client.accounts_get(AccountsGetRequest(access_token=token))
    assert len(accounts.accounts) == 14
    assert accounts.accounts[0].balances.available == 100
    item = client.item_get(ItemGetRequest(access_token=token))
    assert item.item.webhook == ""
    page = client.transactions_sync(
        TransactionsSyncRequest(access_token=token, count=60)
    )
    assert isinstance(page.added[0].date, datetime.date)
    institution = client.institutions_get_by_id(
        InstitutionsGetByIdRequest(
            institution_id="ins_109508",
            country_codes=[CountryCode("US")],
            options=InstitutionsGetByIdRequestOptions(include_optional_metadata=True),
        )
    )
    assert institution.institution.name == "First Platypus Bank"
    client.item_remove(ItemRemoveRequest(access_token=token))
    with pytest.raises(plaid.ApiException, match="ITEM_NOT_FOUND"):
        client.item_get(ItemGetRequest(access_token=token))


@pytest.mark.parametrize(
    "username", ["user_good", "user_demo_main", "user_demo_card", "user_load_30"]
)
def test_transactions_of_every_kind_of_user(bank: Bank, username: str) -> None:
    token = bank.link(username)
    page = bank.client.transactions_sync(
        TransactionsSyncRequest(access_token=token, count=40)
    )
    assert page.added
    for row in page.added:
        assert row.personal_finance_category.version.value == "v2"
        assert (row.iso_currency_code is None) != (row.unofficial_currency_code is None)
