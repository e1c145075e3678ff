"""Use case: dial one released contact.

release ─▶ gate ─▶ connect ─▶ finish
            │ wait a little, then ask again
            └ drop: not ours any more, or not now
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from redis.exceptions import RedisError

from campaigns.attempt import (
    ORIGINATION_S,
    SEND_WINDOW_S,
    Attempt,
    AttemptState,
    Outcome,
    quarantine_s,
)
from campaigns.campaign import CampaignRules
from campaigns.caps import daily_caps
from campaigns.contact_state import NotDialled
from campaigns.custom_field import CustomFieldTemplate, custom_field
from campaigns.local_day import OpenWindow
from campaigns.phone import PhoneRules, is_allowed
from campaigns.settlement import proven, settled
from dialer import failpoints
from dialer.call_request import call_request
from dialer.callback_paths import CallbackPaths
from dialer.clock import Sleep, boottime_s
from dialer.errors import (
    AccountRefused,
    AgentUnavailable,
    NumberRefused,
    PlacementUnknown,
    ProviderError,
    RequestRefused,
    Side,
    TurnedAway,
)
from dialer.exotel import Connected, Exotel
from dialer.ids import AttemptId, ContactId, new_nonce
from dialer.journal import Answer, Intent, Journal
from dialer.pacing import SPACING_SLACK_S, Pacing
from dialer.recovery import HostRecovery
from dialer.settling import Settling
from dialer.store import Campaign, Campaigns, Contacts, Database, Follows
from dialer.store.attempts import SidTaken, caps_json, decode, encode
from dialer.store.contacts import ContactRecord, Row, code_of
from dialer.store.database import text
from dialer.windows import Hours

log = structlog.get_logger(__name__)

_LONGEST_SLEEP_S = 0.2  # so that a pause, or a slot freed early, is seen soon
_GATE_TRIES = 3
_PROBE_S = 60.0
_REPLICA_WAIT_MS = 200


@dataclass(frozen=True, slots=True)
class DialingOptions:
    """What every dial of the account shares.

    Args:
        max_concurrent_calls: 0 = no cap of ours.
        max_retries: The provider's own redials of the agent.
        http_deadline_s: Total, of one request.
        slack_s: Added to the longest possible call before it is given up.
    """

    max_concurrent_calls: int = 0
    max_retries: int = 0
    http_deadline_s: float = 45.0
    slack_s: float = 300.0
    lookup_after_s: float = 120.0
    playback_names: str = "both"
    min_replicas: int = 0
    phone_rules: PhoneRules = field(default_factory=PhoneRules)


@dataclass(frozen=True, slots=True)
class Dialled:
    """The request was sent, or surely could not be; this is the attempt after it."""

    attempt_id: AttemptId
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing was sent and nothing charged; the contact waits, or is not ours."""

    why: str


STOPPING = Dropped("stopping")
"""The release is still good, for another worker."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A released contact on its way to the gate."""

    contact: ContactId
    token: str
    nonce: str
    row: Row
    pair: ContactRecord

    @property
    def attempt_id(self) -> AttemptId:
        """The id its attempt gets if the gate says yes."""
        return AttemptId(self.contact.campaign, self.contact.n, self.pair.made + 1, self.nonce)


@dataclass(frozen=True, slots=True)
class _Open:
    """The gate said yes: the intent is written and the request may leave until `send_before`."""

    id: AttemptId
    attempt: Attempt
    send_before: float
    epoch: int
    campaign: Campaign
    row: Row


