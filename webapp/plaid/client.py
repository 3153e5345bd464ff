"""The calls this app makes, through plaid-python's request models, keys and paths."""

import copy
import logging
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from webapp.plaid import decode
from webapp.plaid.errors import PlaidError

if TYPE_CHECKING:
    from webapp.plaid.transport import Deadlines

log = logging.getLogger(__name__)
PAGE = 500  # the most that /transactions/sync gives at once
DAYS_REQUESTED = 730  # the longest history; fixed for ever when the Item is made
POOL = 16
IN_A_REQUEST = 2.0  # seconds that a person may wait for a turn under the limits
# Called by the transport when a request has left and only the answer is waited for
ON_SENT: ContextVar[Callable[[], None] | None] = ContextVar("ON_SENT", default=None)

# Waits for the turn of an endpoint and an access token, for so many seconds at most.
Admit = Callable[[str, str | None, float], None]
A = TypeVar("A", bound=decode.Answer)


@dataclass(frozen=True)
class LinkRequest:
    """What a link token is asked for. `access_token` makes it update mode.

    `selects_accounts` adds the pane on which accounts are chosen to update mode.
    """

    client_user_id: str
    country_codes: list[str]
    language: str = "en"
    webhook: str | None = None
    redirect_uri: str | None = None
    access_token: str | None = None
    selects_accounts: bool = False


