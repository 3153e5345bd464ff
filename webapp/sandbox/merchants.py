"""The shops, employers and utilities of the simulated world. All are invented."""

# ruff: noqa: E501

import json
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .ids import stable_id

ONLINE, IN_STORE, OTHER = "online", "in store", "other"


class Place(NamedTuple):
    """Where a purchase happened; every part may be unknown."""

    address: str | None = None
    city: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None
    lat: float | None = None
    lon: float | None = None
    store_number: str | None = None


NOWHERE = Place()


@dataclass(frozen=True)
class Merchant:
    """Someone who takes or pays money; low and high bound a usual amount."""

    name: str
    category: str
    channel: str = IN_STORE
    descriptor: str = ""
    low: float = 5
    high: float = 50
    website: str | None = None
    kind: str = "merchant"
    place: Place = NOWHERE
    confidence: str = "VERY_HIGH"

    @cached_property
    def entity_id(self) -> str:
        return stable_id("merchant " + self.name)

    @property
    def pfc(self) -> str:
        return f"{self.category}|{self.confidence}"

    @cached_property
    def counterparties(self) -> str:
        """The counterparties of a transaction, as JSON text."""
        party = {
            "confidence_level": self.confidence,
            "entity_id": self.entity_id,
            "logo_url": self.logo_url,
            "name": self.name,
            "phone_number": None,
            "type": self.kind,
            "website": self.website,
        }
        return json.dumps([party], separators=(",", ":"))

    @property
    def logo_url(self) -> str | None:
        if self.website is None:
            return None
        slug = self.website.split(".")[0]
        return f"https://plaid-merchant-logos.plaid.com/{slug}_{len(self.name)}.png"


_OAKLAND = Place("1830 Harbor St", "Oakland", "CA", "94612", "US", 37.8108, -122.2661)
_BERKELEY = Place("2104 Cedar Ave", "Berkeley", "CA", "94704", "US", 37.8716, -122.2727)
_SF = Place("455 Valencia St", "San Francisco", "CA", "94103", "US", 37.7665, -122.4220)
_LISBON = Place("Rua do Norte 14", "Lisboa", None, "1200-284", "PT", 38.7117, -9.1441)
_BERLIN = Place("Torstrasse 88", "Berlin", None, "10119", "DE", 52.5292, 13.4010)
_ROME = Place("Via Baccina 40", "Roma", None, "00184", "IT", 41.8950, 12.4893)


def _table(rows: str, place: Place, channel: str) -> tuple[Merchant, ...]:
    """Lines of name; category; statement text; low; high; website."""
    merchants = []
    for line in rows.strip().splitlines():
        name, category, descriptor, low, high, *website = (
            part.strip() for part in line.split(";")
        )
        merchants.append(
            Merchant(
                name,
                category,
                channel,
                descriptor,
                float(low),
                float(high),
                website[0] if website else None,
                place=place,
            )
        )
    return tuple(merchants)


