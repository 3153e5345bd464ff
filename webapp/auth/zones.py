import zoneinfo

# trees and files of zone data that are not the name of a place
NOT_PLACES = {"posix", "right", "posixrules", "localtime", "Factory"}


def zone_or_utc(name: str | None) -> str:
    """The IANA zone a browser named, UTC where it named none that exists."""
    if not name or name.split("/")[0] in NOT_PLACES:
        return "UTC"
    try:
        return zoneinfo.ZoneInfo(name).key
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return "UTC"
