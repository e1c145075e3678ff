"""What may go wrong, and the plan that decides when: by probability, or because a test asked."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Generic, Self, TypeVar

from campaigns.plain_text import did_you_mean
from dialer.simulator.numbers import last_ten

T = TypeVar("T")


class Trouble(StrEnum):
    """What a request gets instead of its answer."""

    # a plain no: never a call
    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    NO_BALANCE = "402"
    KYC = "403-kyc"
    NDNC = "403-ndnc"
    NOT_FOUND = "404"
    AGENT_OFFLINE = "409-1012"
    AGENT_BUSY = "409-10706"
    TOO_MANY = "429"
    UNAVAILABLE = "503"
    MOVED = "301"
    REDIRECTED = "307"
    # a status that leaves open whether there is a call
    REQUEST_TIMEOUT = "408"
    CONFLICT = "409"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    UNAVAILABLE_PLAIN = "503-plain"  # by a proxy: no RestException in it
    GATEWAY_TIMEOUT = "504"
    # no answer at all, or half of one
    HANG = "hang"
    CLOSE = "close"
    RESET = "reset"
    CUT = "cut"
    # a 200 that helps nobody
    HTML = "html"
    BAD_JSON = "bad-json"
    EMPTY = "empty"
    NO_SID = "no-sid"
    KNOWN_SID = "known-sid"
    DRIP = "drip"
    HUGE = "huge"
    GZIP_BOMB = "gzip-bomb"
    # the true answer, at a bad time
    STALL = "stall"
    CALLBACK_FIRST = "callback-first"


PLAIN_NOES: Mapping[Trouble, tuple[int, str, int | str | None]] = {
    Trouble.BAD_REQUEST: (400, "Invalid parameter: 'To' must be a valid phone number", None),
    Trouble.UNAUTHORIZED: (401, "Authentication failed", 20003),
    Trouble.NO_BALANCE: (402, "Your account has insufficient balance", None),
    Trouble.KYC: (403, "Your account is not yet KYC compliant", 340030),
    Trouble.NOT_FOUND: (404, "The requested resource account was not found", None),
    Trouble.AGENT_OFFLINE: (409, "The device of the 'From' user is off", 1012),
    Trouble.AGENT_BUSY: (409, "The 'From' user is in another call", 10706),
    Trouble.TOO_MANY: (429, "Rate limit exceeded.", "RATE_LIMIT_EXCEEDED"),
    Trouble.UNAVAILABLE: (503, "Service Unavailable; ", 35008),
}
"""Status, message and code of each that has a body of its own."""

NEVER_PLACED = frozenset({*PLAIN_NOES, Trouble.NDNC, Trouble.MOVED, Trouble.REDIRECTED})
ALWAYS_PLACED = frozenset({Trouble.STALL, Trouble.CALLBACK_FIRST})


@dataclass(frozen=True, slots=True)
class Fault:
    """One trouble of one request; written `500`, or `500+placed` when the call exists all the same.

    Args:
        placed: The call is placed although the answer does not tell.
        retry_after: Value of a Retry-After header, sent as it stands: seconds, a date, nonsense.
    """

    trouble: Trouble
    placed: bool = False
    retry_after: str | None = None

    def __post_init__(self) -> None:
        if self.placed and self.trouble in NEVER_PLACED:
            raise ValueError(f"an answer {self.trouble} says that no call was placed")
        if not self.placed and self.trouble in ALWAYS_PLACED:
            raise ValueError(f"{self.trouble} needs a call: write {self.trouble}+placed")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `reset` or `reset+placed`; what always has a call needs no suffix."""
        word, _, suffix = text.partition("+")
        if suffix not in {"", "placed"} or word not in set(Trouble):
            known = ", ".join(Trouble)
            near = did_you_mean(word, Trouble)
            raise ValueError(f"no such fault: {text!r} (one of {known}, or +placed){near}")
        trouble = Trouble(word)
        return cls(trouble, bool(suffix) or trouble in ALWAYS_PLACED)

    def __str__(self) -> str:
        return f"{self.trouble}+placed" if self.placed else self.trouble.value


