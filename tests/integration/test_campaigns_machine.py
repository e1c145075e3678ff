"""Anything may happen in any order, at any time, twice or never: the books balance after each step.

The provider's ledger is the judge: no attempt is posted twice, no phone is in two calls at once,
nobody suppressed is rung, nothing leaves while a campaign is not running. In the end, once faults
stop, every campaign comes to its end.
"""

import contextlib
import secrets
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from campaigns.agents.agent import Agent, Presence
from campaigns.agents.team import Team
from campaigns.attempt import CallReport
from campaigns.campaign import CampaignState
from campaigns.numbers.phone_rules import PhoneRules
from campaigns.retry_policy import RetryRule
from campaigns.rules.retries import UnknownPolicy
from dialer.agents.registry import Registry
from dialer.agents.teams import TeamBook
from dialer.ids import AttemptId, ContactId
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.store import ContactRecord
from dialer.store.agents import AgentStore, SetPresence
from dialer.store.campaign import WrongState
from dialer.store.scripts import SCRIPTS, Given
from tests.account_kit import Account
from tests.conservation import check_conservation, check_turns
from tests.factories import answered, append_contacts, store_campaign, terminal
from tests.phone_company import Answer, Call
from tests.virtual_time import VirtualDatabase

NUMBERS = [f"+9190000000{n:02}" for n in range(6)]
TEAMS = (
    Team("Sales"),
    Team(agents=tuple(NUMBERS[:3])),
    Team(agents=(NUMBERS[3], NUMBERS[0]), when_busy=True),
)
"""Whoever is in the group is a stand-in as well, and the agent of pairs, and a customer."""
TIME_LIMIT_S, TIME_OUT_S = 60, 10
LONGEST_CALL_S = TIME_LIMIT_S + 2 * TIME_OUT_S
RETRIES = tuple(
    RetryRule.parse(text)
    for text in ("customer_busy=30s", "customer_no_answer=5m", "agent_no_answer=20sx2")
)
LEGS: dict[str, tuple[str | None, str | None, int | None]] = {
    "connected": ("completed", "completed", 30),
    "customer_busy": ("completed", "busy", 0),
    "customer_no_answer": ("completed", "no-answer", 0),
    "agent_no_answer": ("no-answer", None, None),
    "customer_not_dialled": ("completed", None, None),
}


class Killed(BaseException):
    """The worker is gone, as by SIGKILL."""


class LossyDatabase(VirtualDatabase):
    """Loses the answers of scripts on their way back, though they ran."""

    lost_gate_answers = 0

    def run(self, given: Given, *, pipeline: Any = None) -> Any:
        answer = super().run(given, pipeline=pipeline)
        if SCRIPTS[type(given)] == "gate" and self.lost_gate_answers:
            self.lost_gate_answers -= 1
            raise redis.ConnectionError("the answer was lost")
        return answer


def _numbers(pair: list[str], team: int) -> list[str]:
    """Give a pair, or a team and a customer; nobody is rung by their own stand-ins."""
    if not team:
        return pair
    own = TEAMS[team - 1].agents
    return [f"+{team}", next(one for one in (*pair[::-1], *NUMBERS[::-1]) if one not in own)]


pairs = st.lists(
    st.builds(
        lambda numbers, team, priority, due_s, expires_s: (
            _numbers(numbers, team),
            priority,
            due_s,
            expires_s,
        ),
        st.permutations(NUMBERS).map(lambda mixed: mixed[:2]),
        st.sampled_from([0, 0, 0, *range(1, len(TEAMS) + 1)]),
        st.sampled_from([0, 0, 0, 5, -5]),
        st.sampled_from([0, 0, 0, 40]),
        st.sampled_from([0, 0, 0, 100]),
    ),
    min_size=1,
    max_size=6,
)
rule_changes = st.fixed_dictionaries(
    {
        "max_attempts": st.integers(1, 2),
        "wrap_up_s": st.sampled_from([0, 10]),
        "min_gap_s": st.sampled_from([0, 25]),
        "park_after": st.sampled_from([0, 1]),
        "park_s": st.just(50),
        "max_concurrent_calls": st.sampled_from([0, 0, 1]),
        "max_calls_per_day": st.sampled_from([0, 0, 3]),
        "weight": st.sampled_from([1.0, 3.0]),
        "priority": st.sampled_from([0, 0, 2]),
        "unknown": st.sampled_from([UnknownPolicy.REDIAL, UnknownPolicy.SKIP]),
        "hours": st.sampled_from(["always", "always", "09:00-14:00"]),
    }
)
which = st.integers(0, 10_000)


