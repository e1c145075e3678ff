"""How much a campaign, a number or a country may get on one local day, and what one call adds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from campaigns.campaign_rules import CampaignRules
from campaigns.sentence import told


class CapScope(StrEnum):
    """What waits for the next day once a cap is reached."""

    CAMPAIGN = "campaign"
    NUMBER = "number"
    COUNTRY = "country"


@dataclass(frozen=True, slots=True)
class Cap:
    """One daily cap.

    Args:
        name: What is counted: `calls`, `spend`, a country or a number.
        adds: What this call adds to it.
        most: Never passed.
    """

    name: str
    adds: float
    most: float
    scope: CapScope


@dataclass(frozen=True, slots=True)
class DailyCaps:
    """The caps of one call.

    Args:
        day: Local date, as text; part of the key they are counted under.
        next_day_at: When the counts start anew.
    """

    day: str
    next_day_at: datetime
    caps: tuple[Cap, ...]


@dataclass(frozen=True, slots=True)
class AccountCaps:
    """What all campaigns of the account together may use on one local day; 0 = no cap.

    Args:
        spend: In the billing currency.
    """

    calls: int = 0
    minutes: int = 0
    spend: int = 0

    def named(self) -> tuple[tuple[str, int, int], ...]:
        """Give each cap's name in the store, what it allows, and how many of the store's one are."""
        return ("calls", self.calls, 1), ("seconds", self.minutes, 60), ("spend", self.spend, 1)


def local_day(at: datetime, zone: ZoneInfo) -> tuple[str, datetime]:
    """Give the local date of an instant, and when the next one begins."""
    local = at.astimezone(zone)
    tomorrow = (local + timedelta(days=1)).date()
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return local.date().isoformat(), midnight


def daily_caps(rules: CampaignRules, customer: str, *, at: datetime) -> DailyCaps:
    """Tell which caps a call to this customer comes under.

    Args:
        customer: E.164.
        at: The call's instant; the day is the campaign's local one.
    """
    day, midnight = local_day(at, rules.zone)
    caps = []
    if rules.max_calls_per_day:
        caps.append(Cap("calls", 1, rules.max_calls_per_day, CapScope.CAMPAIGN))
    if rules.max_spend_per_day:
        caps.append(Cap("spend", rules.reserved_spend, rules.max_spend_per_day, CapScope.CAMPAIGN))
    if rules.country_calls_per_day:
        from campaigns.numbers.phone import country_of  # noqa: PLC0415 - few campaigns ask

        country = country_of(customer)
        if country in rules.country_calls_per_day:
            most = rules.country_calls_per_day[country]
            caps.append(Cap(f"country:{country}", 1, most, CapScope.COUNTRY))
    if rules.max_calls_per_number:
        caps.append(Cap(customer, 1, rules.max_calls_per_number, CapScope.NUMBER))
    return DailyCaps(day, midnight, tuple(caps))


def cap_in_words(name: str, until: float, now_s: float) -> str:
    """Say of what an account's record holds that a cap of its day is reached; '' where none is."""
    if not name or now_s >= until:
        return ""
    setting = {"calls": "CALLS", "seconds": "MINUTES", "spend": "SPEND"}[name]
    what = {"calls": told("calls"), "seconds": told("minutes"), "spend": told("spend")}[name]
    return told(
        "the account's cap on {what} a day is reached (DIALER_MAX_{setting}_PER_DAY); an "
        "administrator can raise it for today, or it counts anew at midnight",
        what=what,
        setting=setting,
    )
