"""Time zones as people and spreadsheets name them: IST, India Standard Time, GMT+5:30, Asia/Calcutta."""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


@lru_cache(maxsize=1_000)
def zone_meant(name: str) -> ZoneInfo | None:
    """Find the zone that a name means; None where it means none, or could mean several."""
    key = _key_of(name.strip())
    try:
        return ZoneInfo(key) if key else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder, such as "Asia"
        return None


def canonical(key: str) -> str:
    """Give the name that a zone goes by today: Asia/Kolkata for Asia/Calcutta."""
    return _RENAMED.get(key, key)


def _key_of(name: str) -> str | None:
    if offset := _OFFSET.fullmatch(name):
        sign, hours, minutes = offset[1], int(offset[2]), int(offset[3] or 0)
        return _ZONE_OF_OFFSET.get((-1 if sign in "-\u2212" else 1) * (hours * 60 + minutes))
    words = " ".join(name.casefold().split())
    known = _NAMES.get(words) or _keys_in_one_case().get(words.replace(" ", "_")) or name
    return canonical(known)


@lru_cache(maxsize=1)
def _keys_in_one_case() -> dict[str, str]:
    return {key.casefold(): key for key in available_timezones()}


_OFFSET = re.compile(r"(?:GMT|UTC)?\s*([+\u2212-])\s*([0-9]{1,2}):?([0-9]{2})?", re.IGNORECASE)
# The sign of Etc's names is the other way round. Offsets of minutes belong to one place, or to
# several that differ in nothing.
_ZONE_OF_OFFSET = {
    **{hours * 60: f"Etc/GMT{-hours:+d}" if hours else "UTC" for hours in range(-12, 15)},
    210: "Asia/Tehran",
    270: "Asia/Kabul",
    330: "Asia/Kolkata",
    345: "Asia/Kathmandu",
    390: "Asia/Yangon",
    570: "Australia/Darwin",
}
# What Windows and people write. EST, CST and the like are several places' and stay unknown.
_NAMES = {
    "ist": "Asia/Kolkata",
    "indian standard time": "Asia/Kolkata",
    "india standard time": "Asia/Kolkata",
    "india": "Asia/Kolkata",
    "(utc+05:30) chennai, kolkata, mumbai, new delhi": "Asia/Kolkata",
    "sri lanka standard time": "Asia/Colombo",
    "nepal standard time": "Asia/Kathmandu",
    "bangladesh standard time": "Asia/Dhaka",
    "pakistan standard time": "Asia/Karachi",
    "arabian standard time": "Asia/Dubai",
    "gulf standard time": "Asia/Dubai",
    "arab standard time": "Asia/Riyadh",
    "singapore standard time": "Asia/Singapore",
    "gmt standard time": "Europe/London",
    "coordinated universal time": "UTC",
    "z": "UTC",
}
_RENAMED = {
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Dacca": "Asia/Dhaka",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Asia/Thimbu": "Asia/Thimphu",
    "Asia/Macao": "Asia/Macau",
    "Asia/Ujung_Pandang": "Asia/Makassar",
    "Asia/Ulan_Bator": "Asia/Ulaanbaatar",
    "Asia/Chungking": "Asia/Shanghai",
    "Asia/Tel_Aviv": "Asia/Jerusalem",
    "Europe/Kiev": "Europe/Kyiv",
    "America/Godthab": "America/Nuuk",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "Africa/Asmera": "Africa/Asmara",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "US/Eastern": "America/New_York",
    "US/Central": "America/Chicago",
    "US/Mountain": "America/Denver",
    "US/Pacific": "America/Los_Angeles",
    "GB": "Europe/London",
    "Singapore": "Asia/Singapore",
    "Hongkong": "Asia/Hong_Kong",
    "Japan": "Asia/Tokyo",
}
