"""Plaid's error codes: the status, type and words of each."""

_INPUT = "INVALID_INPUT"
_REQUEST = "INVALID_REQUEST"
_ITEM = "ITEM_ERROR"
_INSTITUTION = "INSTITUTION_ERROR"
_RATE = "RATE_LIMIT_EXCEEDED"
_API = "API_ERROR"

_LOGIN_AGAIN = (
    "The login details of this item have changed (credentials, MFA, or required user "
    "action) and a user login is required to update this information. use Link's "
    "update mode to restore the item to a good state"
)

# code: (HTTP status, error_type, error_message, display_message)
CODES: dict[str, tuple[int, str, str, str | None]] = {
    "INVALID_BODY": (400, _REQUEST, "body could not be parsed as JSON", None),
    "MISSING_FIELDS": (
        400,
        _REQUEST,
        "the following required fields are missing",
        None,
    ),
    "UNKNOWN_FIELDS": (400, _REQUEST, "the following fields are not recognized", None),
    "INVALID_FIELD": (400, _REQUEST, "a field is malformed", None),
    "INVALID_HEADERS": (400, _REQUEST, "request headers are malformed", None),
    "INVALID_CONFIGURATION": (400, _REQUEST, "the configuration is not valid", None),
    "INCOMPATIBLE_API_VERSION": (
        400,
        _REQUEST,
        "the public_key is no longer accepted by this version of the API",
        None,
    ),
    "NOT_FOUND": (404, _REQUEST, "not found", None),
    "NO_LONGER_AVAILABLE": (404, _REQUEST, "endpoint no longer available", None),
    "SANDBOX_ONLY": (400, _REQUEST, "endpoint is available in sandbox only", None),
    "INVALID_ACCOUNT_NUMBER": (
        400,
        _REQUEST,
        "the provided account number was invalid",
        None,
    ),
    "INVALID_API_KEYS": (400, _INPUT, "invalid client_id or secret provided", None),
    "UNAUTHORIZED_ENVIRONMENT": (
        400,
        _INPUT,
        "you are not authorized to access this environment",
        None,
    ),
    "UNAUTHORIZED_ROUTE_ACCESS": (
        400,
        _INPUT,
        "you are not authorized to access this route",
        None,
    ),
    "INVALID_ACCESS_TOKEN": (400, _INPUT, "could not find matching access token", None),
    "INVALID_PUBLIC_TOKEN": (400, _INPUT, "could not find matching public token", None),
    "INVALID_LINK_TOKEN": (400, _INPUT, "invalid link_token provided", None),
    "INVALID_PRODUCT": (400, _INPUT, "client is not authorized for this product", None),
    "INVALID_ACCOUNT_ID": (
        400,
        _INPUT,
        "failed to find requested account ID for requested item",
        None,
    ),
    "INVALID_INSTITUTION": (400, _INPUT, "invalid institution_id provided", None),
    "INVALID_WEBHOOK_VERIFICATION_KEY_ID": (
        400,
        _INPUT,
        "invalid key_id provided. note that key_ids are specific to Plaid environments",
        None,
    ),
    "INVALID_LINK_CUSTOMIZATION": (
        400,
        _INPUT,
        "the requested Link customization could not be found",
        None,
    ),
    "USER_PERMISSION_REVOKED": (
        400,
        _INPUT,
        "the holder of this account has revoked their permission for your application "
        "to access it",
        None,
    ),
    "TOO_MANY_VERIFICATION_ATTEMPTS": (
        400,
        _INPUT,
        "too many verification attempts",
        None,
    ),
    "ITEM_NOT_FOUND": (
        400,
        _ITEM,
        "The Item you requested cannot be found. This Item does not exist, has been "
        "previously removed via /item/remove, or has had access removed by the user.",
        None,
    ),
    "ITEM_LOGIN_REQUIRED": (
        400,
        _ITEM,
        _LOGIN_AGAIN,
        "Please sign in to your bank again.",
    ),
    "INVALID_CREDENTIALS": (
        400,
        _ITEM,
        "the provided credentials were not correct",
        "The provided credentials were incorrect. Please try again.",
    ),
    "INSUFFICIENT_CREDENTIALS": (
        400,
        _ITEM,
        "the user did not complete the bank's sign-in",
        "Please sign in at your bank to continue.",
    ),
    "INVALID_MFA": (
        400,
        _ITEM,
        "the provided MFA response(s) were not correct",
        "The answer was incorrect. Please try again.",
    ),
    "INVALID_SEND_METHOD": (
        400,
        _ITEM,
        "the provided MFA send method was invalid",
        None,
    ),
    "ITEM_LOCKED": (
        400,
        _ITEM,
        "the account is locked. prompt the user to visit the institution's website and "
        "unlock their account",
        "Your account is locked. Please unlock it at your bank and try again.",
    ),
    "ITEM_NOT_SUPPORTED": (
        400,
        _ITEM,
        "this account is currently not supported",
        "This account is not supported.",
    ),
    "MFA_NOT_SUPPORTED": (
        400,
        _ITEM,
        "this account requires a MFA type that is not supported",
        "Your bank's security questions are not supported yet.",
    ),
    "USER_SETUP_REQUIRED": (
        400,
        _ITEM,
        "the account has not been fully set up. prompt the user to visit the "
        "issuing institution's site and finish the setup process",
        "Your account needs a step at your bank before it can be linked.",
    ),
    "PASSWORD_RESET_REQUIRED": (
        400,
        _ITEM,
        "the user must reset their password",
        "Your bank asks you to choose a new password first.",
    ),
    "NO_ACCOUNTS": (
        400,
        _ITEM,
        "no valid accounts were found for this item",
        "No accounts were found.",
    ),
    "NO_AUTH_ACCOUNTS": (
        400,
        _ITEM,
        "no valid checking or savings accounts were found for this item",
        None,
    ),
    "ACCESS_NOT_GRANTED": (
        400,
        _ITEM,
        "access to this product was not granted for the account",
        "You did not allow access to your accounts.",
    ),
    "ADDITIONAL_CONSENT_REQUIRED": (
        400,
        _ITEM,
        "client does not have user consent to access this product",
        None,
    ),
    "PRODUCT_NOT_READY": (
        400,
        _ITEM,
        "the requested product is not yet ready. please provide a webhook or try the "
        "request again later",
        None,
    ),
    "PRODUCTS_NOT_SUPPORTED": (
        400,
        _ITEM,
        "the following products are not supported by this institution",
        None,
    ),
    "PRODUCT_NOT_ENABLED": (400, _ITEM, "the product is not enabled", None),
    "INSTANT_MATCH_FAILED": (400, _ITEM, "instant match failed", None),
    "INVALID_UPDATED_USERNAME": (
        400,
        _ITEM,
        "the username provided to update the Item does not match its original one",
        "Please use the same user name as before.",
    ),
    "ITEM_NO_ERROR": (400, _ITEM, "the item is currently in a healthy state", None),
    "ITEM_CONCURRENTLY_DELETED": (
        400,
        _ITEM,
        "this item was deleted while the operation was in progress",
        None,
    ),
    "LAST_ACCOUNT_REVOKED": (
        400,
        _ITEM,
        "the last account of this item was revoked",
        None,
    ),
    "INSTITUTION_DOWN": (
        400,
        _INSTITUTION,
        "this institution is not currently responding to this request. please try "
        "again soon",
        "Your bank is not answering at the moment. Please try again later.",
    ),
    "INSTITUTION_NOT_RESPONDING": (
        400,
        _INSTITUTION,
        "this institution is not currently responding to this request. please try "
        "again soon",
        "Your bank is not answering at the moment. Please try again later.",
    ),
    "INSTITUTION_NOT_AVAILABLE": (
        400,
        _INSTITUTION,
        "this institution is not available at this time",
        "Your bank is not available at the moment. Please try again later.",
    ),
    "INSTITUTION_NO_LONGER_SUPPORTED": (
        400,
        _INSTITUTION,
        "this institution is no longer supported",
        "This bank is no longer supported.",
    ),
    "INSTITUTION_NOT_ENABLED_IN_ENVIRONMENT": (
        400,
        _INSTITUTION,
        "institution not enabled in this environment",
        None,
    ),
    "INSTITUTION_REGISTRATION_REQUIRED": (
        400,
        _INSTITUTION,
        "not yet registered with this institution",
        None,
    ),
    "UNAUTHORIZED_INSTITUTION": (
        400,
        _INPUT,
        "not authorized to access this institution in this environment",
        None,
    ),
    "UNSUPPORTED_RESPONSE": (
        400,
        _INSTITUTION,
        "the data returned from the financial institution is not valid",
        "Your bank sent an answer that could not be read.",
    ),
    "INTERNAL_SERVER_ERROR": (
        500,
        _API,
        "an unexpected error occurred",
        "Something went wrong. Please try again.",
    ),
    "PLANNED_MAINTENANCE": (
        503,
        _API,
        "the Plaid API is temporarily unavailable due to planned maintenance. visit "
        "https://status.plaid.com/ for more information",
        None,
    ),
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION": (
        400,
        "TRANSACTIONS_ERROR",
        "Underlying transaction data changed since last page was fetched. Please "
        "restart pagination from last update.",
        None,
    ),
    "SANDBOX_WEBHOOK_INVALID": (
        400,
        "SANDBOX_ERROR",
        "webhook could not be fired because no webhook URL is set for this item",
        None,
    ),
    "SANDBOX_PRODUCT_NOT_ENABLED": (
        400,
        "SANDBOX_ERROR",
        "the requested product is not enabled for this item",
        None,
    ),
    "RECAPTCHA_BAD": (400, "RECAPTCHA_ERROR", "the reCAPTCHA was not solved", None),
    "CREDITS_EXHAUSTED": (429, _RATE, "the account has no credits left", None),
}

_LIMITS = (
    "ACCOUNTS_BALANCE_GET_LIMIT ACCOUNTS_LIMIT ADDITION_LIMIT AUTH_LIMIT BALANCE_LIMIT "
    "INSTITUTION_RATE_LIMIT INSTITUTIONS_GET_BY_ID_LIMIT INSTITUTIONS_GET_LIMIT "
    "ITEM_GET_LIMIT RATE_LIMIT TRANSACTIONS_LIMIT TRANSACTIONS_REFRESH_LIMIT "
    "TRANSACTIONS_SYNC_LIMIT"
)
for _code in _LIMITS.split():
    CODES[_code] = (
        429,
        _RATE,
        "rate limit exceeded for attempts to access this item or endpoint. please try "
        "again later",
        None,
    )
