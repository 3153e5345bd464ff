"""/webhook_verification_key/get."""

from typing import Any

from ..endpoint import Request, endpoint
from ..fields import string
from ..signing import find_key, public_key_json


@endpoint("/webhook_verification_key/get", {"key_id": string(required=True)})
def key(request: Request) -> dict[str, Any]:
    row = find_key(request.bank.store, request.body["key_id"])
    return {"key": public_key_json(row)}
