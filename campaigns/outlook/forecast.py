"""When a campaign will be done, and what that rests on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from campaigns.hours.calling_hours import CallingHours
from campaigns.outlook.binding import binding, when_in_words
from campaigns.outlook.situation import Binding, Constraint, Situation
from campaigns.sentence import told

_ENOUGH_SETTLED = 20  # attempts; fewer say little about how many more will be needed


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the campaign will be done, and what that rests on."""

    done_at: datetime
    assuming: str


def forecast(now: Situation, hours: CallingHours) -> Forecast | None:
    """Tell when the campaign will be done; None where only a person or a call's end can tell."""
    bound = binding(now)
    if bound is None or bound.constraint not in _FORESEEABLE:
        return None
    back_at = _all_back_at(now, bound)
    per_s, pace = _pace(now, Constraint.LIMIT if back_at else bound.constraint)
    if per_s <= 0:
        return None
    per_contact, effort = _attempts_per_contact(now)
    work = timedelta(seconds=(now.left - now.open) * per_contact / per_s)
    capped_until = max(now.at, now.capped_until or now.at)
    begins_at = max(capped_until, back_at or now.at)
    done_at = after_work(begins_at, work, hours, now.zone)
    if done_at is not None and now.last_due_at and now.last_due_at > done_at:
        last_at = after_work(now.last_due_at, timedelta(0), hours, now.zone)
        due = when_in_words(now.last_due_at, now)
        assuming = told(
            "the last contact that waits for its time is due {due}, without further retries",
            due=due,
        )
        return Forecast(last_at, assuming) if last_at else None
    if done_at is None:
        return None
    caps = told(", no daily cap reached again") if capped_until > now.at else ""
    back = told(", agents back as they said") if back_at else ""
    assuming = told(
        "{pace}, {effort}, calls placed only in calling hours{caps}{back}",
        pace=pace,
        effort=effort,
        caps=caps,
        back=back,
    )
    return Forecast(done_at, assuming)


def _all_back_at(now: Situation, bound: Binding) -> datetime | None:
    """Tell when work goes on where all agents are away: the pace of the last minute says nothing then."""
    all_away = bound.constraint is Constraint.AGENTS and now.agents_away == now.agents_taken
    return now.agents_back_at if all_away else None


def after_work(
    at: datetime, work: timedelta, hours: CallingHours, zone: ZoneInfo
) -> datetime | None:
    """Tell when so much work, begun at this instant, is done if it rests outside calling hours.

    None: not within 400 days, beyond which a forecast is noise.
    """
    give_up_at = at + timedelta(days=400)
    while (window := hours.next_open(at, zone)) and window.from_at < give_up_at:
        begins_at = max(at, window.from_at)
        if begins_at + work <= window.until_at:
            return begins_at + work
        work -= window.until_at - begins_at
        at = window.until_at
    return None


_FORESEEABLE = frozenset(
    {
        Constraint.HOURS,
        Constraint.CAPS,
        Constraint.BLOCKED,
        Constraint.CHANNELS,
        Constraint.AGENTS,
        Constraint.RETRY_TIMERS,
        Constraint.LIMIT,
    }
)


def _pace(now: Situation, bound: Constraint) -> tuple[float, str]:
    """Give attempts per second, and where the figure is from."""
    limit_per_s = now.requests_per_window / now.window_s
    if bound in {Constraint.AGENTS, Constraint.CHANNELS, Constraint.BLOCKED}:
        return min(now.requests_last_60_s / 60, limit_per_s), told("at the pace of the last minute")
    return limit_per_s, told("at the request limit")


def _attempts_per_contact(now: Situation) -> tuple[float, str]:
    if now.attempts_settled < _ENOUGH_SETTLED or not now.contacts_dialled_out:
        return 1.0, told("without further retries")
    # each attempt ends its contact with the same chance, so this many are needed on average
    per_contact = max(1.0, now.attempts_settled / now.contacts_dialled_out)
    return per_contact, told("{attempts:.1f} attempts a contact as so far", attempts=per_contact)
