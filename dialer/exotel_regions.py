"""Where Exotel answers; apart from `dialer.exotel`, since settings are read before anything is sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegionHosts:
    """Where an account lives: scheme and host of the v1 API and of v3 call details."""

    api: str
    details: str


REGIONS = {
    "singapore": RegionHosts("https://api.exotel.com", "https://ccm-api.exotel.com"),
    "mumbai": RegionHosts("https://api.in.exotel.com", "https://ccm-api.in.exotel.com"),
}
