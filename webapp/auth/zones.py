import zoneinfo

# names of the machine the server runs on, not of a place
NOT_PLACES = {"localtime", "Factory"}


def zone_or_utc(name: str | None) -> str:
    """The IANA zone a browser named, UTC where it named none that exists."""
    if not name:
        return "UTC"
    known = zoneinfo.available_timezones() - NOT_PLACES
    return name if name in known else "UTC"