GROCERS = _table(
    """
    Greenleaf Market; FOOD_AND_DRINK_GROCERIES; GREENLEAF MARKET #0412; 18; 96; greenleafmarket.example
    Corner Basket; FOOD_AND_DRINK_GROCERIES; CORNER BASKET OAKLAND CA; 7; 38; cornerbasket.example
    Harvest Row; FOOD_AND_DRINK_GROCERIES; SQ *HARVEST ROW FARM; 12; 54; harvestrow.example
    Bulkhouse Wholesale; GENERAL_MERCHANDISE_SUPERSTORES; BULKHOUSE WHSE #118; 62; 188; bulkhouse.example
    """,
    _OAKLAND,
    IN_STORE,
)
CAFES = _table(
    """
    Blue Kettle Coffee; FOOD_AND_DRINK_COFFEE; TST* BLUE KETTLE COFFEE; 3.5; 9; bluekettle.example
    Morning Tide; FOOD_AND_DRINK_COFFEE; SQ *MORNING TIDE; 3; 8
    Burger Barn; FOOD_AND_DRINK_FAST_FOOD; BURGER BARN 2291; 8; 19; burgerbarn.example
    Pronto Burrito; FOOD_AND_DRINK_FAST_FOOD; PRONTO BURRITO BERKELEY; 9; 21; prontoburrito.example
    """,
    _BERKELEY,
    IN_STORE,
)
RESTAURANTS = _table(
    """
    Lantern House; FOOD_AND_DRINK_RESTAURANT; LANTERN HOUSE SF; 24; 88; lanternhouse.example
    Osteria Nonna; FOOD_AND_DRINK_RESTAURANT; TST* OSTERIA NONNA; 32; 120
    Saffron Table; FOOD_AND_DRINK_RESTAURANT; SAFFRON TABLE 415-555; 22; 74; saffrontable.example
    The Copper Fox; FOOD_AND_DRINK_BEER_WINE_AND_LIQUOR; COPPER FOX TAVERN; 14; 58
    """,
    _SF,
    IN_STORE,
)
SHOPS = _table(
    """
    Parcelhub; GENERAL_MERCHANDISE_ONLINE_MARKETPLACES; PARCELHUB MKTPLACE US*2K81; 9; 140; parcelhub.example
    Threadline; GENERAL_MERCHANDISE_CLOTHING_AND_ACCESSORIES; THREADLINE.COM; 24; 160; threadline.example
    Voltage Electronics; GENERAL_MERCHANDISE_ELECTRONICS; VOLTAGE ELECTR 00731; 29; 420; voltage.example
    Page & Lamp Books; GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS; PAGE LAMP BOOKS; 9; 48
    Nailhead Hardware; HOME_IMPROVEMENT_HARDWARE; NAILHEAD HDWE #22; 8; 120; nailhead.example
    Oak & Loom; HOME_IMPROVEMENT_FURNITURE; OAK AND LOOM FURN; 60; 640; oakandloom.example
    Pawprint Supplies; GENERAL_MERCHANDISE_PET_SUPPLIES; PAWPRINT SUPPLIES; 18; 76; pawprint.example
    """,
    NOWHERE,
    ONLINE,
)
ERRANDS = _table(
    """
    Wellspring Pharmacy; MEDICAL_PHARMACIES_AND_SUPPLEMENTS; WELLSPRING RX 0093; 6; 48; wellspringrx.example
    Bay Dental Group; MEDICAL_DENTAL_CARE; BAY DENTAL GROUP; 45; 210; baydental.example
    Fuelway; TRANSPORTATION_GAS; FUELWAY 0442 OAKLAND; 34; 68; fuelway.example
    Metro Transit; TRANSPORTATION_PUBLIC_TRANSIT; METRO TRANSIT CLIPR; 10; 40; metrotransit.example
    Hopper Rides; TRANSPORTATION_TAXIS_AND_RIDE_SHARES; HOPPER *TRIP HELP.HOPPER; 9; 42; hopperrides.example
    CityPark; TRANSPORTATION_PARKING; CITYPARK METER SF; 3; 18
    Shear Delight; PERSONAL_CARE_HAIR_AND_BEAUTY; SQ *SHEAR DELIGHT; 35; 78
    Suds & Fold; PERSONAL_CARE_LAUNDRY_AND_DRY_CLEANING; SUDS AND FOLD; 14; 36
    Reel Cinema; ENTERTAINMENT_TV_AND_MOVIES; REEL CINEMA 12; 14; 46; reelcinema.example
    """,
    _OAKLAND,
    IN_STORE,
)
SUBSCRIPTIONS = _table(
    """
    Streamly; ENTERTAINMENT_TV_AND_MOVIES; STREAMLY.COM; 15.49; 15.49; streamly.example
    Tunewave; ENTERTAINMENT_MUSIC_AND_AUDIO; TUNEWAVE PREMIUM; 10.99; 10.99; tunewave.example
    Cloudshelf; GENERAL_SERVICES_STORAGE; CLOUDSHELF 200GB; 2.99; 2.99; cloudshelf.example
    Ironworks Gym; PERSONAL_CARE_GYMS_AND_FITNESS_CENTERS; IRONWORKS GYM OAK; 49; 49; ironworks.example
    The Daily Ledger; GENERAL_MERCHANDISE_BOOKSTORES_AND_NEWSSTANDS; DAILY LEDGER SUBSCR; 12; 12; dailyledger.example
    """,
    NOWHERE,
    ONLINE,
)
UTILITIES = _table(
    """
    Pacific Power & Light; RENT_AND_UTILITIES_GAS_AND_ELECTRICITY; PACIFIC PWR LT WEB PMT; 68; 142; pacificpl.example
    Bay Water District; RENT_AND_UTILITIES_WATER; BAY WATER DIST; 31; 52; baywater.example
    Fiberline; RENT_AND_UTILITIES_INTERNET_AND_CABLE; FIBERLINE INTERNET; 65; 65; fiberline.example
    Cellbridge Mobile; RENT_AND_UTILITIES_TELEPHONE; CELLBRIDGE MOBILE PMT; 45; 45; cellbridge.example
    """,
    NOWHERE,
    ONLINE,
)
TRAVEL = _table(
    """
    Skyway Airlines; TRAVEL_FLIGHTS; SKYWAY AIR 0162348; 180; 640; skyway.example
    Innkeeper; TRAVEL_LODGING; INNKEEPER.COM RESV; 140; 520; innkeeper.example
    Roadrunner Rentals; TRAVEL_RENTAL_CARS; ROADRUNNER RENT A CAR; 90; 260; roadrunner.example
    """,
    NOWHERE,
    ONLINE,
)
ABROAD = {
    "Lisboa": _table(
        """
        Pastelaria Aurora; FOOD_AND_DRINK_COFFEE; PASTELARIA AURORA LISBOA; 3; 12
        Taberna do Norte; FOOD_AND_DRINK_RESTAURANT; TABERNA DO NORTE; 18; 64
        Casa Azul; TRAVEL_LODGING; CASA AZUL LISBOA; 90; 260
        Elevador Tours; ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS; ELEVADOR TOURS; 8; 35
        """,
        _LISBON,
        IN_STORE,
    ),
    "Berlin": _table(
        """
        Kaffee Kiez; FOOD_AND_DRINK_COFFEE; KAFFEE KIEZ BERLIN; 3; 11
        Gasthaus Linde; FOOD_AND_DRINK_RESTAURANT; GASTHAUS LINDE; 16; 58
        Pension Torstrasse; TRAVEL_LODGING; PENSION TORSTRASSE; 85; 210
        Museumsinsel; ENTERTAINMENT_SPORTING_EVENTS_AMUSEMENT_PARKS_AND_MUSEUMS; MUSEUMSINSEL KASSE; 10; 28
        """,
        _BERLIN,
        IN_STORE,
    ),
    "Roma": _table(
        """
        Bar Minerva; FOOD_AND_DRINK_COFFEE; BAR MINERVA ROMA; 2; 10
        Trattoria Baccina; FOOD_AND_DRINK_RESTAURANT; TRATTORIA BACCINA; 20; 72
        Albergo Celio; TRAVEL_LODGING; ALBERGO CELIO; 95; 240
        Treno Veloce; TRANSPORTATION_PUBLIC_TRANSIT; TRENO VELOCE; 12; 60
        """,
        _ROME,
        IN_STORE,
    ),
}
EVERYDAY = GROCERS + CAFES + RESTAURANTS + SHOPS + ERRANDS
