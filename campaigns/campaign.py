"""A campaign: a named list of contacts with its rules and its states."""

from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from campaigns.calling_hours import CallingHours
from campaigns.retry_policy import DEFAULT_RULES, RetryRule


class CampaignState(StrEnum):
    """Where a campaign stands; `loading` shows only while its first list is being read."""

    LOADING = "loading"
    LOADED = "loaded"
    RUNNING = "running"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class UnknownPolicy(StrEnum):
    """What follows when quarantine ends and no call was found."""

    REDIAL = "redial_after_negative"  # nothing of the old attempt can be live any more
    SKIP = "skip"
    MANUAL = "manual"


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone; write e.g. Asia/Kolkata") from None
    return name


def _hours(value: Any) -> Any:
    return CallingHours.parse(value) if isinstance(value, str) else value


def _retry(value: Any) -> Any:
    return RetryRule.parse(value) if isinstance(value, str) else value


TimeZone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[CallingHours, BeforeValidator(_hours), PlainSerializer(str)]
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
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")

    caller_id: str = Field(min_length=3, max_length=16)
    time_limit_s: int = Field(1800, ge=1, le=14400)
    time_out_s: int = Field(30, ge=1, le=60)
    hours: Hours = Field(default_factory=lambda: CallingHours.parse("09:00-21:00"))
    timezone: TimeZone = "Asia/Kolkata"
    max_attempts: int = Field(3, ge=1, le=100)
    retry: tuple[Retry, ...] = DEFAULT_RULES
    wrap_up_s: int = Field(10, ge=0, le=3600)
    priority: int = Field(0, ge=-99, le=99)
    weight: float = Field(1.0, gt=0, le=1000)
    unknown: UnknownPolicy = UnknownPolicy.REDIAL

    @property
    def zone(self) -> ZoneInfo:
        """The campaign's time zone."""
        return ZoneInfo(self.timezone)


def with_retry(
    rules: tuple[RetryRule, ...], changed: tuple[RetryRule, ...]
) -> tuple[RetryRule, ...]:
    """Replace the rules of the outcomes named in `changed`, keep the others."""
    named = {rule.outcome for rule in changed}
    return (*(rule for rule in rules if rule.outcome not in named), *changed)
