"""Plaid's errors as one family, and one table of what each code asks of us.

Source of the table: Plaid's error reference; decide on error_code, never on the
message or the HTTP status.
"""

from enum import StrEnum


class Kind(StrEnum):
    RETRY = "retry"  # passes by itself: back off and ask again
    INSTITUTION = "institution"  # the bank itself is down: back off for longer
    WAIT = "wait"  # a rate limit: at least a minute
    RESTART = "restart"  # the pages changed under us: begin at the first cursor
    NOT_NOW = "not_now"  # Plaid works; the next run asks with what it then knows
    USER = "user"  # the person must sign in at the bank again
    DEAD = "dead"  # the connection is gone for good
    UNSUPPORTED = "unsupported"  # asking again does not help: tell the person
    OURS = "ours"  # our requests are wrong
    OPERATOR = "operator"  # our keys or our contract: no call at all can work


_CODES = {
    Kind.RETRY: "INTERNAL_SERVER_ERROR PLANNED_MAINTENANCE NETWORK UNREADABLE",
    Kind.INSTITUTION: "INSTITUTION_DOWN INSTITUTION_NOT_RESPONDING "
    "INSTITUTION_NOT_AVAILABLE",
    Kind.WAIT: "RATE_LIMIT OUR_LIMIT",
    Kind.RESTART: "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    Kind.NOT_NOW: "PRODUCT_NOT_READY INVALID_ACCOUNT_ID",
    Kind.USER: "ITEM_LOGIN_REQUIRED INSUFFICIENT_CREDENTIALS INVALID_CREDENTIALS "
    "INVALID_MFA ITEM_LOCKED PASSWORD_RESET_REQUIRED USER_SETUP_REQUIRED "
    "ACCESS_NOT_GRANTED ADDITIONAL_CONSENT_REQUIRED NO_ACCOUNTS "
    "INVALID_UPDATED_USERNAME",
    Kind.DEAD: "ITEM_NOT_FOUND USER_PERMISSION_REVOKED INVALID_ACCESS_TOKEN "
    "ITEM_CONCURRENTLY_DELETED",
    Kind.UNSUPPORTED: "ITEM_NOT_SUPPORTED MFA_NOT_SUPPORTED UNSUPPORTED_RESPONSE "
    "PRODUCTS_NOT_SUPPORTED PRODUCT_NOT_ENABLED INSTITUTION_NO_LONGER_SUPPORTED "
    "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT",
    Kind.OURS: "INVALID_PRODUCT INVALID_INSTITUTION INVALID_LINK_CUSTOMIZATION "
    "INVALID_FIELD MISSING_FIELDS UNKNOWN_FIELDS INVALID_BODY INVALID_CONFIGURATION "
    "SANDBOX_ONLY NOT_FOUND NO_LONGER_AVAILABLE UNAUTHORIZED_INSTITUTION "
    "INSTITUTION_REGISTRATION_REQUIRED INVALID_LINK_TOKEN INVALID_PUBLIC_TOKEN "
    "OUR_KEY",
    # CREDITS_EXHAUSTED has the type of a rate limit, but it never passes by itself
    Kind.OPERATOR: "INVALID_API_KEYS UNAUTHORIZED_ENVIRONMENT INVALID_HEADERS "
    "UNAUTHORIZED_ROUTE_ACCESS INCOMPATIBLE_API_VERSION CREDITS_EXHAUSTED",
}
KIND_OF = {code: kind for kind, codes in _CODES.items() for code in codes.split()}


class PlaidError(Exception):
    """Plaid refused, did not answer, or answered what nobody can read.

    `code` is Plaid's error_code, or NETWORK / UNREADABLE for what never reached it or
    made no sense, or OUR_* for what we did not even send. `display_message` is meant
    for the person, `message` for us.
    """

    def __init__(
        self,
        code: str,
        message: str,
        request_id: str | None = None,
        *,
        error_type: str | None = None,
        display_message: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(f"{code}: {message} (request {request_id})")
        self.code = code
        self.message = message
        self.request_id = request_id
        self.error_type = error_type
        self.display_message = display_message
        self.http_status = http_status

    @property
    def error_code(self) -> str:
        return self.code

    @property
    def kind(self) -> Kind:
        if self.code in KIND_OF:
            return KIND_OF[self.code]
        if self.error_type == "RATE_LIMIT_EXCEEDED":
            return Kind.WAIT
        if self.http_status is not None and self.http_status >= 500:
            return Kind.RETRY
        return Kind.OURS