class PlaidClient:
    """One a process. Opens nothing until the first call."""

    def __init__(
        self,
        host: str,
        client_id: str,
        secret: str,
        deadlines: "Deadlines | None" = None,
        page: int = PAGE,
        admit: Admit | None = None,
    ) -> None:
        self.host = host
        self.patience = IN_A_REQUEST
        self._admit = admit
        self.page = page  # transactions that /transactions/sync gives at once
        self._deadlines = deadlines
        self._keys = {"clientId": client_id, "secret": secret}
        self._made: list[Any] = []  # shared with the patient ones
        self._lock = threading.Lock()

    @property
    def api(self) -> Any:
        """plaid-python's client, imported late: it costs half a second and 70 MB."""
        with self._lock:
            if not self._made:
                import plaid
                from plaid.api.plaid_api import PlaidApi

                from webapp.plaid.transport import Deadlines, Transport

                settings = plaid.Configuration(host=self.host, api_key=self._keys)
                settings.connection_pool_maxsize = POOL
                settings.retries = False
                client = plaid.ApiClient(settings)
                deadlines = self._deadlines or Deadlines()
                client.rest_client = Transport(settings, deadlines)
                self._made.append(PlaidApi(client))
        return self._made[0]

    def patient(self, seconds: float) -> "PlaidClient":
        """The same client for callers who can wait longer for a turn."""
        other = copy.copy(self)
        other.patience = seconds
        return other

    def link_token_create(self, wanted: LinkRequest) -> decode.LinkToken:
        from plaid.model.country_code import CountryCode
        from plaid.model.link_token_create_request import LinkTokenCreateRequest
        from plaid.model.link_token_create_request_update import (
            LinkTokenCreateRequestUpdate,
        )
        from plaid.model.link_token_create_request_user import (
            LinkTokenCreateRequestUser,
        )
        from plaid.model.link_token_transactions import LinkTokenTransactions
        from plaid.model.products import Products

        options: dict[str, Any] = {}
        if wanted.access_token:
            options["access_token"] = wanted.access_token
            if wanted.selects_accounts:
                options["update"] = LinkTokenCreateRequestUpdate(
                    account_selection_enabled=True
                )
        else:
            options["products"] = [Products("transactions")]
            options["transactions"] = LinkTokenTransactions(
                days_requested=DAYS_REQUESTED
            )
            if wanted.webhook:
                options["webhook"] = wanted.webhook
        if wanted.redirect_uri:
            options["redirect_uri"] = wanted.redirect_uri
        request = LinkTokenCreateRequest(
            client_name="SmartBudget",
            language=wanted.language,
            country_codes=[CountryCode(code) for code in wanted.country_codes],
            user=LinkTokenCreateRequestUser(client_user_id=wanted.client_user_id),
            **options,
        )
        return self._call("link_token_create", request, decode.LinkToken)

    def item_public_token_exchange(self, public_token: str) -> decode.Exchange:
        from plaid.model.item_public_token_exchange_request import (
            ItemPublicTokenExchangeRequest,
        )

        request = ItemPublicTokenExchangeRequest(public_token=public_token)
        return self._call("item_public_token_exchange", request, decode.Exchange)

    def item_get(self, access_token: str) -> decode.ItemAnswer:
        from plaid.model.item_get_request import ItemGetRequest

        request = ItemGetRequest(access_token=access_token)
        return self._call("item_get", request, decode.ItemAnswer)

    def item_remove(self, access_token: str) -> decode.Answer:
        from plaid.model.item_remove_request import ItemRemoveRequest

        request = ItemRemoveRequest(access_token=access_token)
        return self._call("item_remove", request, decode.Answer)

    def item_webhook_update(self, access_token: str, webhook: str) -> decode.Answer:
        from plaid.model.item_webhook_update_request import ItemWebhookUpdateRequest

        request = ItemWebhookUpdateRequest(access_token=access_token, webhook=webhook)
        return self._call("item_webhook_update", request, decode.Answer)

    def webhook_verification_key_get(self, key_id: str) -> decode.WebhookKeyAnswer:
        from plaid.model.webhook_verification_key_get_request import (
            WebhookVerificationKeyGetRequest,
        )

        request = WebhookVerificationKeyGetRequest(key_id=key_id)
        return self._call(
            "webhook_verification_key_get", request, decode.WebhookKeyAnswer
        )

    def accounts_get(self, access_token: str) -> decode.AccountsAnswer:
        from plaid.model.accounts_get_request import AccountsGetRequest

        request = AccountsGetRequest(access_token=access_token)
        return self._call("accounts_get", request, decode.AccountsAnswer)

    def institutions_get_by_id(
        self, institution_id: str, country_codes: list[str]
    ) -> decode.InstitutionAnswer:
        from plaid.model.country_code import CountryCode
        from plaid.model.institutions_get_by_id_request import (
            InstitutionsGetByIdRequest,
        )
        from plaid.model.institutions_get_by_id_request_options import (
            InstitutionsGetByIdRequestOptions,
        )

        request = InstitutionsGetByIdRequest(
            institution_id=institution_id,
            country_codes=[CountryCode(code) for code in country_codes],
            options=InstitutionsGetByIdRequestOptions(include_optional_metadata=True),
        )
        return self._call("institutions_get_by_id", request, decode.InstitutionAnswer)

    def transactions_sync(self, access_token: str, cursor: str | None) -> bytes:
        """One page as raw bytes, for decode.SyncPage: the run times its decoding."""
        from plaid.model.personal_finance_category_version import (
            PersonalFinanceCategoryVersion,
        )
        from plaid.model.transactions_sync_request import TransactionsSyncRequest
        from plaid.model.transactions_sync_request_options import (
            TransactionsSyncRequestOptions,
        )

        request = TransactionsSyncRequest(
            access_token=access_token,
            count=self.page,
            options=TransactionsSyncRequestOptions(
                include_original_description=True,
                personal_finance_category_version=PersonalFinanceCategoryVersion("v2"),
            ),
            **({"cursor": cursor} if cursor else {}),
        )
        return self._send("transactions_sync", request)

    def transactions_refresh(self, access_token: str) -> decode.Answer:
        """Have Plaid ask the bank now. Charged per call; the news comes later."""
        from plaid.model.transactions_refresh_request import TransactionsRefreshRequest

        request = TransactionsRefreshRequest(access_token=access_token)
        return self._call("transactions_refresh", request, decode.Answer)

    def sandbox_public_token_create(
        self, institution_id: str, username: str, password: str
    ) -> decode.PublicToken:
        """Links a bank without a browser; Plaid's sandbox only."""
        from plaid.model.products import Products
        from plaid.model.sandbox_public_token_create_request import (
            SandboxPublicTokenCreateRequest,
        )
        from plaid.model.sandbox_public_token_create_request_options import (
            SandboxPublicTokenCreateRequestOptions,
        )
        from plaid.model.sandbox_public_token_create_request_options_transactions import (  # noqa: E501
            SandboxPublicTokenCreateRequestOptionsTransactions as TransactionOptions,
        )

        request = SandboxPublicTokenCreateRequest(
            institution_id=institution_id,
            initial_products=[Products("transactions")],
            options=SandboxPublicTokenCreateRequestOptions(
                override_username=username,
                override_password=password,
                transactions=TransactionOptions(days_requested=DAYS_REQUESTED),
            ),
        )
        return self._call("sandbox_public_token_create", request, decode.PublicToken)

    def _call(self, endpoint: str, request: object, into: type[A]) -> A:
        return decode.decode(self._send(endpoint, request), into)

    def _send(self, endpoint: str, request: Any) -> bytes:
        if self._admit is not None:
            self._admit(endpoint, request.get("access_token"), self.patience)
        call: Callable[..., bytes] = getattr(self.api, endpoint)
        began = time.perf_counter()
        try:
            body = call(request, _preload_content=False)
        except PlaidError as error:
            log.info(
                "plaid %s failed in %d ms: %s, request %s",
                endpoint, _ms(began), error.code, error.request_id,
            )  # fmt: skip
            raise
        log.debug("plaid %s answered in %d ms", endpoint, _ms(began))
        return body


def _ms(began: float) -> int:
    return round((time.perf_counter() - began) * 1000)
