"""A campaign: a named list of contacts with its rules and its states."""

import math
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from campaigns.calling_hours import CallingHours
from campaigns.local_day import zone_named
from campaigns.retry_policy import DEFAULT_RULES, RetryRule, seconds_in


class CampaignState(StrEnum):
    """Where a campaign stands; `loading` shows only while its first list is being read."""

    LOADING = "loading"
    LOADED = "loaded"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"

    @property
    def is_over(self) -> bool:
        """Nothing waits and nothing is under way; what is appended to a completed one opens it."""
        return self in {CampaignState.COMPLETED, CampaignState.CANCELLED}


class UnknownPolicy(StrEnum):
    """What follows when quarantine ends and no call was found."""

    REDIAL = "redial_after_negative"  # nothing of the old attempt can be live any more
    SKIP = "skip"
    MANUAL = "manual"


class ZoneBy(StrEnum):
    """Whose local time the calling hours mean."""

    CAMPAIGN = "campaign"
    NUMBER = "number"


def _zone(name: str) -> str:
    zone_named(name)
    return name


def _hours(value: Any) -> Any:
    return CallingHours.parse(value) if isinstance(value, str) else value


def _retry(value: Any) -> Any:
    return RetryRule.parse(value) if isinstance(value, str) else value


def _seconds(value: Any) -> Any:
    return seconds_in(value) if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_seconds)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[CallingHours, BeforeValidator(_hours), PlainSerializer(str)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Retry = Annotated[RetryRule, BeforeValidator(_retry), PlainSerializer(str)]


class CampaignRules(BaseModel):
    """How a campaign dials. Frozen: a change makes a new version.

    Args:
        caller_id: The ExoPhone shown to both sides.
        time_limit_s: Longest call, s; Exotel's maximum is 4 h.
        time_out_s: Ring time per leg, s; Exotel's maximum is 60 s.
        hours: When calls may be placed, in `timezone` or the row's own zone.
        max_attempts: Most charged attempts of one contact, the first included.
        retry: At most one rule per outcome; an outcome without one is never retried.
        wrap_up_s: The agent's rest after each call that rang them, s.
        priority: Higher goes first, always; equal ones take turns by `weight`.
        weight: Share of turns among campaigns of the same priority.
        unknown: What follows when quarantine ends without evidence.
        zone_by: Whose zone the hours are in where a row names none: the campaign's, or the one
            the customer's number belongs to.
        starts_at: Starts by itself then, if loaded by then; without an offset it is in `timezone`.
        ends_at: From then on no call is placed; waiting contacts are closed as `ended`.
        park_after: Calls in a row an agent misses before they are left alone; 0 = never.
        park_s: For how long, s.
        min_gap_s: Least time between two calls to one customer, in any campaign, s.
        max_calls_per_number: Most calls to one customer a day, counted over all campaigns that
            set this; 0 = no cap.
        max_calls_per_day: Of the campaign, by its zone's midnight; 0 = no cap.
        max_spend_per_day: Reserved before each call as `price_per_min` times the time limit;
            0 = no cap.
        price_per_min: What a minute costs, in the billing currency.
        max_concurrent_calls: Of the campaign; each takes two of the account's channels; 0 = no cap.
        country_calls_per_day: Most calls a day to a country, by ISO code.
        record: Record the conversation.
        custom_field: Text that travels with each call, columns in braces: `{plan}/{city}`.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")

    # first, because instants without an offset are read in it
    timezone: TimeZone = "Asia/Kolkata"
    caller_id: str = Field(min_length=3, max_length=16)
    time_limit_s: Seconds = Field(1800, ge=1, le=14400)
    time_out_s: Seconds = Field(30, ge=1, le=60)
    hours: Hours = Field(default_factory=lambda: CallingHours.parse("09:00-21:00"))
    max_attempts: int = Field(3, ge=1, le=100)
    retry: tuple[Retry, ...] = DEFAULT_RULES
    wrap_up_s: Seconds = Field(10, ge=0, le=3600)
    priority: int = Field(0, ge=-99, le=99)
    weight: float = Field(1.0, gt=0, le=1000)
    unknown: UnknownPolicy = UnknownPolicy.REDIAL

    # when
    zone_by: ZoneBy = ZoneBy.CAMPAIGN
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None

    # people
    park_after: int = Field(5, ge=0, le=100)
    park_s: Seconds = Field(300, ge=1, le=86400)
    min_gap_s: Seconds = Field(0, ge=0, le=30 * 86400)

    # caps
    max_calls_per_number: int = Field(0, ge=0)
    max_calls_per_day: int = Field(0, ge=0)
    max_spend_per_day: float = Field(0, ge=0)
    price_per_min: float = Field(0, ge=0)
    max_concurrent_calls: int = Field(0, ge=0)
    country_calls_per_day: dict[Country, Annotated[int, Field(ge=1)]] = Field(default_factory=dict)

    # the call itself; limits and words are the provider's, checked when the request is built
    record: bool = False
    recording_channels: str = "single"
    recording_format: str = "mp3"
    wait_url: str | None = None
    stream_url: str | None = None
    stream_begin: str | None = None
    playback_url: str | None = None
    playback_to: str = "Callee"
    custom_field: str | None = Field(None, max_length=500)

    def end_has_come(self, at: datetime) -> bool:
        """Tell whether no call is placed any more at an instant."""
        return self.ends_at is not None and self.ends_at <= at

    @field_validator("starts_at", "ends_at", mode="before")
    @classmethod
    def _in_the_campaigns_zone(cls, value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, str):
            return value
        try:
            at = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError("write an instant such as 2026-11-24T09:00") from None
        zone = info.data.get("timezone")
        return at if at.tzinfo or zone is None else at.replace(tzinfo=ZoneInfo(zone))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        causes = [rule.cause for rule in self.retry]
        if len(set(causes)) < len(causes):
            raise ValueError("retry: name each outcome once")
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValueError("ends_at must be after starts_at")
        if self.max_spend_per_day and not self.price_per_min:
            raise ValueError("max_spend_per_day needs price_per_min, the price of a minute")
        return self

    @property
    def reserved_spend(self) -> float:
        """What one call can cost at most, in the billing currency."""
        return self.price_per_min * math.ceil(self.time_limit_s / 60)

    @property
    def has_daily_caps(self) -> bool:
        """Calls or spending are capped by the day."""
        return bool(
            self.max_calls_per_day
            or self.max_spend_per_day
            or self.max_calls_per_number
            or self.country_calls_per_day
        )

    @property
    def zone(self) -> ZoneInfo:
        """The campaign's time zone."""
        return ZoneInfo(self.timezone)


def with_retry(
    rules: tuple[RetryRule, ...], changed: tuple[RetryRule, ...]
) -> tuple[RetryRule, ...]:
    """Replace the rules of the outcomes named in `changed`, keep the others."""
    named = {rule.cause for rule in changed}
    return (*(rule for rule in rules if rule.cause not in named), *changed)