class Everything(RuleBasedStateMachine):
    """The account, and all that may happen to it."""

    def __init__(self, client: "redis.Redis") -> None:
        super().__init__()
        self.db = LossyDatabase(client, f"test{secrets.token_hex(4)}")
        self.folder = tempfile.TemporaryDirectory(prefix="dialer-test-")
        self.account = Account(self.db, Path(self.folder.name))
        self.campaigns: list[str] = []
        self.messages: list[Any] = []
        self.mail: list[tuple[AttemptId, CallReport]] = []
        self.files = 0
        self.registry = Registry(self.db, phone_rules=PhoneRules(), zone=ZoneInfo("UTC"))
        self.registry.put([Agent(one, groups=("Sales",)) for one in NUMBERS[:4]])
        assert [TeamBook(self.db).number_of(one) for one in TEAMS] == [1, 2, 3]

    ############################################################ people

    @precondition(lambda self: len(self.campaigns) < 4)
    @rule(listed=pairs, running=st.booleans(), changes=rule_changes)
    def load(self, listed: Any, running: bool, changes: Any) -> None:
        self.campaigns.append(
            store_campaign(
                self.db,
                self._records(listed),
                name=f"campaign{len(self.campaigns)}",
                running=running,
                time_limit_s=TIME_LIMIT_S,
                time_out_s=TIME_OUT_S,
                retry=RETRIES,
                **changes,
            )
        )

    @precondition(lambda self: self.campaigns)
    @rule(at=which, listed=pairs)
    def append(self, at: int, listed: Any) -> None:
        campaign = self.account.campaigns.find(self._pick(self.campaigns, at))
        if campaign.state in {CampaignState.CANCELLING, CampaignState.CANCELLED}:
            return  # loading refuses these
        self.files += 1
        append_contacts(
            self.db, campaign.id, self._records(listed), content_hash=f"more{self.files}"
        )

    @precondition(lambda self: self.campaigns)
    @rule(at=which, to=st.sampled_from(["running", "running", "paused", "cancelling"]))
    def steer(self, at: int, to: str) -> None:
        campaign = self.account.campaigns.find(self._pick(self.campaigns, at))
        with contextlib.suppress(WrongState):
            self.account.campaigns.move(campaign, CampaignState(to))

    @precondition(lambda self: self.campaigns)
    @rule(at=which, n=which, after_s=st.sampled_from([-60, 0, 45, 600]), reopen=st.booleans())
    def call_back(self, at: int, n: int, after_s: float, reopen: bool) -> None:
        campaign = self.account.campaigns.find(self._pick(self.campaigns, at))
        when = datetime.fromtimestamp(self.db.now() + after_s, UTC)
        with contextlib.suppress(NoCallBack):
            call_back(
                self.db, ContactId(campaign.id, n % campaign.accepted + 1), when, reopen=reopen
            )

    @rule(number=st.sampled_from(NUMBERS[4:]))
    def suppress(self, number: str) -> None:
        self.db.client.hset(self.db.key("suppressed"), number[1:], "{}")

    @rule(
        number=st.sampled_from(NUMBERS[:4]),
        state=st.sampled_from([Presence.ON, Presence.BREAK, Presence.OFF]),
        for_s=st.sampled_from([None, 5, 60]),
    )
    def send_away(self, number: str, state: Presence, for_s: float | None) -> None:
        until_at = None if for_s is None else self.db.now() + for_s
        said = SetPresence(number[1:], state, "", "somebody", until_at)
        AgentStore(self.db).set_presence([said])

    @rule(number=st.sampled_from(NUMBERS[:4]), is_in=st.booleans())
    def join_or_leave(self, number: str, is_in: bool) -> None:
        (known,) = AgentStore(self.db).get([number])
        assert known
        self.registry.put([replace(known, groups=("Sales",) if is_in else ())])

    ############################################################ our processes

    @rule()
    def feed(self) -> None:
        self.messages.extend(self.account.tick())
        check_turns(self.db)

    @precondition(lambda self: self.messages)
    @rule(
        at=which,
        answer=st.sampled_from([*Answer, Answer.PLACED, Answer.PLACED, Answer.PLACED]),
        lost_answers=st.sampled_from([0, 0, 0, 1, 3]),
        killed=st.sampled_from([False, False, False, True]),
        early=st.booleans(),
    )
    def work(self, at: int, answer: Answer, lost_answers: int, killed: bool, early: bool) -> None:
        """Deliver a message, be it new, stale or for the second time."""
        released = self._pick(self.messages, at)
        before = len(self.account.company.posts)
        was_running = self.account.state(released.contact.campaign) == "running"
        self.account.company.answers.append(answer)
        self.account.company.while_posting = lambda call: self._while_posting(
            call, killed=killed, early=early
        )
        self.db.lost_gate_answers = lost_answers
        with contextlib.suppress(Killed, redis.ConnectionError):
            self.account.dial(released)
        self.db.lost_gate_answers = 0
        self.account.company.answers.clear()
        if len(self.account.company.posts) > before:
            assert was_running
            posted = AttemptId.parse(self.account.company.posts[-1])
            assert posted
            (record,) = self.account.attempts.get_many([posted])
            assert record
            unwanted = {
                f"+{one.decode()}" for one in self.db.client.hkeys(self.db.key("suppressed"))
            }
            if answer is not Answer.DO_NOT_DISTURB:
                assert not unwanted & {record.agent, record.customer}
            assert AgentStore(self.db).presence_of([record.agent])[0].state is Presence.ON

    @rule()
    def sweep(self) -> None:
        self.account.sweeping.sweep()

    @rule()
    def hand_in_late_answers(self) -> None:
        self.account.recovery.tick()

    @rule(seconds=st.sampled_from([1, 11, 30, 61, 130, 500, 3600]))
    def time_passes(self, seconds: int) -> None:
        self.db.pass_time(seconds)
        for call in self.account.company.live():
            if call.placed_at_s + LONGEST_CALL_S <= self.db.now():
                self._end(call, "connected")

    ############################################################ the provider

    @precondition(lambda self: self.account.company.live())
    @rule(at=which, fate=st.sampled_from(list(LEGS)))
    def call_ends(self, at: int, fate: str) -> None:
        self._end(self._pick(self.account.company.live(), at), fate)

    @precondition(lambda self: self.mail)
    @rule(at=which)
    def callback(self, at: int) -> None:
        """Deliver a callback; it stays in the mail, so it may come again, in any order."""
        id_, report = self._pick(self.mail, at)
        self.account.settling.report(id_, report, at=self.db.now())

    ############################################################ what always holds

    @invariant()
    def the_books_balance(self) -> None:
        check_conservation(self.db)

    @invariant()
    def no_attempt_is_posted_twice(self) -> None:
        posts = self.account.company.posts
        assert len(posts) == len(set(posts))

    @invariant()
    def no_phone_is_in_two_calls(self) -> None:
        live = self.account.company.live()
        numbers = [number for call in live for number in (call.agent, call.customer)]
        assert len(numbers) == len(set(numbers))

    def teardown(self) -> None:
        """Stop all faults: then every campaign comes to its end."""
        try:
            self._let_it_end()
        finally:
            self.account.journal.close()
            self.folder.cleanup()
            self.db.client.flushdb()

    def _let_it_end(self) -> None:
        company = self.account.company
        company.while_posting = lambda _: None
        self.db.client.hdel(self.db.key("account"), "stopped", "probe_at")  # the bill is paid
        back = [SetPresence(number[1:], Presence.ON, "", "somebody") for number in NUMBERS]
        AgentStore(self.db).set_presence(back)
        self.db.client.delete(self.db.key("suppressed"))
        self.registry.put([Agent(one, groups=("Sales",)) for one in NUMBERS[:4]])
        for id_ in self.campaigns:
            campaign = self.account.campaigns.find(id_)
            if campaign.state in {CampaignState.LOADED, CampaignState.PAUSED}:
                self.account.campaigns.move(campaign, CampaignState.RUNNING)
        pause_s = 5.0
        for _ in range(4_000):  # three calls a day at least, and the pauses grow anew after each
            if all(self.account.state(id_) in {"completed", "cancelled"} for id_ in self.campaigns):
                break
            dialled = self.account.dial_all()
            for call in company.live():
                self._end(call, "connected")
                self.account.settling.report(*self.mail[-1], at=self.db.now())
            self.account.recovery.tick()
            self.account.sweeping.sweep()
            pause_s = 5.0 if dialled else min(pause_s * 2, 3 * 3600)
            self.db.pass_time(pause_s)
        check_conservation(self.db)
        states = {id_: self.account.state(id_) for id_ in self.campaigns}
        assert set(states.values()) <= {"completed", "cancelled"}, (states, self._all_stored())

    def _all_stored(self) -> dict[bytes, object]:
        client, names = (
            self.db.client,
            (b"wanted", b"free_of", b"claims", b"ready", b"busy", b"later"),
        )
        found: dict[bytes, object] = {}
        for name in client.scan_iter(f"{self.db.prefix}*"):
            if any(word in name for word in names):
                kind = client.type(name)
                if kind == b"set":
                    found[name] = client.smembers(name)
                elif kind == b"zset":
                    found[name] = client.zrange(name, 0, -1, withscores=True)
                elif kind == b"hash":
                    found[name] = client.hgetall(name)
        return found

    ############################################################ hands

    def _pick(self, among: Any, at: int) -> Any:
        return among[at % len(among)]

    def _records(self, listed: Any) -> list[ContactRecord]:
        now = int(self.db.now())
        return [
            ContactRecord(
                agent=numbers[0],
                customer=numbers[1],
                priority=priority,
                due_s=now + due_s if due_s else 0,
                expires_s=now + expires_s if expires_s else 0,
            )
            for numbers, priority, due_s, expires_s in listed
        ]

    def _while_posting(self, call: Call, *, killed: bool, early: bool) -> None:
        if early:
            self._end(call, "connected")
            self.account.settling.report(*self.mail[-1], at=self.db.now())
        if killed:
            raise Killed

    def _end(self, call: Call, fate: str) -> None:
        id_ = AttemptId.parse(call.attempt_id)
        assert id_ is not None
        agent_status, customer_status, talk_s = LEGS[fate]
        legs = {"Leg1Status": agent_status, "Leg2Status": customer_status}
        self.account.company.end(call, Details={"ConversationDuration": talk_s, **legs})
        self.mail.append((id_, answered(call.sid, 1, at_s=self.db.now())))
        self.mail.append(
            (
                id_,
                terminal(
                    call.sid,
                    agent_status=agent_status,
                    customer_status=customer_status,
                    talk_s=talk_s,
                    ended_at_s=self.db.now(),
                ),
            )
        )


def test_the_books_balance_whatever_happens(redis_client):
    run_state_machine_as_test(
        lambda: Everything(redis_client),
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            # a shorter story would take minutes to find, and the long one is told in full
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
