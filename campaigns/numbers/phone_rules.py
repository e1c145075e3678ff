"""Which numbers may be rung, as settings say it; apart from the library that judges them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """Which numbers may be rung.

    Args:
        default_country: ISO code of numbers written without a country code.
        allowed_countries: ISO codes. The list is the control against toll fraud, not the dialling
            code: +1 876 is Jamaica.
        caller_id: The ExoPhone, in any spelling; no contact may be it. None when not set yet.
    """

    default_country: str = "IN"
    allowed_countries: frozenset[str] = frozenset({"IN"})
    caller_id: str | None = None
