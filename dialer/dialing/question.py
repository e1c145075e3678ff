"""What the gate is asked: all that the caller's own clock, rules and row say of a contact."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from campaigns.agents.team import is_team
from campaigns.attempt import ORIGINATION_S, SEND_WINDOW_S, Attempt, AttemptState
from campaigns.campaign_rules import CampaignRules
from campaigns.caps import daily_caps, local_day
from campaigns.contact_state import NotDialled
from campaigns.hours.local_day import OpenWindow
from campaigns.numbers.phone import is_allowed
from campaigns.rules.when import ZoneBy
from dialer.dialing.candidate import Candidate
from dialer.dialing.journal import Journal
from dialer.dialing.options import DialingOptions
from dialer.open_windows import Hours
from dialer.pacing import SPACING_SLACK_S, Allowance
from dialer.store import Campaign
from dialer.store.attempts import GATE_FILLS, GATE_FILLS_FOR_TEAMS, caps_json, encode
from dialer.store.record import ContactRecord
from dialer.store.scripts import gives
from dialer.store.server_clock import ServerClock


class AskForContact(NamedTuple):
    """What the gate is given of one contact.

    Args:
        token: Of its release.
        nonce: Of this execution: who asks again gets the answer that was lost.
        rules_version: Of the rules that the caller holds.
        from_at: The call's open window, epoch s.
        until_at: Its end.
        opens_at: The next one after it, epoch s; 0 = never.
        attempt: JSON; the gate writes what it knows where `GATE_FILLS` has left a gap.
        caps: JSON: {day, next (epoch s of the next day), items: [name, what this call adds, most,
            'campaign' | 'number' | 'country']}.
        objection: The caller's own check closes the contact with this outcome.
        pauses: Why its campaign must not dial by its rules: it is paused.
        lasts_s: At most.
        held_s: Longest that its call could be live, from the gate.
        costs: At most.
        same_agent: Of a team, ring who spoke with the customer before, where they are free.
    """

    campaign: str
    n: int
    token: str
    nonce: str
    rules_version: int
    from_at: float
    until_at: float
    opens_at: float
    attempt: str
    caps: str | None
    objection: str | None
    pauses: str | None
    lasts_s: float
    held_s: float
    costs: float
    same_agent: bool


@gives("gate", kept=True)
class AskGate(NamedTuple):
    """What the gate is given.

    Args:
        requests: At most, a window.
        lease_s: Of a slot.
        slack_s: Of the spacing.
        most_live: Calls; 0 = no cap.
        unknown_after_s: A request without answer is unknown by then.
        epoch: As the caller remembers it.
        day: Of the account.
        day_ends: Epoch s.
        most_calls: In that day; 0 = no cap, as of the next two.
        second_above: Contacts above which a second person has to have started it; 0 = never.
        terms: Fingerprint of the caller's; with others than the account's it dials nothing.
        clock_from: Redis' clock stands behind that if nobody set it, epoch s.
        clock_until: And before that.
    """

    requests: int
    spacing_s: float
    lease_s: float
    slack_s: float
    most_live: int
    unknown_after_s: float
    epoch: int
    day: str
    day_ends: float
    most_calls: int
    most_seconds: float
    most_spend: float
    second_above: int
    terms: str
    clock_from: float
    clock_until: float
    contacts: Sequence[AskForContact]


class Questions:
    """Makes questions; what many calls have in common is worked out once."""

    def __init__(
        self,
        hours: Hours,
        *,
        allowance: Allowance,
        options: DialingOptions,
        journal: Journal,
        clock: ServerClock,
    ) -> None:
        self._hours = hours
        self._clock = clock
        self._allowance = allowance
        self._options = options
        self._journal = journal
        self._objections: dict[tuple[str, int], str] = {}  # of a campaign's rules
        # of a campaign's rules and a zone
        self._windows: dict[tuple[str, int, str | None], _When] = {}

    def about(self, contacts: Sequence[AskForContact]) -> AskGate:
        """Ask for these, together."""
        allowance, options = self._allowance, self._options
        day, day_ends = local_day(self._hours.now(), options.zone)
        clock = self._clock.bounds(slots_kept_s=allowance.lease_s)
        most = {name: count * unit for name, count, unit in options.caps.named()}
        return AskGate(
            requests=allowance.requests,
            spacing_s=allowance.spacing_s,
            lease_s=allowance.lease_s,
            slack_s=SPACING_SLACK_S,
            most_live=options.max_concurrent_calls,
            unknown_after_s=SEND_WINDOW_S + options.http_deadline_s + ORIGINATION_S,
            epoch=self._journal.epoch,
            day=day,
            day_ends=day_ends.timestamp(),
            most_calls=most["calls"],
            most_seconds=most["seconds"],
            most_spend=most["spend"],
            second_above=options.second_above,
            terms=options.terms,
            clock_from=clock.clock_from,
            clock_until=clock.clock_until,
            contacts=contacts,
        )

    def about_one(self, wanted: Candidate, campaign: Campaign) -> AskForContact:
        """Ask for one contact, which was taken up."""
        pair, row = wanted.taken_up
        rules = campaign.rules
        when = self._when(campaign, row_zone=row.extra.get("timezone"), customer=pair.customer)
        return AskForContact(
            campaign=wanted.contact.campaign,
            n=wanted.contact.n,
            token=wanted.token,
            nonce=wanted.nonce,
            rules_version=campaign.rules_version,
            from_at=when.from_at,
            until_at=when.until_at,
            opens_at=when.opens_at,
            attempt=when.attempt_for_team if is_team(pair.agent) else when.attempt,
            caps=self._caps(rules, pair.customer),
            objection=self._own_objection(pair),
            pauses=self._why_paused(campaign),
            lasts_s=rules.time_limit_s,
            held_s=self._options.quarantine_s(
                time_out_s=rules.time_out_s, time_limit_s=rules.time_limit_s
            ),
            costs=rules.reserved_spend,
            same_agent=rules.same_agent,
        )

    def _why_paused(self, campaign: Campaign) -> str | None:
        """Ask again what was asked when its rules were made: the settings may have changed since."""
        key = (campaign.id, campaign.rules_version)
        if key not in self._objections:
            found = self._options.allowed.objections(campaign.rules)
            self._objections[key] = "; ".join(f"{rule}: {why}" for rule, why in found)
        return self._objections[key] or None

    def _when(self, campaign: Campaign, *, row_zone: str | None, customer: str) -> "_When":
        rules, now_s = campaign.rules, self._hours.now().timestamp()
        key = (campaign.id, campaign.rules_version, row_zone)
        known = self._windows.get(key)
        if known and known.from_at <= now_s < known.until_at and rules.zone_by is not ZoneBy.NUMBER:
            return known
        window, opens_s = self._hours.window(rules, row_zone=row_zone, customer=customer)
        quarantine_s = self._options.quarantine_s(
            time_out_s=rules.time_out_s, time_limit_s=rules.time_limit_s
        )
        attempt = _attempt_with_gaps(campaign.rules_version, window, rules.zone, quarantine_s)
        self._windows[key] = found = _When(
            window.from_at.timestamp() if window else 0.0,
            window.until_at.timestamp() if window else 0.0,
            opens_s,
            encode(attempt, gaps=GATE_FILLS),
            encode(attempt, gaps=GATE_FILLS_FOR_TEAMS),
        )
        return found

    def _caps(self, rules: CampaignRules, customer: str) -> str | None:
        if not rules.has_daily_caps:
            return None
        return caps_json(daily_caps(rules, customer, at=self._hours.now()))

    def _own_objection(self, pair: ContactRecord) -> NotDialled | None:
        """Ask again what loading asked: the allowed countries may have changed since."""
        # of a team, agents are asked when they are registered
        numbers = [one for one in pair.numbers if not is_team(one)]
        allowed = all(is_allowed(number, self._options.phone_rules) for number in numbers)
        return None if allowed else NotDialled.COUNTRY_NOT_ALLOWED


class _When(NamedTuple):
    """The window of a call, when the next one opens (epoch s), and the attempt that says so."""

    from_at: float
    until_at: float
    opens_at: float
    attempt: str
    attempt_for_team: str


def _attempt_with_gaps(
    rules_version: int, window: OpenWindow | None, zone: ZoneInfo, quarantine_s: float
) -> Attempt:
    return Attempt(
        version=1,
        state=AttemptState.PLACING,
        requested_at=0.0,
        no=0,
        nonce="",
        agent="",
        customer="",
        quarantine_s=quarantine_s,
        rules_version=rules_version,
        window=_window_text(window, zone),
    )


def _window_text(window: OpenWindow | None, zone: ZoneInfo) -> str | None:
    if window is None:
        return None
    opens, closes = (at.astimezone(zone) for at in (window.from_at, window.until_at))
    return f"{opens:%Y-%m-%dT%H:%M%z}/{closes:%Y-%m-%dT%H:%M%z} {zone.key}"
