"""Everything that can happen to pacing, in any order, against a short model and a hostile provider.

The model says which requests may leave and which must wait. The provider counts each request at
the worst instant allowed: any time between its grant and its response, or as long as a request
may travel when nobody waits for it any more. Whatever happens, no window of its holds too many.
"""

import secrets
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
    run_state_machine_as_test,
)

from campaigns.attempt import SEND_WINDOW_S
from dialer.errors import RateFeedback, TurnedAway
from dialer.pacing import SPACING_SLACK_S, TRAVEL_GRACE_S, Allowance, Pacing
from tests.pacing_kit import DialingCampaign, DialRequest, UnspacedAllowance
from tests.virtual_time import VirtualDatabase

LIMIT = 2  # the fewer, the sooner a short sequence fills them
WINDOW_S = 6.0
DEADLINE_S = 5.0


def us(seconds: float) -> int:
    """Count in whole microseconds, as the scripts write instants down."""
    return round(seconds * 1e6)


@dataclass
class Model:
    """What pacing must do: a slot free, the spacing kept, the gate open."""

    allowance: Allowance
    slots: dict[str, int] = field(default_factory=dict)
    next_at: int = 0
    blocked_until: int = 0
    slow_until: int = 0
    next_look_at: int = 0
    faults: int = 0
    cut: int = 0
    cut_at: int = 0

    def take(self, member: str, now: int) -> bool:
        if self.slots.get(member, 0) <= now:
            held = sum(free_at > now for free_at in self.slots.values())
            if now < max(self.blocked_until, self.next_at) or held >= LIMIT - self.lowered(now):
                return False
            slowness = 1 + max(0, self.slow_until - now) / us(600)
            spacing = us(self.allowance.spacing_s) * slowness
            self.next_at = round(max(self.next_at, now - us(SPACING_SLACK_S)) + spacing)
        self.slots[member] = now + us(self.allowance.lease_s)
        return True

    def ready_at(self, now: int) -> int:
        """Tell from when on a request may leave, if nothing else happens."""
        frees = sorted(free_at for free_at in self.slots.values() if free_at > now)
        too_many = len(frees) - (LIMIT - self.lowered(now)) + 1
        slot_at = frees[too_many - 1] if too_many > 0 else now
        return max(now, slot_at, self.blocked_until, self.next_at)

    def over_limit(self, wait_s: float | None, now: int) -> None:
        if now >= self.blocked_until:
            self.cut, self.cut_at = min(LIMIT - 1, self.lowered(now) + 1), now
        if wait_s is None:
            self.slow_until = now + us(660)
        self.block(60 if wait_s is None else min(max(wait_s, 1), 300), now)

    def out_of_reach(self, wait_s: float | None, now: int) -> None:
        if wait_s is None:
            self.faults += now >= self.blocked_until
            wait_s = min(60, 2 ** max(0, self.faults - 1))
        self.block(min(max(wait_s, 1), 300), now)

    def block(self, wait_s: float, now: int) -> None:
        self.blocked_until = max(self.blocked_until, now + us(wait_s))

    def lowered(self, now: int) -> int:
        return max(0, self.cut - (now - self.cut_at) // us(600))

    def foreign(self, remaining: int, now: int) -> None:
        held = sum(free_at > now for free_at in self.slots.values())
        for n in range(LIMIT - remaining - held):
            self.slots[f"foreign {now} {n}"] = now + us(WINDOW_S)


@dataclass(eq=False)
class Request:
    """A request that left: when it did, and until when the provider may still count it."""

    member: str
    dial: DialRequest | None
    countable_until_s: float
    is_counted: bool = False
    is_over: bool = False


class BusyMachine(RuleBasedStateMachine):
    """Look-ups and dials that leave as fast as they may, and come back late, or never."""

    allowance: Allowance
    client: "redis.Redis"
    data_dir: Path

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.db = VirtualDatabase(self.client, f"test{secrets.token_hex(4)}")
        self.pacing = Pacing(self.db, self.allowance)
        self.campaign = DialingCampaign(self.db, self.allowance, self.data_dir)
        self.model = Model(self.allowance)
        self.counted_at_s: list[float] = []

    @property
    def now(self) -> int:
        return us(self.db.clock_s)

    ############################################################ time

    @rule(ms=st.sampled_from([1, 50, 400, 1_000, 2_951, 3_000, 6_000, 6_101, 45_000]))
    def time_passes(self, ms: int) -> None:
        self.db.pass_time(ms / 1000)

    def time_passes_until(self, instant: int) -> None:
        self.db.clock_s = instant / 1e6

    ############################################################ requests leave

    @rule(
        target=requests,
        patient=st.booleans(),
        overdue=st.booleans(),
        asks=st.integers(1, 3),
        at_once=st.booleans(),
    )
    def a_look_up_asks(self, patient: bool, overdue: bool, asks: int, at_once: bool) -> object:
        member = secrets.token_hex(4)
        if patient:
            self.time_passes_until(self.model.ready_at(self.now))
        dials_wait = bool(self.client.zcard(self.db.key("released")))
        may_ask = not dials_wait or (overdue and self.now >= self.model.next_look_at)

        for _ in range(asks):  # a lost answer: the same request asks again
            is_granted = self.pacing.take_slot(member, overdue=overdue) == 0
            assert is_granted == (may_ask and self.model.take(member, self.now))

        if not is_granted:
            return multiple()
        if dials_wait:
            self.model.next_look_at = self.now + us(10 * self.allowance.spacing_s)
        return self.left(member, None, counts_at_once=at_once)

    @rule()
    def the_feeder_releases(self) -> None:
        self.campaign.release()

    @rule(target=requests, patient=st.booleans(), at_once=st.booleans())
    def a_dial_asks(self, patient: bool, at_once: bool) -> object:
        if patient:
            self.time_passes_until(self.model.ready_at(self.now))
            self.campaign.release()

        dial = self.campaign.dial()

        if dial is None:
            assert not patient, "a contact was due, and nothing forbade its request"
            return multiple()
        assert self.model.take(str(dial.id), self.now)
        return self.left(str(dial.id), dial, counts_at_once=at_once)

    def left(self, member: str, dial: DialRequest | None, *, counts_at_once: bool) -> Request:
        travels_s = SEND_WINDOW_S + DEADLINE_S + TRAVEL_GRACE_S
        request = Request(member, dial, self.db.clock_s + travels_s)
        if counts_at_once:
            self.the_provider_counts(request)
        return request

    ############################################################ requests end, or their owners do

    @rule(request=requests)
    def the_provider_counts(self, request: Request) -> None:
        if not request.is_counted and self.db.clock_s <= request.countable_until_s:
            request.is_counted = True
            self.provider_counts_now()

    @rule(request=requests)
    def the_provider_counts_at_the_last_moment(self, request: Request) -> None:
        if not request.is_counted:
            self.db.clock_s = max(self.db.clock_s, request.countable_until_s)
            self.the_provider_counts(request)

    @rule(request=consumes(requests))
    def an_answer_comes(self, request: Request) -> None:
        if request.is_over or self.db.clock_s > request.countable_until_s - TRAVEL_GRACE_S:
            return  # its owner gave up, or was killed, long ago
        self.the_provider_counts(request)

        (request.dial or LookUp(self.pacing, request.member)).answered()

        self.model.slots[request.member] = self.now + us(self.allowance.kept_after_answer_s)
        if request.dial:
            self.model.faults = 0

    @rule(request=requests)
    def the_caller_gives_up(self, request: Request) -> None:
        if request.is_over or self.db.clock_s > request.countable_until_s - TRAVEL_GRACE_S:
            return
        request.is_over = True
        request.countable_until_s = self.db.clock_s + TRAVEL_GRACE_S

        (request.dial or LookUp(self.pacing, request.member)).unanswered()

        self.model.slots[request.member] = self.now + us(self.allowance.kept_without_answer_s)

    @rule(request=consumes(requests))
    def a_look_up_never_left(self, request: Request) -> None:
        if request.dial or request.is_counted or request.is_over:
            return

        self.pacing.never_sent(request.member)

        self.model.slots[request.member] = self.now

    @rule(request=requests)
    def the_owner_is_killed(self, request: Request) -> None:
        request.is_over = True  # its request travels on; only the lease ends its slot

    def provider_counts_now(self) -> None:
        at_s = self.db.clock_s
        self.counted_at_s.append(at_s)
        in_window = len(self.counted_at_s) - bisect_right(self.counted_at_s, at_s - WINDOW_S)
        assert in_window <= LIMIT, "the provider counted more than the limit in one window"


class TroubledMachine(BusyMachine):
    """The same account, with a provider that refuses, goes away, and tells of others' requests."""

    @rule(hours=st.floats(0, 3))
    def a_long_time_passes(self, hours: float) -> None:
        self.db.pass_time(hours * 3600)

    @rule(wait_s=st.sampled_from([None, 1, 7]))
    def a_dial_is_over_the_limit(self, wait_s: float | None) -> None:
        refusal = TurnedAway("429", wait_s=wait_s, over_limit=True, http_status=429)

        dial = self.campaign.dial(refusal)

        if dial is not None:
            assert self.model.take(str(dial.id), self.now)
            self.model.slots[str(dial.id)] = self.now + us(self.allowance.kept_after_answer_s)
            self.model.over_limit(wait_s, self.now)
            self.provider_counts_now()

    @rule(wait_s=st.sampled_from([None, -1, 0, 3, 40, 1e9]))
    def a_look_up_is_over_the_limit(self, wait_s: float | None) -> None:
        self.pacing.close_for(wait_s)

        self.model.over_limit(wait_s, self.now)

    @rule(wait_s=st.sampled_from([None, None, 5]))
    def the_provider_is_out_of_reach(self, wait_s: float | None) -> None:
        self.pacing.back_off(wait_s)

        self.model.out_of_reach(wait_s, self.now)

    @rule(remaining=st.integers(-1, LIMIT + 2))
    def headers_tell_of_others(self, remaining: int) -> None:
        self.pacing.heed(RateFeedback(LIMIT, remaining))

        self.model.foreign(max(0, remaining), self.now)

    @rule()
    def the_rate_is_read(self) -> None:
        rate = self.pacing.rate()

        assert rate.limit == LIMIT - self.model.lowered(self.now)
        blocked_for_s = max(0, self.model.blocked_until - self.now) / 1e6
        assert rate.blocked_for_s == pytest.approx(blocked_for_s, abs=2e-6)


class LookUp:
    """A look-up's ends, named as a dial's."""

    def __init__(self, pacing: Pacing, member: str) -> None:
        self._pacing = pacing
        self._member = member

    def answered(self) -> None:
        self._pacing.answered(self._member)

    def unanswered(self) -> None:
        self._pacing.unanswered(self._member)


@pytest.mark.parametrize("kind", [Allowance, UnspacedAllowance])
@pytest.mark.parametrize("machine", [BusyMachine, TroubledMachine])
def test_no_order_of_events_makes_pacing_leave_its_model_or_the_provider_count_too_many(
    machine, kind, redis_client, tmp_path
):
    class Machine(machine):
        allowance = kind(requests=LIMIT, window_s=WINDOW_S, http_deadline_s=DEADLINE_S)
        client = redis_client
        data_dir = tmp_path

    run_state_machine_as_test(Machine, settings=settings(stateful_step_count=50))
