"""The calls: each is laid out when it is placed, and can be looked at in any moment of its life."""

import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from random import Random

from dialer.simulator.clock import SimulatorClock
from dialer.simulator.fates import Course, Fate, Ringing, chart
from dialer.simulator.numbers import last_ten
from dialer.simulator.options import SimulatorOptions
from dialer.simulator.parameters import MAX_TIME_LIMIT_S, MAX_TIME_OUT_S, ConnectRequest


@dataclass(frozen=True, slots=True)
class Call:
    """One call, past, present and future.

    Args:
        serial: 0, 1, … in the order of placing.
        placed_at_s: Real seconds since the simulator's start; the `…_at_s` below alike.
        values_at_s: When Duration, Price and EndTime appear in reads.
        host_url: Where the caller reached us; recordings are fetched there.
    """

    serial: int
    sid: str
    request: ConnectRequest
    course: Course
    placed_at_s: float
    agent_answers_at_s: float | None
    customer_answers_at_s: float | None
    ends_at_s: float
    values_at_s: float
    host_url: str

    def is_over(self, at_s: float) -> bool:
        return at_s >= self.ends_at_s

    def agent_is_up(self, at_s: float) -> bool:
        return self.agent_answers_at_s is not None and at_s >= self.agent_answers_at_s

    def customer_is_up(self, at_s: float) -> bool:
        return self.customer_answers_at_s is not None and at_s >= self.customer_answers_at_s

    def updated_at_s(self, at_s: float) -> float:
        """When the status last changed before this moment."""
        changes = (
            self.placed_at_s,
            self.agent_answers_at_s,
            self.customer_answers_at_s,
            self.ends_at_s,
        )
        return max(change for change in changes if change is not None and change <= at_s)

    @property
    def was_recorded(self) -> bool:
        return self.request.record and self.course.talk_s > 0

    @property
    def price(self) -> str:
        """0.75 of the billing currency for each started minute of each leg that was up."""
        legs_s = (self.course.agent_on_call_s, self.course.talk_s)
        return f"{sum(-(-leg_s // 60) for leg_s in legs_s) * 0.75:.3f}"


class Exchange:
    """Places calls, decides their fates, and finds them again."""

    def __init__(self, options: SimulatorOptions, clock: SimulatorClock) -> None:
        self.calls: list[Call] = []
        self.scripts: dict[str, tuple[Fate, ...]] = {}
        self._options = options
        self._clock = clock
        self._by_sid: dict[str, Call] = {}
        self._by_number: defaultdict[str, list[Call]] = defaultdict(list)
        self._calls_of_pair: Counter[tuple[str, str]] = Counter()
        self._scripted_calls: Counter[str] = Counter()
        for number, fates in options.scripted.items():
            self.script(number, fates)

    def script(self, number: str, fates: tuple[Fate, ...]) -> None:
        """Lay down what becomes of this number's next calls; the last fate stays."""
        if not fates:
            raise ValueError("a script needs at least one fate")
        key = last_ten(number)
        self.scripts[key] = fates
        self._scripted_calls[key] = 0

    def place(self, request: ConnectRequest, *, host_url: str) -> Call:
        """Ring the agent: from now on this call exists."""
        clock, placed_at_s = self._clock, self._clock.now_s()
        course = self._course(request)

        def at_s(call_s: int) -> float:
            return placed_at_s + clock.real_s(call_s)

        call = Call(
            serial=len(self.calls),
            sid=uuid.uuid4().hex,  # not seeded: no two runs may share one
            request=request,
            course=course,
            placed_at_s=placed_at_s,
            agent_answers_at_s=None
            if course.agent_answers_s is None
            else at_s(course.agent_answers_s),
            customer_answers_at_s=None
            if course.customer_answers_s is None
            else at_s(course.customer_answers_s),
            ends_at_s=at_s(course.ends_s),
            values_at_s=at_s(course.ends_s + self._options.values_late_s),
            host_url=host_url,
        )
        self.calls.append(call)
        self._by_sid[call.sid] = call
        for key in {last_ten(request.agent), last_ten(request.customer)}:
            self._by_number[key].append(call)
        return call

    def find(self, sid: str) -> Call | None:
        return self._by_sid.get(sid)

    def of_number(self, number: str) -> list[Call]:
        """The calls in which this number had a part, oldest first."""
        return self._by_number.get(last_ten(number), [])

    def _course(self, request: ConnectRequest) -> Course:
        pair = last_ten(request.agent), last_ten(request.customer)
        self._calls_of_pair[pair] += 1
        # a phone call's luck, not a secret: it must be the same in every run
        rng = Random(f"{self._options.seed}/{'/'.join(pair)}/{self._calls_of_pair[pair]}")  # noqa: S311
        ringing = Ringing(
            time_out_s=request.time_out_s or MAX_TIME_OUT_S,
            time_limit_s=request.time_limit_s or MAX_TIME_LIMIT_S,
            max_retries=request.max_retries,
            ring_s=self._options.ring_s,
            talk_s=self._options.talk_s,
        )
        return chart(self._fate(request, rng), ringing, rng)

    def _fate(self, request: ConnectRequest, rng: Random) -> Fate:
        for key in (last_ten(request.customer), last_ten(request.agent)):
            if script := self.scripts.get(key):
                turn = self._scripted_calls[key]
                self._scripted_calls[key] += 1
                return script[min(turn, len(script) - 1)]
        outcomes = self._options.outcomes
        return rng.choices(list(outcomes), weights=list(outcomes.values()))[0]
