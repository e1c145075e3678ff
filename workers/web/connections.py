"""What connections may take before their requests are understood: bytes, time, and a place.

uvicorn keeps headers without end, waits for them without end, and takes every connection. Here a
request's headers are bounded in bytes, number and time, and connections in all, for each address, and
for each way to let us wait. Where there is no room the one that has waited longest makes it, so that
whoever brings a whole request, such as a callback, is served while others only hold places.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from operator import itemgetter
from typing import Protocol

from dialer.logger import get_logger

log = get_logger(__name__)

_LOOK_EVERY_S = 0.5
_MOST_CUT_AT_ONCE = 20
"""What came together takes too long together, and is there again as soon as it is cut: thousands at
once would hold up all others for as long."""
_BETWEEN_CUTS_S = 0.01
_TELL_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one request, one address and all together may take.

    Args:
        headers_bytes: Of a request line, its headers and its trailers together.
        headers: How many of them; each costs more in memory than on the wire.
        small_body_bytes: A body of up to so many comes with its headers, in their time.
        headers_s: From the connection's begin, or the request's first byte, to the last header, or the
            end of a small body; and for the rest of a body whose request is answered already.
        stalled_s: How long a client may leave an answer unread.
        most: Connections in all.
        most_of_address: Connections of one address, or of the network an IPv6 client chooses from.
        most_waiting: Connections that wait for their clients in one way, such as for the rest of a
            request. What all of them do at one moment is what a callback waits for then; so is the
            garbage collector, which looks at what all of them hold.
    """

    headers_bytes: int = 64 * 1024
    headers: int = 100
    small_body_bytes: int = 64 * 1024
    headers_s: float = 10.0
    stalled_s: float = 60.0
    most: int = 4_000
    most_of_address: int = 200
    most_waiting: int = 1_000


class Waits(StrEnum):
    """What a connection waits for its client to do."""

    REQUEST = "bring a request's headers, and a small body"
    REST = "bring the rest of a body, though it is answered"
    NEXT = "ask for something else"
    BODY = "bring a body"
    READER = "read its answer"


class Connection(Protocol):
    """One connection, as those that share the places see it."""

    address: str
    sender: str
    """The address, or the network it is one of."""
    loop: asyncio.AbstractEventLoop

    def close_for(self, why: str) -> None:
        """Close without a word."""

    def time_is_up(self, waits: Waits) -> None:
        """Close, having waited too long."""


class Connections:
    """The connections of a web process.

    Args:
        is_proxy: Tells addresses that many people come from; they have no limit of their own.
    """

    def __init__(self, limits: ConnectionLimits, *, is_proxy: Callable[[str], bool]) -> None:
        self.limits = limits
        self._is_proxy = is_proxy
        self._all: dict[Connection, Waits | None] = {}
        self._since_s: dict[Waits, dict[Connection, float]] = {waits: {} for waits in Waits}
        self._most_s = {
            Waits.REQUEST: limits.headers_s,
            Waits.REST: limits.headers_s,
            Waits.READER: limits.stalled_s,
        }
        self._of_sender: dict[str, dict[Connection, None]] = {}
        self._cut: Counter[str] = Counter()
        self._told_at_s = float("-inf")
        self._looking = False

    def admit(self, one: Connection) -> bool:
        """Give a connection a place, perhaps another's; False where there is none."""
        of_sender = self._of_sender.get(one.sender, {})
        is_limited = not self._is_proxy(one.address)
        is_full = is_limited and len(of_sender) >= self.limits.most_of_address
        if is_full and not self._make_room(of_sender):
            return False
        if len(self._all) >= self.limits.most and not self._make_room(self._longest_each()):
            return False
        self._keep(one)
        self.put(one, Waits.REQUEST)
        return True

    def take_over(self, one: Connection, other: Connection) -> None:
        """Give a connection's place to the object that goes on with it."""
        self.forget(one)
        self._keep(other)

    def put(self, one: Connection, waits: Waits | None) -> None:
        """Note what a connection waits for, having just heard from it; None: it waits for us."""
        if one not in self._all:
            return
        before = self._all[one]
        if before is waits and waits is not Waits.BODY:  # a byte now and then is no request
            return
        if before:
            del self._since_s[before][one]
        self._all[one] = waits
        if not waits:
            return
        others = self._since_s[waits]
        others[one] = one.loop.time()
        if len(others) > self.limits.most_waiting:
            next(iter(others)).close_for("no_room")

    def forget(self, one: Connection) -> None:
        """Note that a connection is closed."""
        if one not in self._all:
            return
        self.put(one, None)
        del self._all[one]
        of_sender = self._of_sender[one.sender]
        del of_sender[one]
        if not of_sender:
            del self._of_sender[one.sender]

    def cut(self, one: Connection, why: str) -> None:
        """Count a connection that was closed by us, and forget it."""
        self._cut[why] += 1
        self.forget(one)

    def _keep(self, one: Connection) -> None:
        self._all[one] = None
        self._of_sender.setdefault(one.sender, {})[one] = None
        self._look_later(one.loop)

    def _longest_each(self) -> list[Connection]:
        return [next(iter(waiting)) for waiting in self._since_s.values() if waiting]

    def _make_room(self, among: Iterable[Connection]) -> bool:
        waiting = ((self._since_s[waits][one], one) for one in among if (waits := self._all[one]))
        longest = min(waiting, key=itemgetter(0), default=None)
        if longest:
            longest[1].close_for("no_room")
        else:
            self._cut["refused"] += 1
        return longest is not None

    def _look_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._looking:
            self._looking = True
            loop.call_later(min(_LOOK_EVERY_S, self.limits.headers_s / 4), self._look, loop)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close what takes too long, some at a time; once for all, or each request would cost a timer."""
        now_s = loop.time()
        late = list(islice(self._late(now_s), _MOST_CUT_AT_ONCE))
        for one, waits in late:
            one.time_is_up(waits)
        if len(late) == _MOST_CUT_AT_ONCE:
            loop.call_later(_BETWEEN_CUTS_S, self._look, loop)
            return
        self._looking = False
        if self._cut and now_s - self._told_at_s >= _TELL_EVERY_S:
            log.warning("connections_cut", **self._cut, open=len(self._all))
            self._cut.clear()
            self._told_at_s = now_s
        if self._all:
            self._look_later(loop)

    def _late(self, now_s: float) -> Iterator[tuple[Connection, Waits]]:
        for waits, most_s in self._most_s.items():
            for one, since_s in self._since_s[waits].items():
                if now_s - since_s <= most_s:
                    break  # the others came later
                yield one, waits