class Dialing:
    """Dials contacts, one call of `dial` at a time per thread."""

    def __init__(
        self,
        db: Database,
        *,
        provider: Exotel,
        pacing: Pacing,
        settling: Settling,
        paths: CallbackPaths,
        options: DialingOptions,
        recovery: HostRecovery,
        journal: Journal,
        sleep: Sleep,
    ) -> None:
        self._db = db
        self._recovery = recovery
        self._journal = journal
        self._provider = provider
        self._pacing = pacing
        self._settling = settling
        self._paths = paths
        self._options = options
        self._sleep = sleep
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._hours = Hours(db)
        self._known: dict[str, Campaign] = {}
        self._turn = threading.Lock()
        self._stopped = threading.Event()

    def dial(self, contact: ContactId, token: str) -> Dialled | Dropped:
        """Dial a contact that was released under this token; a stale token does nothing."""
        failpoints.reach("dequeued")
        with self._turn:  # one thread a process asks the gate, the others would only poll too
            opened = STOPPING if self._stopped.is_set() else self._approach(contact, token)
        if isinstance(opened, Dropped):
            log.debug("release_dropped", contact_id=str(contact), why=opened.why)
            return opened
        failpoints.reach("gate_passed")
        return Dialled(opened.id, self._send(opened))

    def stop(self) -> None:
        """Let those go who wait for their turn at the gate; requests that were sent are finished."""
        self._stopped.set()

    def _approach(self, contact: ContactId, token: str) -> _Open | Dropped:
        """Read the contact, and go through the gate with it.

        The approach is noted one contact at a time, right before: a worker that is killed while
        others wait for their turn must not make those look like contacts that kill workers.
        """
        sealed = self._contacts.approach(contact.campaign, contact.n, token)
        if sealed is None:
            return Dropped("not ours")
        failpoints.reach("approached", str(contact))
        pair, row = sealed.open()
        return self._pass_gate(_Wanted(contact, token, new_nonce(), row, pair))

    def _pass_gate(self, wanted: _Wanted) -> _Open | Dropped:
        fresh = False
        while True:
            campaign = self._campaign(wanted.contact.campaign, fresh=fresh)
            began = boottime_s()
            answer = self._ask_gate(campaign, wanted)
            match text(answer[0]):
                case "go":
                    return _Open(
                        id=wanted.attempt_id,
                        attempt=decode(answer[1]),
                        send_before=began + SEND_WINDOW_S,
                        epoch=int(answer[2]),
                        campaign=campaign,
                        row=wanted.row,
                    )
                case "drop":
                    return Dropped(text(answer[1]))
                case "stale_rules":
                    fresh = True
                case _:
                    fresh = False
                    self._sleep(min(float(answer[1]), _LONGEST_SLEEP_S))

    def _ask_gate(self, campaign: Campaign, wanted: _Wanted) -> list[Any]:
        row, pair = wanted.row, wanted.pair
        rules, allowance, options = campaign.rules, self._pacing.allowance, self._options
        window, opens_s = self._hours.window(
            rules, row_zone=row.extra.get("timezone"), customer=pair.customer
        )
        closes = self._own_objection(pair)
        intent = Attempt(
            version=1,
            state=AttemptState.PLACING,
            requested_at=0.0,  # the gate fills these five
            no=0,
            nonce="",
            agent="",
            customer="",
            quarantine_s=self._quarantine_s(rules),
            rules_version=campaign.rules_version,
            window=_window_text(window, rules.zone),
        )
        arguments = (
            wanted.contact.campaign,
            wanted.contact.n,
            wanted.token,
            wanted.nonce,
            campaign.rules_version,
            window.from_at.timestamp() if window else 0,
            window.until_at.timestamp() if window else 0,
            opens_s,
            allowance.requests,
            allowance.spacing_s,
            allowance.lease_s,
            SPACING_SLACK_S,
            options.max_concurrent_calls,
            SEND_WINDOW_S + options.http_deadline_s + ORIGINATION_S,
            encode(intent),
            code_of(NotDialled.SUPPRESSED),
            code_of(NotDialled.OUTSIDE_HOURS),
            caps_json(daily_caps(rules, pair.customer, at=self._hours.now())),
            code_of(closes) if closes else "",
            closes or "",
            self._journal.epoch,
            code_of(NotDialled.EXPIRED),
        )
        # idempotent by nonce: an answer lost on the way is asked for again
        try:
            answer: list[Any] = self._db.run_again("gate", *arguments, tries=_GATE_TRIES)
        except RedisError:
            # it may have said yes: nothing was sent, so nothing needs to wait in quarantine
            self._recovery.keep(
                Answer(str(wanted.attempt_id), None, Outcome.TURNED_AWAY, None, "gate_unanswered")
            )
            raise
        return answer

    def _own_objection(self, pair: ContactRecord) -> NotDialled | None:
        """Ask again what loading asked: the allowed countries may have changed since."""
        allowed = all(is_allowed(number, self._options.phone_rules) for number in pair.numbers)
        return None if allowed else NotDialled.COUNTRY_NOT_ALLOWED

    def _send(self, opened: _Open) -> Attempt:
        try:
            self._make_durable(opened)
            connected = self._connect(opened)
        except ProviderError as error:
            failpoints.reach("answered")
            return self._or_keep(opened, error, partial(self._refused, opened, error))
        failpoints.reach("answered")
        return self._or_keep(
            opened, connected, partial(self._placed, opened.id, opened.attempt, connected)
        )

    def _make_durable(self, opened: _Open) -> None:
        """Put the intent where it outlives this process and this Redis, before the request leaves.

        Raises:
            TurnedAway: It could not be; nothing was sent.
        """
        try:
            if least := self._options.min_replicas:
                found = self._db.replicas_in_step(least=least, within_ms=_REPLICA_WAIT_MS)
                if found < least:
                    raise TurnedAway("too few replicas have the intent", error_code="not_durable")
            self._journal.write_intent(
                Intent(
                    epoch=opened.epoch,
                    attempt_id=str(opened.id),
                    ends_at=opened.attempt.quarantine_ends_at,
                    attempt=encode(opened.attempt),
                )
            )
        except (OSError, RedisError) as error:
            raise TurnedAway(
                f"the intent could not be made durable: {error}", error_code="not_durable"
            ) from error
        failpoints.reach("journaled")

    def _connect(self, opened: _Open) -> Connected:
        campaign = opened.campaign
        request = call_request(
            campaign.rules,
            agent=opened.attempt.agent,
            customer=opened.attempt.customer,
            custom_field=custom_field(str(opened.id), _own_field(campaign, opened.row)),
            status_callback=self._paths.url(str(opened.id)),
            max_retries=self._options.max_retries,
            playback_names=self._options.playback_names,
        )
        return self._provider.connect(request, send_before=opened.send_before)

    def _or_keep(
        self,
        opened: _Open,
        answer: Connected | ProviderError,
        record: Callable[[], Attempt],
    ) -> Attempt:
        """Record an answer, or keep it in the journal while Redis is away."""
        try:
            return record()
        except RedisError as error:
            log.warning("answer_kept", attempt_id=str(opened.id), message=str(error))
            self._recovery.keep(_kept(opened.id, answer))
            return opened.attempt

    def _placed(self, id_: AttemptId, attempt: Attempt, connected: Connected) -> Attempt:
        sid = connected.call.sid

        def bind(now: Attempt) -> Attempt | None:
            at = self._db.now() if now.told_outcome else 0.0  # asked only where it matters
            if now.sid not in (None, sid):
                log.error("sid_differs", attempt_id=str(id_), sid=now.sid, placed_sid=sid)
            return replace(proven(now, sid, at=at), http_status=connected.http_status)

        after = self._settling.learn(
            id_,
            bind,
            before=attempt,
            follows=Follows(
                slot_s=self._pacing.allowance.kept_after_answer_s, works=True, tally="placed"
            ),
        )
        if isinstance(after, SidTaken):
            return self._unknown(id_, attempt, "sid_taken", http_status=connected.http_status)
        if connected.rate:
            self._pacing.heed(connected.rate)
        log.info("attempt_placed", attempt_id=str(id_), sid=sid)
        return after or attempt

    def _refused(self, opened: _Open, error: ProviderError) -> Attempt:
        id_, attempt = opened.id, opened.attempt
        match error:
            case PlacementUnknown():
                return self._unknown(
                    id_, attempt, error.error_code or "unknown", http_status=error.http_status
                )
            case NumberRefused():
                outcome = Outcome.DND if error.do_not_disturb else Outcome.REFUSED
                suppress = error.do_not_disturb and error.side is not Side.AGENT
                follows = Follows(
                    suppress=_suppressed_by_provider(str(error)) if suppress else None,
                    # a list of bad numbers is the list's fault; do-not-call entries are expected
                    tally=None if error.do_not_disturb else "refused",
                )
            case AgentUnavailable():
                busy = error.error_code == "10706"
                outcome = Outcome.AGENT_BUSY if busy else Outcome.AGENT_FAILED
                follows = Follows()
            case RequestRefused():
                outcome, follows = Outcome.TURNED_AWAY, Follows(pause=str(error))
            case AccountRefused():
                # an empty balance wants a person; the rest may be mended without telling us
                probe_s = None if error.http_status == 402 else _PROBE_S
                outcome, follows = Outcome.TURNED_AWAY, Follows(stop=str(error), probe_s=probe_s)
            case TurnedAway():
                outcome, follows = Outcome.TURNED_AWAY, Follows()
                self._back_off(error)
            case _:
                return self._unknown(id_, attempt, "unknown", http_status=error.http_status)
        log.warning(
            "attempt_refused",
            attempt_id=str(id_),
            outcome=str(outcome),
            http_status=error.http_status,
            error_code=error.error_code,
            message=str(error),
        )
        return self._end(id_, attempt, outcome, error, follows)

    def _end(
        self,
        id_: AttemptId,
        attempt: Attempt,
        outcome: Outcome,
        error: ProviderError,
        follows: Follows,
    ) -> Attempt:
        allowance = self._pacing.allowance
        reached = error.http_status is not None
        slot_s = allowance.kept_after_answer_s if reached else 0.0

        def end(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid:
                return None  # a callback proves there is a call after all
            known = replace(now, http_status=error.http_status, error_code=error.error_code)
            return settled(known, outcome, source="response", at=self._db.now())

        after = self._settling.learn(
            id_, end, before=attempt, follows=replace(follows, slot_s=slot_s)
        )
        return attempt if after is None or isinstance(after, SidTaken) else after

    def _unknown(
        self, id_: AttemptId, attempt: Attempt, why: str, *, http_status: int | None
    ) -> Attempt:
        def quarantine(now: Attempt) -> Attempt | None:
            if now.is_settled or now.sid:
                return None
            return replace(now, state=AttemptState.UNKNOWN, error_code=why, http_status=http_status)

        after = self._settling.learn(
            id_,
            quarantine,
            before=attempt,
            follows=Follows(
                unresolved=True,
                tally="unknown",
                slot_s=self._pacing.allowance.kept_without_answer_s,
                look_s=self._options.lookup_after_s,
            ),
        )
        log.warning("attempt_unknown", attempt_id=str(id_), error_code=why, http_status=http_status)
        return attempt if after is None or isinstance(after, SidTaken) else after

    def _back_off(self, error: TurnedAway) -> None:
        if error.over_limit:
            self._pacing.close_for(error.wait_s)
            log.error("limit_refused", wait_s=error.wait_s)
        elif error.error_code != "send_window_passed":
            self._pacing.back_off(error.wait_s)

    def _campaign(self, campaign: str, *, fresh: bool = False) -> Campaign:
        if fresh or campaign not in self._known:
            self._known[campaign] = self._campaigns.find(campaign)
        return self._known[campaign]

    def _quarantine_s(self, rules: CampaignRules) -> float:
        return quarantine_s(
            time_out_s=rules.time_out_s,
            time_limit_s=rules.time_limit_s,
            max_retries=self._options.max_retries,
            http_deadline_s=self._options.http_deadline_s,
            slack_s=self._options.slack_s,
        )


def _kept(id_: AttemptId, answer: Connected | ProviderError) -> Answer:
    match answer:
        case Connected():
            return Answer(str(id_), answer.call.sid, None, answer.http_status, None)
        case TurnedAway():
            outcome = Outcome.TURNED_AWAY
        case _:
            # whatever else it was, the sweeper finds out or the quarantine ends it
            return Answer(str(id_), None, None, answer.http_status, answer.error_code)
    return Answer(str(id_), None, outcome, answer.http_status, answer.error_code)


def _own_field(campaign: Campaign, row: Row) -> str | None:
    if "custom_field" in row.extra or not campaign.rules.custom_field:
        return row.extra.get("custom_field")
    template = CustomFieldTemplate.parse(campaign.rules.custom_field, campaign.columns)
    return template.fill(row.cells)


@lru_cache(maxsize=64)  # a window is that of many calls
def _window_text(window: OpenWindow | None, zone: ZoneInfo) -> str | None:
    if window is None:
        return None
    opens, closes = (at.astimezone(zone) for at in (window.from_at, window.until_at))
    return f"{opens:%Y-%m-%dT%H:%M%z}/{closes:%Y-%m-%dT%H:%M%z} {zone.key}"


def _suppressed_by_provider(message: str) -> str:
    return json.dumps({"source": "provider", "why": message})
