"""A campaign and its account at one instant, and what may bind it."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.hours.local_day import OpenWindow


class Constraint(StrEnum):
    """What keeps more from being dialled at this moment."""

    # somebody has to do something
    LOADING = "loading"
    NOT_STARTED = "not_started"
    PAUSED = "paused"
    REDIS_REFUSES = "redis_refuses"
    NO_FEEDER = "no_feeder"
    NO_WORKER = "no_worker"
    HOLD = "hold"
    SETTINGS_DIFFER = "settings_differ"
    STOPPED = "stopped"
    ACCOUNT_CAPS = "account_caps"
    # time has to pass
    HOURS = "hours"
    CAPS = "caps"
    BLOCKED = "blocked"
    CHANNELS = "channels"
    AGENTS = "agents"
    RETRY_TIMERS = "retry_timers"
    LIMIT = "limit"
    # nothing is left to dial, but not everything has ended
    CALLS = "calls"
    QUARANTINE = "quarantine"
    DISPOSITIONS = "dispositions"


class Binding(NamedTuple):
    """A constraint that binds, and one sentence for people.

    Args:
        until: When it ends by itself; None: not known, or somebody must act.
        command: What mends it, for those at a terminal; '' where no command does.
    """

    constraint: Constraint
    sentence: str
    until: datetime | None = None
    command: str = ""

    @property
    def at_a_terminal(self) -> str:
        """The sentence, with the command that mends it."""
        return f"{self.sentence} What mends it: {self.command}" if self.command else self.sentence


class Situation(NamedTuple):
    """A campaign and its account at one instant.

    Args:
        at: That instant.
        zone: The campaign's, for instants in sentences.
        is_appending: A file is on its way into the campaign, or broke off on it.
        why: What the campaign's state is for, where it was not the user's wish.
        asked_by: Who has started it and waits for a second person; '' = nobody.
        waiting: Contacts, as are the next three.
        window: The open calling window, or the next one; None: none ever opens.
        agents_free: Free agents for whom a contact is due.
        agents_taken: Agents on a call, resting, parked or away for whom a contact is due.
        agents_parked: Those among them who missed too many calls.
        agents_away: Those among them who are on a break, off, out of their shift or done for the day.
        agents_back_at: When the first of those is back; None: not known, or nobody is away.
        next_due_at: When the first contact that waits for its time is due; None: none does.
        last_due_at: The same of the last one; None where that is not known either.
        feeders: That live; None: Redis takes no sign of life, so nobody can tell. So with workers.
        settings_differ: Why nobody is left who may dial or release; '' = somebody is.
        redis_refuses: Why Redis does not do what dialling needs; '' = it does, as far as is known.
        hold: Why the account makes no calls until its records are complete; '' = it may.
        stopped: Why the provider refuses the account; '' = it does not.
        account_cap: Which cap of the account's day is reached, in words; '' = none.
        blocked_for_s: The account's gate stays closed so long.
        sick_hosts: Worker hosts that cannot send, each with its reason.
        capped_until: The campaign has reached a daily cap and waits for the next day.
        capped_by: Which one: `calls` or `spend`.
        live_calls: Of the account, or of the campaign where its own cap is reached.
        most_calls: As many of them may be live at once; 0 = no cap.
        requests_last_60_s: Of all the account's campaigns.
        requests_per_window: The limit as it stands.
        window_s: Length of the limit's window.
        attempts_settled: Attempts of this campaign that have an outcome.
        contacts_dialled_out: Contacts that an attempt's outcome made final.
    """

    at: datetime
    zone: ZoneInfo
    state: CampaignState
    is_appending: bool = False
    why: str = ""
    asked_by: str = ""
    waiting: int = 0
    released: int = 0
    dialing: int = 0
    unresolved: int = 0
    open: int = 0
    window: OpenWindow | None = None
    agents_free: int = 0
    agents_taken: int = 0
    agents_parked: int = 0
    agents_away: int = 0
    agents_back_at: datetime | None = None
    next_due_at: datetime | None = None
    last_due_at: datetime | None = None
    feeders: int | None = 1
    workers: int | None = 1
    redis_refuses: str = ""
    hold: str = ""
    settings_differ: str = ""
    stopped: str = ""
    account_cap: str = ""
    blocked_for_s: float = 0.0
    sick_hosts: tuple[str, ...] = ()
    capped_until: datetime | None = None
    capped_by: str = ""
    live_calls: int = 0
    most_calls: int = 0
    requests_last_60_s: int = 0
    requests_per_window: int = 200
    window_s: float = 60.0
    attempts_settled: int = 0
    contacts_dialled_out: int = 0

    @property
    def left(self) -> int:
        """Contacts that are not final."""
        return self.waiting + self.released + self.dialing + self.unresolved + self.open
