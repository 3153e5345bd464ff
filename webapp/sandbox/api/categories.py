"""/categories/get: the list of the older taxonomy, which needs no keys."""

from typing import Any

from ..endpoint import Request, endpoint
from ..taxonomy import PRIMARY_OF

_SPECIAL = ("TRANSFER", "BANK_FEES", "LOAN", "INCOME")


@endpoint("/categories/get", public=True)
def get(request: Request) -> dict[str, Any]:
    primaries = list(dict.fromkeys(PRIMARY_OF.values()))
    found = []
    for number, (detailed, primary) in enumerate(PRIMARY_OF.items(), 1):
        group = "special" if primary.startswith(_SPECIAL) else "place"
        leaf = detailed.removeprefix(primary + "_")
        found.append(
            {
                "category_id": f"{10 + primaries.index(primary)}{number:03}000",
                "group": group,
                "hierarchy": [_words(primary), _words(leaf)],
            }
        )
    return {"categories": found}


def _words(code: str) -> str:
    return code.replace("_", " ").capitalize()
