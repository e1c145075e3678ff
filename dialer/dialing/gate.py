"""The way of contacts through the gate: on yes an intent is written and a request may leave.

What the caller's own clock, rules and row decide is prepared here; all else is decided, together
and at once, in gate.lua.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import structlog
from redis.exceptions import RedisError, ResponseError

from campaigns.attempt import (
    ORIGINATION_S,
    SEND_WINDOW_S,
    Attempt,
    AttemptState,
    Outcome,
)
from campaigns.campaign_rules import CampaignRules, ZoneBy
from campaigns.caps import daily_caps, local_day
from campaigns.contact_state import NotDialled
from campaigns.hours.local_day import OpenWindow
from campaigns.numbers.phone import is_allowed
from dialer import failpoints
from dialer.clock import boottime_s
from dialer.dialing.journal import Journal, LateAnswer
from dialer.dialing.options import DialingOptions
from dialer.dialing.recovery import HostRecovery
from dialer.ids import AttemptId, ContactId, new_nonce
from dialer.open_windows import Hours
from dialer.pacing import SPACING_SLACK_S, Pacing
from dialer.store import Campaign, Campaigns, Database
from dialer.store.attempts import GATE_FILLS, caps_json, decode, encode
from dialer.store.campaigns import CampaignNotFound, RulesUnreadable
from dialer.store.contacts import Contacts, FetchedContact, NotTaken, Row
from dialer.store.database import text
from dialer.store.record import ContactRecord
from dialer.store.scripts import gives

log = structlog.get_logger(__name__)

_GATE_TRIES = 3
_ROUND_TRIP_S = 0.005  # to Redis and back, with a write to disk
_MOST_TOGETHER = 16
_GOOD_FOR_S = 0.5  # the gate's word; whoever needs longer until the first byte asks once more


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
        costs: At most.
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
    costs: float


@gives("gate")
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
    contacts: Sequence[AskForContact]


@gives("still_open")
class StillOpen(NamedTuple):
    """Which request may still leave; numbers without their plus."""

    campaign: str
    agent: str
    customer: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing was sent and nothing charged; the contact waits, or is not ours."""

    why: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The gate said yes: the intent is written and the request may leave until `send_before`.

    Args:
        asked: When the gate was asked, as `send_before` of `boottime_s`.
    """

    id: AttemptId
    attempt: Attempt
    asked: float
    send_before: float
    epoch: int
    campaign: Campaign
    row: Row


@dataclass(frozen=True, slots=True)
class NotYet:
    """To be asked for again.

    Args:
        wait_s: Until the pace may allow it; 0 = at once.
    """

    wait_s: float = 0.0


Verdict = Opened | Dropped | NotYet | Exception
"""An exception: it went wrong for this contact alone."""


@dataclass(slots=True, eq=False)
class Candidate:
    """A released contact on its way through the gate.

    Args:
        goes_alone: It was there when a worker died, so it is taken up by itself.
        found: The pair and its own line, once it was taken up.
        rules_changed: The campaign we knew is not the one that stands.
    """

    contact: ContactId
    token: str
    nonce: str = field(default_factory=new_nonce)
    goes_alone: bool = False
    found: tuple[ContactRecord, Row] | None = None
    rules_changed: bool = False


class Gate:
    """Asks for contacts whether they may be dialled now: for one, or for a few that come together.

    They share two round trips. The pace decides how many may: those that could leave while the
    answer is on its way, which at Exotel's 200 a minute is one.
    """

    def __init__(
        self,
        db: Database,
        *,
        pacing: Pacing,
        options: DialingOptions,
        recovery: HostRecovery,
        journal: Journal,
    ) -> None:
        self._db = db
        self._pacing = pacing
        self._options = options
        self._recovery = recovery
        self._journal = journal
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._hours = Hours(db)
        self._known: dict[str, Campaign] = {}
        self._unreadable: set[str] = set()  # what was said of campaigns, once
        self._objections: dict[tuple[str, int], str] = {}  # of a campaign's rules
        # of a campaign's rules and a zone: those of many calls
        self._windows: dict[tuple[str, int, str | None], _When] = {}

    @property
    def most_together(self) -> int:
        """How many contacts may go through at a time."""
        spacing_s = self._pacing.allowance.spacing_s
        return _MOST_TOGETHER if not spacing_s else _in_a_round_trip(spacing_s)

    def ask(self, party: Sequence[Candidate]) -> list[Verdict]:
        """Take contacts up, and ask for them.

        The approach is noted one party at a time, right before: a worker that is killed while
        others wait for their turn must not make those look like contacts that kill workers.

        Raises:
            redis.RedisError: Nobody was answered; nothing may be sent for any of them.
        """
        verdicts = self._without_rules(party)
        verdicts |= self._take_up(
            [one for one in party if one.found is None and one not in verdicts]
        )
        asking = [one for one in party if one.found is not None and one not in verdicts]
        if asking:
            verdicts |= zip(asking, self._verdicts_for(asking), strict=True)
        return [verdicts[one] for one in party]

    def is_still_open(self, opened: Opened) -> bool:
        """Tell whether a request may still leave; asks once more where that was asked a while ago.

        So a pause, a hold or a suppressed number is heeded within a second, however long it took to
        connect, and what leaves at once pays nothing for it.
        """
        asked = boottime_s()
        if asked - opened.asked < _GOOD_FOR_S:
            return True
        agent, customer = opened.attempt.agent[1:], opened.attempt.customer[1:]
        try:
            answer = self._db.run(
                StillOpen(opened.campaign.id, agent, customer, self._journal.epoch)
            )
        except RedisError:
            return False
        return bool(answer) and boottime_s() - asked < _GOOD_FOR_S

    def _without_rules(self, party: Sequence[Candidate]) -> dict[Candidate, Verdict]:
        """Drop contacts of campaigns whose rules we cannot read, before an approach is noted.

        A worker of another version is no reason to think that a contact kills workers: its release
        runs out, and somebody else gets it.
        """
        verdicts: dict[Candidate, Verdict] = {}
        for one in party:
            try:
                self._campaign(one)
            except RulesUnreadable as error:
                self._known.pop(one.contact.campaign, None)
                if str(error) not in self._unreadable:
                    self._unreadable.add(str(error))
                    log.error("rules_unreadable", message=str(error))  # noqa: TRY400  # it says all
                verdicts[one] = Dropped("rules unreadable")
            except CampaignNotFound as error:
                verdicts[one] = Dropped(str(error))
        return verdicts

    def _take_up(self, wanted: Sequence[Candidate]) -> dict[Candidate, Verdict]:
        """Fetch contacts; gives the verdicts of those for which that was the end."""
        verdicts: dict[Candidate, Verdict] = {}
        sealed = self._contacts.approach([(one.contact, one.token) for one in wanted])
        for one, found in zip(wanted, sealed, strict=True):
            match found:
                case FetchedContact():
                    failpoints.reach("approached", str(one.contact))
                    try:
                        one.found = found.open()
                    except Exception as error:  # noqa: BLE001  # whatever a damaged row may bring about
                        verdicts[one] = error
                case NotTaken.ALONE:
                    one.goes_alone = True
                    verdicts[one] = NotYet()
                case NotTaken.NOT_OURS:
                    verdicts[one] = Dropped("not ours")
                case error:
                    verdicts[one] = error
        return verdicts

    def _verdicts_for(self, asking: Sequence[Candidate]) -> Iterator[Verdict]:
        campaigns = [self._campaign(one) for one in asking]
        began = boottime_s()
        answers = self._answers_for(asking, campaigns)
        for one, campaign, answer in zip(asking, campaigns, answers, strict=True):
            match text(answer[0]):
                case "go":
                    yield Opened(
                        id=_attempt_id(one),
                        attempt=decode(answer[1]),
                        asked=began,
                        # no longer than the calling hours last
                        send_before=began + min(SEND_WINDOW_S, float(answer[3])),
                        epoch=int(answer[2]),
                        campaign=campaign,
                        row=_found(one)[1],
                    )
                case "drop":
                    yield Dropped(text(answer[1]))
                case "stale_rules":
                    one.rules_changed = True
                    yield NotYet()
                case "failed":
                    self._nothing_sent(one)
                    yield ResponseError(text(answer[1]))
                case _:
                    yield NotYet(wait_s=float(answer[1]))

    def _answers_for(
        self, asking: Sequence[Candidate], campaigns: Sequence[Campaign]
    ) -> list[list[Any]]:
        # idempotent by nonce: an answer lost on the way is asked for again
        question = self._question(list(map(self._of_contact, asking, campaigns)))
        try:
            answers: list[list[Any]] = self._db.run_again(question, tries=_GATE_TRIES)
        except RedisError:
            for one in asking:
                self._nothing_sent(one)
            raise
        return answers

    def _question(self, contacts: Sequence[AskForContact]) -> AskGate:
        allowance, options = self._pacing.allowance, self._options
        day, day_ends = local_day(self._hours.now(), options.zone)
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
            contacts=contacts,
        )

    def _nothing_sent(self, wanted: Candidate) -> None:
        """Note that the gate may have said yes, but nothing was sent: no quarantine is needed."""
        id_ = str(_attempt_id(wanted))
        self._recovery.keep(LateAnswer(id_, None, Outcome.TURNED_AWAY, None, "gate_unanswered"))

    def _of_contact(self, wanted: Candidate, campaign: Campaign) -> AskForContact:
        pair, row = _found(wanted)
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
            attempt=when.attempt,
            caps=self._caps(rules, pair.customer),
            objection=self._own_objection(pair),
            pauses=self._pauses(campaign),
            lasts_s=rules.time_limit_s,
            costs=rules.reserved_spend,
        )

    def _pauses(self, campaign: Campaign) -> str | None:
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
        self._windows[key] = found = _When(
            window.from_at.timestamp() if window else 0.0,
            window.until_at.timestamp() if window else 0.0,
            opens_s,
            _attempt_with_gaps(campaign.rules_version, window, rules.zone, quarantine_s),
        )
        return found

    def _caps(self, rules: CampaignRules, customer: str) -> str | None:
        if not rules.has_daily_caps:
            return None
        return caps_json(daily_caps(rules, customer, at=self._hours.now()))

    def _own_objection(self, pair: ContactRecord) -> NotDialled | None:
        """Ask again what loading asked: the allowed countries may have changed since."""
        allowed = all(is_allowed(number, self._options.phone_rules) for number in pair.numbers)
        return None if allowed else NotDialled.COUNTRY_NOT_ALLOWED

    def _campaign(self, wanted: Candidate) -> Campaign:
        id_ = wanted.contact.campaign
        if wanted.rules_changed or id_ not in self._known:
            self._known[id_] = self._campaigns.find(id_)
            wanted.rules_changed = False
        return self._known[id_]


def party(line: Sequence[Candidate]) -> int:
    """Tell how many from the front of a line may go together: a suspect goes by itself."""
    return max(1, sum(1 for _ in takewhile(lambda one: not one.goes_alone, line)))


def _in_a_round_trip(spacing_s: float) -> int:
    return min(_MOST_TOGETHER, math.ceil(_ROUND_TRIP_S / spacing_s))


def _found(wanted: Candidate) -> tuple[ContactRecord, Row]:
    if wanted.found is None:
        raise AssertionError(f"contact {wanted.contact} was not taken up yet")
    return wanted.found


def _attempt_id(wanted: Candidate) -> AttemptId:
    """Give the id its attempt gets if the gate says yes."""
    pair, _ = _found(wanted)
    return AttemptId(wanted.contact.campaign, wanted.contact.n, pair.made + 1, wanted.nonce)


class _When(NamedTuple):
    """The window of a call, when the next one opens (epoch s), and the attempt that says so."""

    from_at: float
    until_at: float
    opens_at: float
    attempt: str


def _attempt_with_gaps(
    rules_version: int, window: OpenWindow | None, zone: ZoneInfo, quarantine_s: float
) -> str:
    attempt = Attempt(
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
    return encode(attempt, gaps=GATE_FILLS)


def _window_text(window: OpenWindow | None, zone: ZoneInfo) -> str | None:
    if window is None:
        return None
    opens, closes = (at.astimezone(zone) for at in (window.from_at, window.until_at))
    return f"{opens:%Y-%m-%dT%H:%M%z}/{closes:%Y-%m-%dT%H:%M%z} {zone.key}"
