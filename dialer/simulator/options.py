"""Every knob of the simulator: unit, default, meaning."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dialer.simulator.fates import Fate
from dialer.simulator.faults import CallbackTrouble, Fault

DEFAULT_OUTCOMES: Mapping[Fate, float] = {
    Fate.CONNECTED: 52,
    Fate.MACHINE: 5,
    Fate.CUSTOMER_NO_ANSWER: 18,
    Fate.CUSTOMER_BUSY: 8,
    Fate.CUSTOMER_FAILED: 3,
    Fate.AGENT_LEFT: 2,
    Fate.AGENT_NO_ANSWER: 5,
    Fate.AGENT_BUSY: 4,
    Fate.AGENT_FAILED: 1,
    Fate.CUSTOMER_NOT_DIALLED: 1,
    Fate.PROVIDER_FAILED: 1,
}
"""Weights of an ordinary afternoon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """How this Exotel behaves. Probabilities lie in 0..1; pairs are (shortest, longest).

    *Real seconds* are the test's own; *call seconds* pass `speed` times faster. Wall stamps are
    always real, durations always count call seconds.

    Args:
        account_sid: The only account there is.
        api_key: User name of Basic auth.
        api_token: Password of Basic auth.
        caller_ids: ExoPhones of the account; any other CallerId is refused. Empty: all pass.
        dnd_numbers: Numbers refused with NDNC, as agent or as customer.
        balance: Money of the account at first; calls that are over have been paid of it.

        rate_limit: Requests in any window; one more gets 429.
        rate_window_s: Length of the rolling window, real seconds.
        reads_share_limit: GETs are counted and refused as connects are.
        count_rejected: A request answered 429 fills the window as well.
        retry_after: Send Retry-After (seconds) with a 429.

        speed: Call seconds per real second.
        seed: With the numbers of a pair and the count of its calls, decides each call's fate.
        outcomes: Weights of the fates.
        scripted: Number -> the fates of its calls, in order; the last one stays. A customer's
            script goes before an agent's.
        ring_s: Ringing before an answer, call seconds; kept below the TimeOut.
        talk_s: Length of a conversation, call seconds; TimeLimit cuts it.
        values_late_s: How long after a call's end its EndTime, Duration and Price stay null in
            reads, call seconds.

        latency_ms: Time to answer a request, real milliseconds; the call is placed at its end.
        stall_probability: Share of requests that take `stall_s` longer.
        stall_s: Length of such a stall, real seconds.
        faults: Probability of each fault of POST connect; at most one strikes a request.
        read_faults: As `faults`, for GETs; the `+placed` ones mean nothing here.
        hang_s: A request that hangs is dropped after this, real seconds.
        drip_interval_s: A dripping answer sends one byte per interval, real seconds.

        callback_faults: Probability of each trouble, drawn for itself at each callback.
        callback_retry_delays_s: Pauses before each repetition of a callback that got no 2xx,
            real seconds. The real ones are said to be 5 and 15 minutes.
        callback_late_s: Delay of a late callback, real seconds.
    """

    # the account
    account_sid: str = "demo"
    api_key: str = "demo-key"
    api_token: str = "demo-token"  # noqa: S105 - opens nothing but the simulator
    caller_ids: frozenset[str] = frozenset()
    dnd_numbers: frozenset[str] = frozenset()
    balance: float = 1543.75
    # the limit
    rate_limit: int = 200
    rate_window_s: float = 60.0
    reads_share_limit: bool = True
    count_rejected: bool = False
    retry_after: bool = False
    # the calls
    speed: float = 1.0
    seed: int = 0
    outcomes: Mapping[Fate, float] = field(default_factory=lambda: DEFAULT_OUTCOMES)
    scripted: Mapping[str, tuple[Fate, ...]] = field(default_factory=dict)
    ring_s: tuple[int, int] = (3, 20)
    talk_s: tuple[int, int] = (10, 180)
    values_late_s: int = 120
    # the answers
    latency_ms: tuple[float, float] = (50.0, 300.0)
    stall_probability: float = 0.0
    stall_s: tuple[float, float] = (1.0, 5.0)
    faults: Mapping[Fault, float] = field(default_factory=dict)
    read_faults: Mapping[Fault, float] = field(default_factory=dict)
    hang_s: float = 120.0
    drip_interval_s: float = 1.0
    # the callbacks
    callback_faults: Mapping[CallbackTrouble, float] = field(default_factory=dict)
    callback_retry_delays_s: tuple[float, ...] = (5.0, 15.0)
    callback_late_s: tuple[float, float] = (5.0, 30.0)

    def __post_init__(self) -> None:
        if self.rate_limit < 1 or self.rate_window_s <= 0:
            raise ValueError("the limit needs at least one request in a window longer than 0 s")
        if self.speed <= 0:
            raise ValueError("speed must be above 0 call seconds per second")
        if sum(self.outcomes.values()) <= 0:
            raise ValueError("at least one outcome needs a weight above 0")
        for spread in (
            self.ring_s,
            self.talk_s,
            self.latency_ms,
            self.stall_s,
            self.callback_late_s,
        ):
            if not 0 <= spread[0] <= spread[1]:
                raise ValueError(f"{spread} is no range: shortest first, neither below 0")
        if sum(self.faults.values()) > 1 or sum(self.read_faults.values()) > 1:
            raise ValueError("the probabilities of the faults add up to more than 1")
