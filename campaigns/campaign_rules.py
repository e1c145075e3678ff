"""How a campaign dials: every rule with its type, bounds, default, and what people are told of it."""

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
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from campaigns.dispositions import MOST_DISPOSITIONS, Disposition, split_dispositions
from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import zone_named
from campaigns.retry_policy import DEFAULT_RULES, RetryRule, seconds_in
from campaigns.rule import Hurried, Panel, Rule
from campaigns.sentence import told


class UnknownPolicy(StrEnum):
    """What follows when quarantine ends and no call was found."""

    REDIAL = "redial_after_negative"  # nothing of the old attempt can be live any more
    SKIP = "skip"
    MANUAL = "manual"


class WrapUpUntil(StrEnum):
    """When an agent who has talked to a customer may be rung again."""

    TIME = "time"  # after the wrap-up
    DISPOSITION = "disposition"  # once they said what came of it


class ZoneBy(StrEnum):
    """Whose local time the calling hours mean."""

    CAMPAIGN = "campaign"
    NUMBER = "number"


def _zone(name: str) -> str:
    zone_named(name)
    return name


def _written(kind: Any) -> tuple[PlainValidator, PlainSerializer]:
    """Take one of a kind, or what people write for it; kept as they would write it."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return kind.parse(value)
        if isinstance(value, kind):
            return value
        raise ValueError("write it as text")

    return PlainValidator(read), PlainSerializer(str)


def _seconds(value: Any) -> Any:
    return seconds_in(value) if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_seconds)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[CallingHours, *_written(CallingHours)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Retry = Annotated[RetryRule, *_written(RetryRule)]
Word = Annotated[Disposition, *_written(Disposition)]


class CampaignRules(BaseModel):
    """How a campaign dials. Frozen: a change makes a new version.

    A field's `Rule` says what it means; names that end in `_s` are seconds. A cap of 0 is none.
    """

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True, extra="forbid")

    # when; the zone first, because instants without an offset are read in it
    timezone: Annotated[
        TimeZone,
        Rule(
            Panel.WHEN,
            "Time zone",
            "IANA zone of the hours, of a day's caps, and of instants",
            "TZ",
            "Asia/Dubai",
            setting="DIALER_TIMEZONE",
        ),
    ] = "Asia/Kolkata"
    hours: Annotated[
        Hours,
        Rule(
            Panel.WHEN,
            "Calling hours",
            "when calls may start: days and windows with semicolons between, or india, "
            "india-recovery, always",
            "HOURS",
            "mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00",
            setting="DIALER_CALLING_HOURS",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = Field(default_factory=lambda: CallingHours.parse("09:00-21:00"))
    zone_by: Annotated[
        ZoneBy,
        Rule(
            Panel.WHEN,
            "Whose time",
            "whose time the hours mean: the campaign's, or the one the customer's number "
            "belongs to; a row's own zone goes before both",
            "WORD",
            "number",
            words=tuple(ZoneBy),
        ),
    ] = ZoneBy.CAMPAIGN
    starts_at: Annotated[
        AwareDatetime | None,
        Rule(
            Panel.WHEN,
            "Starts at",
            "the campaign starts by itself then, once, if it is loaded by then; a time that "
            "is past means now",
            "TIME",
            "2026-11-24T09:00",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = None
    ends_at: Annotated[
        AwareDatetime | None,
        Rule(
            Panel.WHEN,
            "Ends at",
            "no call from then on; who still waits is closed as ended, live calls run out, "
            "and nothing more is taken",
            "TIME",
            "2026-11-30T21:00",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = None

    # retries
    max_attempts: Annotated[
        int,
        Rule(
            Panel.RETRIES,
            "Most attempts",
            "most attempts of a contact, the first included; those that never reached for "
            "the customer do not count",
            "N",
            "4",
            setting="DIALER_MAX_ATTEMPTS",
        ),
    ] = Field(3, ge=1, le=100)
    retry: Annotated[
        tuple[Retry, ...],
        Rule(
            Panel.RETRIES,
            "Retries",
            "after this outcome again in so long, so often; once for each outcome, the "
            "others keep theirs; a + after the delay lets it grow by as much each time, a * "
            "doubles it, x0 means never",
            "OUTCOME=DELAY[xN]",
            "customer_busy=5mx3",
            several=True,
            hurried=Hurried.SHRINKS,
        ),
    ] = DEFAULT_RULES
    min_gap_s: Annotated[
        Seconds,
        Rule(
            Panel.RETRIES,
            "Gap",
            "least time between two calls to one customer, of any campaign",
            "S",
            "2h",
            hurried=Hurried.SHRINKS,
        ),
    ] = Field(0, ge=0, le=30 * 86400)
    unknown: Annotated[
        UnknownPolicy,
        Rule(
            Panel.RETRIES,
            "If nobody knows",
            "what follows where nobody could find out whether a call was placed: it is "
            "dialled again once no call of it can be live, skipped, or left to an operator",
            "WORD",
            "manual",
            words=tuple(UnknownPolicy),
        ),
    ] = UnknownPolicy.REDIAL

    # agents and turns
    wrap_up_s: Annotated[
        Seconds,
        Rule(
            Panel.AGENTS,
            "Wrap-up",
            "an agent's rest after each call that rang them",
            "S",
            "20",
            setting="DIALER_WRAP_UP_S",
            hurried=Hurried.SHRINKS,
        ),
    ] = Field(10, ge=0, le=3600)
    wrap_up_until: Annotated[
        WrapUpUntil,
        Rule(
            Panel.AGENTS,
            "Wrap-up ends",
            "when an agent who talked to a customer is rung again: after the wrap-up, or once "
            "they gave a disposition as well",
            "WORD",
            "disposition",
            words=tuple(WrapUpUntil),
        ),
    ] = WrapUpUntil.TIME
    wrap_up_longest_s: Annotated[
        Seconds,
        Rule(
            Panel.AGENTS,
            "Longest wrap-up",
            "for how long a wrap-up waits for a disposition at most",
            "S",
            "3m",
            hurried=Hurried.SHRINKS,
        ),
    ] = Field(300, ge=1, le=3600)
    disposition: Annotated[
        tuple[Word, ...],
        BeforeValidator(split_dispositions),
        Rule(
            Panel.AGENTS,
            "Dispositions",
            "what agents may say came of a conversation, with commas between, each with what "
            "follows: nothing (the outcome's rule), final, suppress, retry=DELAY; "
            "do_not_call:suppress is always one of them",
            "NAME[:FOLLOWS]",
            "sale,wrong_number:final,call_back:retry=1d",
            several=True,
            hurried=Hurried.SHRINKS,
        ),
    ] = Field((), max_length=MOST_DISPOSITIONS)
    disposition_within_s: Annotated[
        Seconds,
        Rule(
            Panel.AGENTS,
            "Dispositions within",
            "for how long after a conversation its contact stays open for a disposition; then "
            "the outcome's rule holds",
            "S",
            "1h",
            hurried=Hurried.SHRINKS,
        ),
    ] = Field(900, ge=1, le=7 * 86400)
    agent_sees: Annotated[
        str,
        Rule(
            Panel.AGENTS,
            "Agents see",
            "columns of the list that the agent's page shows of a customer beside the name, with "
            "commas between",
            "COLUMNS",
            "plan,due amount",
        ),
    ] = Field("", max_length=500)
    park_after: Annotated[
        int,
        Rule(
            Panel.AGENTS,
            "Park after",
            "calls in a row an agent misses before they are left alone; 0: never",
            "N",
            "3",
        ),
    ] = Field(5, ge=0, le=100)
    park_s: Annotated[
        Seconds,
        Rule(
            Panel.AGENTS,
            "Park for",
            "for how long they are left alone; their contacts wait and use up nothing",
            "S",
            "10m",
            hurried=Hurried.SHRINKS,
        ),
    ] = Field(300, ge=1, le=86400)
    same_agent: Annotated[
        bool,
        Rule(
            Panel.AGENTS,
            "Same agent",
            "of a group, ring who spoke with the customer before, in this or an earlier campaign "
            "with "
            "this rule, where they are free",
            "",
            "yes",
        ),
    ] = False
    stand_in_when_busy: Annotated[
        bool,
        Rule(
            Panel.AGENTS,
            "Stand-in when busy",
            "ring a stand-in also while the agent is on a call, and not only away; of lists "
            "loaded from "
            "then on",
            "",
            "yes",
        ),
    ] = False
    priority: Annotated[
        int,
        Rule(
            Panel.AGENTS, "Priority", "-99 to 99; the higher campaign goes first, always", "N", "10"
        ),
    ] = Field(0, ge=-99, le=99)
    weight: Annotated[
        float,
        Rule(Panel.AGENTS, "Weight", "share of turns among campaigns of one priority", "W", "3"),
    ] = Field(1.0, gt=0, le=1000)

    # caps; a day ends at the zone's midnight
    max_calls_per_day: Annotated[
        int,
        Rule(
            Panel.CAPS,
            "Calls a day",
            "of the campaign; 0: no cap",
            "N",
            "5000",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = Field(0, ge=0)
    max_spend_per_day: Annotated[
        float,
        Rule(
            Panel.CAPS,
            "Spend a day",
            "each call sets aside its price at the time limit: minutes, rounded up, times "
            "the price of a minute; 0: no cap",
            "MONEY",
            "2000",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = Field(0, ge=0)
    price_per_min: Annotated[
        float,
        Rule(
            Panel.CAPS,
            "Price of a minute",
            "what a minute costs, in the billing currency",
            "MONEY",
            "0.6",
        ),
    ] = Field(0, ge=0)
    max_calls_per_number: Annotated[
        int,
        Rule(
            Panel.CAPS,
            "Calls a day to one customer",
            "counted over all campaigns that set it; 0: no cap",
            "N",
            "2",
            hurried=Hurried.LEFT_OUT,
        ),
    ] = Field(0, ge=0)
    country_calls_per_day: Annotated[
        dict[Country, Annotated[int, Field(ge=1)]],
        Rule(
            Panel.CAPS,
            "Calls a day to a country",
            "of the campaign to a country; once for each",
            "CC=N",
            "AE=50",
            several=True,
            hurried=Hurried.LEFT_OUT,
        ),
    ] = Field(default_factory=dict)
    max_concurrent_calls: Annotated[
        int,
        Rule(
            Panel.CAPS,
            "Calls at once",
            "of the campaign at once; each takes two of the account's channels; 0: no cap",
            "N",
            "25",
        ),
    ] = Field(0, ge=0)

    # the call itself; limits and words are the provider's, checked when the request is built
    caller_id: Annotated[
        str,
        Rule(
            Panel.CALL,
            "Shown number (caller id)",
            "the ExoPhone shown to both sides",
            "NUMBER",
            "08045678900",
            setting="EXOTEL_CALLER_ID",
        ),
    ] = Field(min_length=3, max_length=16)
    time_limit_s: Annotated[
        Seconds,
        Rule(
            Panel.CALL,
            "Longest call",
            "the call is cut after it, 1–14400 s",
            "S",
            "10m",
            setting="DIALER_TIME_LIMIT_S",
        ),
    ] = Field(1800, ge=1, le=14400)
    time_out_s: Annotated[
        Seconds,
        Rule(
            Panel.CALL,
            "Ring time per phone",
            "ring time of each phone, 1–60 s",
            "S",
            "25",
            setting="DIALER_TIME_OUT_S",
        ),
    ] = Field(30, ge=1, le=60)
    record: Annotated[bool, Rule(Panel.CALL, "Record", "record the conversation", "", "yes")] = (
        False
    )
    recording_channels: Annotated[
        str,
        Rule(
            Panel.CALL,
            "Recording's channels",
            "one channel for both, or one each",
            "WORD",
            "dual",
            words=("single", "dual"),
        ),
    ] = "single"
    recording_format: Annotated[
        str,
        Rule(
            Panel.CALL,
            "Recording's quality",
            "the sound quality of the recording",
            "WORD",
            "mp3-hq",
            words=("mp3", "mp3-hq"),
        ),
    ] = "mp3"
    wait_url: Annotated[
        str | None,
        Rule(
            Panel.CALL,
            "Waiting sound",
            "a WAV the agent hears while the customer's phone rings",
            "URL",
            "https://example.com/wait.wav",
        ),
    ] = None
    playback_url: Annotated[
        str | None,
        Rule(
            Panel.CALL,
            "Announcement",
            "played before the two are joined",
            "URL",
            "https://example.com/hello.wav",
        ),
    ] = None
    playback_to: Annotated[
        str,
        Rule(
            Panel.CALL,
            "Who hears it",
            "the customer, or both",
            "WORD",
            "Both",
            words=("Callee", "Both"),
        ),
    ] = "Callee"
    stream_url: Annotated[
        str | None,
        Rule(
            Panel.CALL, "Live audio", "the live audio goes there", "URL", "wss://example.com/audio"
        ),
    ] = None
    stream_begin: Annotated[
        str | None,
        Rule(
            Panel.CALL,
            "Live audio begins",
            "when the agent answers, or the customer",
            "WORD",
            "at Leg2Connect",
            words=("at Leg1Connect", "at Leg2Connect"),
        ),
    ] = None
    custom_field: Annotated[
        str | None,
        Rule(
            Panel.CALL,
            "Custom field",
            "travels with each call; columns in braces",
            "TEXT",
            "{plan}/{city}",
        ),
    ] = Field(None, max_length=500)

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
            raise ValueError(told("write an instant such as 2026-11-24T09:00")) from None
        zone = info.data.get("timezone")
        return at if at.tzinfo or zone is None else at.replace(tzinfo=ZoneInfo(zone))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        causes = [rule.cause for rule in self.retry]
        if len(set(causes)) < len(causes):
            raise ValueError(told("retry: name each outcome once"))
        names = [one.name for one in self.disposition]
        if len(set(names)) < len(names):
            raise ValueError(told("disposition: name each once"))
        if self.wrap_up_until is WrapUpUntil.DISPOSITION and not names:
            raise ValueError(told("wrap_up_until disposition needs dispositions to wait for"))
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValueError(told("ends_at must be after starts_at"))
        if self.max_spend_per_day and not self.price_per_min:
            raise ValueError(told("max_spend_per_day needs price_per_min, the price of a minute"))
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


def names_in(text: str) -> tuple[str, ...]:
    """Read names with commas between."""
    return tuple(one.strip() for one in text.split(",") if one.strip())


def with_retry(
    rules: tuple[RetryRule, ...], changed: tuple[RetryRule, ...]
) -> tuple[RetryRule, ...]:
    """Replace the rules of the outcomes named in `changed`, keep the others."""
    named = {rule.cause for rule in changed}
    return (*(rule for rule in rules if rule.cause not in named), *changed)
