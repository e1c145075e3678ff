"""The way of one contact through the gate: on yes its intent is written and its request may leave.

What the caller's own clock, rules and row decide is prepared here; all else is decided, together
and at once, in gate.lua.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

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
from campaigns.local_day import OpenWindow
from campaigns.phone import is_allowed
from dialer import failpoints
from dialer.clock import Sleep, boottime_s
from dialer.dialing_options import DialingOptions
from dialer.ids import AttemptId, ContactId, new_nonce
from dialer.journal import Answer, Journal
from dialer.pacing import SPACING_SLACK_S, Pacing
from dialer.recovery import HostRecovery
from dialer.store import Campaign, Campaigns, Contacts, Database
from dialer.store.attempts import caps_json, decode, encode
from dialer.store.contacts import ContactRecord, Row, code_of
from dialer.store.database import text
from dialer.windows import Hours

_LONGEST_SLEEP_S = 0.2  # so that a pause, or a slot freed early, is seen soon
_GATE_TRIES = 3


@dataclass(frozen=True, slots=True)
class Dropped:
    """Nothing was sent and nothing charged; the contact waits, or is not ours."""

    why: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The gate said yes: the intent is written and the request may leave until `send_before`."""

    id: AttemptId
    attempt: Attempt
    send_before: float
    epoch: int
    campaign: Campaign
    row: Row


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


class Gate:
    """Asks for contacts, one after the other, whether they may be dialled now."""

    def __init__(
        self,
        db: Database,
        *,
        pacing: Pacing,
        options: DialingOptions,
        recovery: HostRecovery,
        journal: Journal,
        sleep: Sleep,
    ) -> None:
        self._db = db
        self._pacing = pacing
        self._options = options
        self._recovery = recovery
        self._journal = journal
        self._sleep = sleep
        self._campaigns = Campaigns(db)
        self._contacts = Contacts(db)
        self._hours = Hours(db)
        self._known: dict[str, Campaign] = {}

    def pass_with(self, contact: ContactId, token: str) -> Opened | Dropped:
        """Read the contact, and go through the gate with it; waits as long as the pace demands.

        The approach is noted one contact at a time, right before: a worker that is killed while
        others wait for their turn must not make those look like contacts that kill workers.
        """
        sealed = self._contacts.approach(contact.campaign, contact.n, token)
        if sealed is None:
            return Dropped("not ours")
        failpoints.reach("approached", str(contact))
        pair, row = sealed.open()
        return self._ask_until_answered(_Wanted(contact, token, new_nonce(), row, pair))

    def _ask_until_answered(self, wanted: _Wanted) -> Opened | Dropped:
        fresh = False
        while True:
            campaign = self._campaign(wanted.contact.campaign, fresh=fresh)
            began = boottime_s()
            answer = self._ask(campaign, wanted)
            match text(answer[0]):
                case "go":
                    return Opened(
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

    def _ask(self, campaign: Campaign, wanted: _Wanted) -> list[Any]:
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


@lru_cache(maxsize=64)  # a window is that of many calls
def _window_text(window: OpenWindow | None, zone: ZoneInfo) -> str | None:
    if window is None:
        return None
    opens, closes = (at.astimezone(zone) for at in (window.from_at, window.until_at))
    return f"{opens:%Y-%m-%dT%H:%M%z}/{closes:%Y-%m-%dT%H:%M%z} {zone.key}"
