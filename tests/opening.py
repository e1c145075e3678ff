"""What tests ask of calling hours beside when they open next."""

from datetime import datetime
from zoneinfo import ZoneInfo

from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import OpenWindow


def open_window(hours: CallingHours, at: datetime, zone: ZoneInfo) -> OpenWindow | None:
    window = hours.next_open(at, zone)
    return window if window and window.from_at <= at else None


def may_call_at(hours: CallingHours, at: datetime, zone: ZoneInfo) -> bool:
    windows = hours._windows_on(at.astimezone(zone).date(), zone)
    return any(window.from_at <= at < window.until_at for window in windows)
