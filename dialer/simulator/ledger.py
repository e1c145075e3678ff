"""The books: every request, every call, and the questions a judge asks of them.

Everything is counted as it comes in; arrivals and placements are entered in the order of time.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from dialer.simulator.exchange import Call
from dialer.simulator.numbers import last_ten


@dataclass(slots=True)
class ConnectEntry:
    """One POST connect.

    Args:
        arrived_at_s: Real seconds since the simulator's start.
        body: The form as it came.
        status: What was answered; None while nothing was, or nothing ever will be.
        refused: The caller can tell from the answer that no call was placed.
        fault: What went wrong on purpose.
        sid: The call that was placed.
    """

    arrived_at_s: float
    body: bytes = b""
    status: int | None = None
    refused: bool = False
    fault: str | None = None
    sid: str | None = None

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The form, in its order."""
        return parse_qsl(self.body.decode(errors="replace"), keep_blank_values=True)


class ReadEntry(NamedTuple):
    """One GET: real seconds since the start, path and query, HTTP status (None: not answered)."""

    arrived_at_s: float
    target: str
    status: int | None


class CallbackEntry(NamedTuple):
    """One callback on the wire: when, about which call, what it told, the receiver's status.

    `status` is None when the receiver gave no answer.
    """

    sent_at_s: float
    sid: str
    event: str
    status: int | None


class Overlap(NamedTuple):
    """Two calls that held the same phone, agent's or customer's, at the same time."""

    number: str
    first_sid: str
    second_sid: str


class Ledger:
    """What truly happened, by the provider's own eyes.

    Args:
        window_s: The account's window, in which the peak is counted as requests come in.
    """

    def __init__(self, *, window_s: float) -> None:
        self.connects: list[ConnectEntry] = []
        self.calls: list[Call] = []
        self.reads: list[ReadEntry] = []
        self.callbacks: list[CallbackEntry] = []
        self.callbacks_acknowledged = 0
        self.callbacks_lost = 0
        self.too_many_429 = 0
        self.requests_missing_limits = 0
        self.reposts_after_refusal = 0
        self.posted_twice: list[str] = []
        self.overlaps: list[Overlap] = []
        self.window_s = window_s
        self._window: deque[float] = deque()
        self._peak = 0
        self._latest_call_of: dict[str, Call] = {}
        self._entries_of_attempt: dict[str, ConnectEntry] = {}

    def arrive(self, at_s: float) -> None:
        """A request that counts against the limit has arrived, whatever it is answered."""
        self._window.append(at_s)
        while self._window[0] <= at_s - self.window_s:
            self._window.popleft()
        self._peak = max(self._peak, len(self._window))

    def open_connect(self, at_s: float) -> ConnectEntry:
        """Enter a POST connect; its body and answer are filled in as they come."""
        entry = ConnectEntry(arrived_at_s=at_s)
        self.connects.append(entry)
        return entry

    def note_body(self, entry: ConnectEntry, body: bytes) -> list[tuple[str, str]]:
        """File the form, and see whether its attempt was sent before."""
        entry.body = body
        fields = entry.fields
        form = dict(fields)
        if not (form.get("TimeLimit") and form.get("TimeOut")):
            self.requests_missing_limits += 1
        self._note_attempt(entry, form)
        return fields

    def note_call(self, entry: ConnectEntry, call: Call) -> None:
        """A call was placed; compare it with the last one of either number."""
        entry.sid = call.sid
        self.calls.append(call)
        for number in {last_ten(call.request.agent), last_ten(call.request.customer)}:
            latest = self._latest_call_of.get(number)
            if latest and latest.ends_at_s > call.placed_at_s:
                self.overlaps.append(Overlap(number, latest.sid, call.sid))
            if not latest or call.ends_at_s > latest.ends_at_s:
                self._latest_call_of[number] = call

    def close_connect(self, entry: ConnectEntry, *, status: int | None, refused: bool) -> None:
        """The answer is known (None: there was none)."""
        entry.status = status
        entry.refused = refused
        self.too_many_429 += status == 429

    def note_read(self, entry: ReadEntry) -> None:
        self.reads.append(entry)
        self.too_many_429 += entry.status == 429

    def note_callback(self, entry: CallbackEntry) -> None:
        self.callbacks.append(entry)
        self.callbacks_acknowledged += entry.status is not None and 200 <= entry.status < 300

    def calls_live(self, at_s: float) -> int:
        """How many calls have not ended at this moment."""
        return sum(not call.is_over(at_s) for call in self.calls)

    def verdict(self, at_s: float) -> dict[str, Any]:
        """Every question answered, as of this moment."""
        return {
            "peak_in_window": self._peak,
            "window_s": self.window_s,
            "requests": len(self.connects) + len(self.reads),
            "connects": len(self.connects),
            "reads": len(self.reads),
            "too_many_429": self.too_many_429,
            "overlapping_calls": [overlap._asdict() for overlap in self.overlaps],
            "attempts_posted_twice": self.posted_twice,
            "reposts_after_refusal": self.reposts_after_refusal,
            "requests_missing_limits": self.requests_missing_limits,
            "calls": len(self.calls),
            "calls_live": self.calls_live(at_s),
            "calls_redialled": sum(call.course.agent_rings > 1 for call in self.calls),
            "callbacks_sent": len(self.callbacks),
            "callbacks_acknowledged": self.callbacks_acknowledged,
            "callbacks_lost": self.callbacks_lost,
        }

    def _note_attempt(self, entry: ConnectEntry, form: dict[str, str]) -> None:
        """An attempt goes by its CustomField and by its callback's path.

        Sending again is right after an answer that surely placed nothing, and wrong after any
        other and while the first is still open.
        """
        names = {form.get("CustomField"), _path_of(form.get("StatusCallback", ""))}
        earlier = {name: self._entries_of_attempt.get(name) for name in names if name}
        if any(known and not known.refused for known in earlier.values()):
            self.posted_twice.append(form.get("CustomField") or form.get("StatusCallback", ""))
        elif any(earlier.values()):
            self.reposts_after_refusal += 1
        self._entries_of_attempt.update(dict.fromkeys(earlier, entry))


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:  # whatever it is, the form's own check refuses it
        return ""