class CallbackTrouble(StrEnum):
    """What may happen to a callback; several may at once."""

    LOST = "lost"
    LATE = "late"
    DUPLICATED = "duplicated"
    REORDERED = "reordered"  # the end is told before the answers; drawn once a call
    MINIMAL = "minimal"  # the four fields of a caller who asked for no events
    FORGED = "forged"  # one more comes along, about a call that does not exist
    MALFORMED = "malformed"  # the body breaks off
    CONTRADICTING = "contradicting"  # tells of a talk; the details know of none


class FaultPlan:
    """Decides what goes wrong: first what was asked for a number, then for anyone, then chance.

    Chance depends on the seed, the pair of numbers and the count of its draws, so a run can be
    repeated however its requests interleave.
    """

    def __init__(
        self,
        *,
        seed: int,
        connect: Mapping[Fault, float],
        read: Mapping[Fault, float],
        callback: Mapping[CallbackTrouble, float],
    ) -> None:
        self.connect_odds = dict(connect)
        self.read_odds = dict(read)
        self.callback_odds = dict(callback)
        self._seed = seed
        self._draws: Counter[str] = Counter()
        self._connect_queue: _Queue[Fault] = _Queue()
        self._read_queue: _Queue[Fault] = _Queue()
        self._callback_queues: dict[CallbackTrouble, _Queue[CallbackTrouble]] = {
            trouble: _Queue() for trouble in CallbackTrouble
        }

    def queue_connect(self, fault: Fault, *, times: int, number: str | None) -> None:
        """Let the next `times` connects, of this number or of anyone, meet the fault."""
        self._connect_queue.put(fault, times=times, number=number)

    def queue_read(self, fault: Fault, *, times: int) -> None:
        """Let the next `times` GETs meet the fault."""
        self._read_queue.put(fault, times=times, number=None)

    def queue_callback(self, trouble: CallbackTrouble, *, times: int, number: str | None) -> None:
        """Let the next `times` callbacks, of this number's calls or of anyone's, meet the trouble."""
        self._callback_queues[trouble].put(trouble, times=times, number=number)

    def connect_fault(self, agent: str, customer: str) -> Fault | None:
        """Take the fault of the next connect of this pair; None when it may succeed."""
        return self._connect_queue.take(agent, customer) or self._by_chance(
            self.connect_odds, f"connect/{agent}/{customer}"
        )

    def read_fault(self) -> Fault | None:
        """Take the fault of the next GET."""
        return self._read_queue.take() or self._by_chance(self.read_odds, "read")

    def meets(self, trouble: CallbackTrouble, agent: str, customer: str) -> bool:
        """Whether the next callback about this pair meets the trouble."""
        if self._callback_queues[trouble].take(agent, customer):
            return True
        odds = self.callback_odds.get(trouble, 0.0)
        return odds > 0 and self._draw(f"{trouble}/{agent}/{customer}") < odds

    def clear_queues(self) -> None:
        """Forget everything that was asked for; chance stays."""
        self._connect_queue.clear()
        self._read_queue.clear()
        for queue in self._callback_queues.values():
            queue.clear()

    def _by_chance(self, odds: Mapping[Fault, float], key: str) -> Fault | None:
        if not odds:
            return None
        left = self._draw(key)
        for fault, probability in odds.items():
            left -= probability
            if left < 0:
                return fault
        return None

    def _draw(self, key: str) -> float:
        self._draws[key] += 1
        return Random(f"{self._seed}/{key}/{self._draws[key]}").random()  # noqa: S311 - repeatable


class _Queue(Generic[T]):
    """What was asked for, first come, first served; a number's own list goes first."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str | None, deque[T]] = defaultdict(deque)

    def put(self, item: T, *, times: int, number: str | None) -> None:
        self._waiting[number and last_ten(number)].extend([item] * times)

    def take(self, *numbers: str) -> T | None:
        if not self._waiting:
            return None
        for key in (*map(last_ten, numbers), None):
            if waiting := self._waiting.get(key):
                return waiting.popleft()
        return None

    def clear(self) -> None:
        self._waiting.clear()
