"""/institutions/*: the banks that there are."""

from typing import Any

from ..endpoint import Request, endpoint
from ..errors import PlaidError
from ..fields import boolean, choices, group, integer, strings, text, unused
from ..institutions import (
    INSTITUTIONS,
    Institution,
    find_institution,
    institution_json,
)
from ..products import COUNTRIES, PRODUCTS

_METADATA = {
    "include_optional_metadata": boolean(),
    "include_auth_metadata": boolean(),
    "include_payment_initiation_metadata": boolean(),
}
_COUNTRIES = choices(COUNTRIES, shortest=1, required=True)
_PRODUCTS = choices(PRODUCTS)


@endpoint(
    "/institutions/get_by_id",
    {
        "institution_id": text(required=True),
        "country_codes": _COUNTRIES,
        "options": group({**_METADATA, "include_status": boolean()}),
    },
)
def get_by_id(request: Request) -> dict[str, Any]:
    institution = find_institution(request.body["institution_id"])
    if not set(institution.countries) & set(request.body["country_codes"]):
        raise PlaidError(
            "INVALID_INSTITUTION", "institution is not in the given country_codes"
        )
    return {"institution": institution_json(institution, request.options())}


@endpoint(
    "/institutions/get",
    {
        "count": integer(1, 500, required=True),
        "offset": integer(0, 1_000_000, required=True),
        "country_codes": _COUNTRIES,
        "options": group(
            {
                **_METADATA,
                "products": _PRODUCTS,
                "routing_numbers": strings(),
                "oauth": boolean(),
            }
        ),
    },
)
def get(request: Request) -> dict[str, Any]:
    options = request.options()
    found = _matching(request, options.get("products"))
    numbers = options.get("routing_numbers")
    if numbers:
        found = [one for one in found if set(one.routing_numbers) & set(numbers)]
    first = request.body["offset"]
    shown = found[first : first + request.body["count"]]
    return {
        "institutions": [institution_json(one, options) for one in shown],
        "total": len(found),
    }


@endpoint(
    "/institutions/search",
    {
        "query": text(required=True),
        "country_codes": _COUNTRIES,
        "products": _PRODUCTS,
        "options": group(
            {
                **_METADATA,
                "oauth": boolean(),
                "payment_initiation": unused(),
            }
        ),
    },
)
def search(request: Request) -> dict[str, Any]:
    words = request.body["query"].lower()
    found = [
        one
        for one in _matching(request, request.body.get("products"))
        if words in one.name.lower()
    ]
    shown = found[:10]
    return {"institutions": [institution_json(one, request.options()) for one in shown]}


def _matching(request: Request, products: list[str] | None) -> list[Institution]:
    countries = set(request.body["country_codes"])
    oauth = request.options().get("oauth")
    return [
        one
        for one in INSTITUTIONS
        if countries & set(one.countries)
        and set(products or ()) <= set(one.products)
        and oauth in (None, one.oauth)
    ]
