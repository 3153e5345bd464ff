"""The well-known test institutions, with colours and a logo drawn here."""

import base64
import struct
import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .errors import PlaidError

_PRODUCTS = ("auth", "balance", "identity", "transactions", "recurring_transactions")
_SIDE = 152


@dataclass(frozen=True)
class Institution:
    """A bank that a person can pick."""

    institution_id: str
    name: str
    colour: str
    url: str
    countries: tuple[str, ...] = ("US",)
    oauth: bool = False
    down: bool = False
    degraded: bool = False
    supported: bool = True
    persistent_ids: bool = False
    routing_numbers: tuple[str, ...] = field(default=("011401533",))
    products: tuple[str, ...] = _PRODUCTS


INSTITUTIONS: tuple[Institution, ...] = (
    Institution("ins_109508", "First Platypus Bank", "#1f5f8b", "platypus.example"),
    Institution(
        "ins_109509", "First Gingham Credit Union", "#2e7d4f", "gingham.example"
    ),
    Institution(
        "ins_109510", "Tattersall Federal Credit Union", "#8a4b9c", "tattersall.example"
    ),
    Institution("ins_109511", "Tartan Bank", "#a63a3a", "tartan.example"),
    Institution("ins_109512", "Houndstooth Bank", "#3b3f46", "houndstooth.example"),
    Institution(
        "ins_130016", "First Platypus Balance Bank", "#20709e", "balance.example"
    ),
    Institution(
        "ins_43",
        "Tartan-Dominion Bank of Canada",
        "#b3262e",
        "tartandominion.example",
        countries=("CA",),
    ),
    Institution(
        "ins_116834",
        "Flexible Platypus Open Banking (UK)",
        "#36589c",
        "flexibleplatypus.example",
        countries=("GB",),
        oauth=True,
    ),
    Institution(
        "ins_117650",
        "Royal Bank of Plaid (UK)",
        "#5a3d8c",
        "royalbank.example",
        countries=("GB",),
        oauth=True,
    ),
    Institution(
        "ins_127287",
        "Platypus OAuth Bank",
        "#0f7c8a",
        "oauthbank.example",
        oauth=True,
        persistent_ids=True,
    ),
    Institution(
        "ins_132241",
        "First Platypus OAuth App2App Bank",
        "#0d6470",
        "app2app.example",
        oauth=True,
    ),
    Institution(
        "ins_132363",
        "Unhealthy Platypus Bank - Degraded",
        "#8c7a1f",
        "degraded.example",
        degraded=True,
    ),
    Institution(
        "ins_132361",
        "Unhealthy Platypus Bank - Bank Down",
        "#7a4a1f",
        "down.example",
        down=True,
    ),
    Institution(
        "ins_133402",
        "Unsupported Platypus Bank",
        "#6b6b6b",
        "unsupported.example",
        supported=False,
    ),
    Institution("ins_135858", "Windowpane Bank", "#34728f", "windowpane.example"),
    Institution(
        "ins_56",
        "Chester Savings Bank",
        "#19508c",
        "chester.example",
        persistent_ids=True,
    ),
    Institution(
        "ins_13", "Penrose Bank", "#b06a1c", "penrose.example", persistent_ids=True
    ),
    Institution(
        "ins_127990", "Ursa State Bank", "#27466e", "ursa.example", persistent_ids=True
    ),
)
_BY_ID = {one.institution_id: one for one in INSTITUTIONS}


def find_institution(institution_id: str) -> Institution:
    try:
        return _BY_ID[institution_id]
    except KeyError:
        raise PlaidError("INVALID_INSTITUTION") from None


@cache
def logo(institution: Institution) -> str:
    """A round badge in the bank's colour, 152 x 152, as base64 PNG."""
    red, green, blue = bytes.fromhex(institution.colour[1:])
    bars = sum(institution.institution_id.encode()) % 3 + 2
    middle, rows = (_SIDE - 1) / 2, bytearray()
    for y in range(_SIDE):
        rows.append(0)
        for x in range(_SIDE):
            inside = (x - middle) ** 2 + (y - middle) ** 2 <= middle**2
            light = inside and 40 < y < 112 and (x + y) * bars // 76 % 2 == 0
            light = light and 36 < x < 116
            colour = (255, 255, 255) if light else (red, green, blue)
            rows += bytes((*colour, 255 if inside else 0))
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 6, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    png += _chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + _chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def institution_json(
    institution: Institution, options: dict[str, Any]
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "connection_availability": (
            "SUPPORTED" if institution.supported else "NOT_SUPPORTED"
        ),
        "country_codes": list(institution.countries),
        "dtc_numbers": [],
        "institution_id": institution.institution_id,
        "name": institution.name,
        "oauth": institution.oauth,
        "products": list(institution.products),
        "routing_numbers": list(institution.routing_numbers),
    }
    if options.get("include_optional_metadata"):
        body["logo"] = logo(institution)
        body["primary_color"] = institution.colour
        body["url"] = f"https://www.{institution.url}"
    if options.get("include_status"):
        body["status"] = _status(institution)
    return body


def _status(institution: Institution) -> dict[str, Any]:
    if institution.down:
        word, success = "DOWN", 0.0
    elif institution.degraded:
        word, success = "DEGRADED", 0.6
    else:
        word, success = "HEALTHY", 0.98
    part = {
        "breakdown": {
            "error_institution": round(1 - success, 2),
            "error_plaid": 0.0,
            "success": success,
        },
        "last_status_change": "2026-01-05T08:00:00Z",
        "status": word,
    }
    return dict.fromkeys(("item_logins", "transactions_updates"), part)
