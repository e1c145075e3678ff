"""When a campaign calls: its hours, whose time they mean, its first and its last instant."""

from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator, model_validator

from campaigns.hours.calling_hours import CallingHours
from campaigns.rules.declaring import Hurried, Panel, declared
from campaigns.rules.kinds import Hours, SomeRules, TimeZone
from campaigns.sentence import told

_rule = partial(declared, Panel.WHEN)


class ZoneBy(StrEnum):
    """Whose local time the calling hours mean."""

    CAMPAIGN = "campaign"
    NUMBER = "number"


class WhenRules(SomeRules):
    """The zone first, because instants without an offset are read in it."""

    timezone: TimeZone = _rule(
        Field("Asia/Kolkata"),
        "Time zone",
        "IANA zone of the hours, of a day's caps, and of instants",
        "TZ",
        "Asia/Dubai",
        setting="DIALER_TIMEZONE",
    )
    hours: Hours = _rule(
        Field(default_factory=lambda: CallingHours.parse("09:00-21:00")),
        "Calling hours",
        "when calls may start: days and windows with semicolons between, or india, "
        "india-recovery, always",
        "HOURS",
        "mon-fri 09:00-12:30,14:00-20:00; sat 10:00-14:00",
        setting="DIALER_CALLING_HOURS",
        hurried=Hurried.LEFT_OUT,
    )
    zone_by: ZoneBy = _rule(
        Field(ZoneBy.CAMPAIGN),
        "Whose time",
        "whose time the hours mean: the campaign's, or the one the customer's number "
        "belongs to; a row's own zone goes before both",
        "WORD",
        "number",
        words=tuple(ZoneBy),
    )
    starts_at: AwareDatetime | None = _rule(
        Field(None),
        "Starts at",
        "the campaign starts by itself then, once, if it is loaded by then; a time that "
        "is past means now",
        "TIME",
        "2026-11-24T09:00",
        hurried=Hurried.LEFT_OUT,
    )
    ends_at: AwareDatetime | None = _rule(
        Field(None),
        "Ends at",
        "no call from then on; who still waits is closed as ended, live calls run out, "
        "and nothing more is taken",
        "TIME",
        "2026-11-30T21:00",
        hurried=Hurried.LEFT_OUT,
    )

    @property
    def zone(self) -> ZoneInfo:
        """The campaign's time zone."""
        return ZoneInfo(self.timezone)

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
    def _ends_after_its_start(self) -> Self:
        if self.starts_at and self.ends_at and self.starts_at >= self.ends_at:
            raise ValueError(told("ends_at must be after starts_at"))
        return self
