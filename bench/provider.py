"""A provider that answers at once and keeps exact books: who came when, and who was one too many.

Much cheaper a request than any client, so that it is the clients that are measured. It counts a
request when its last byte has arrived, in a log that slides exactly.
"""

import argparse
import asyncio
import itertools
import json
import random
import signal
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"


@dataclass(slots=True)
class Books:
    """What came, by this process's monotonic clock.

    Args:
        limit: Requests in any window; 0 = no limit.
        window_s: Its length.
    """

    limit: int
    window_s: float
    arrivals: list[float] = field(default_factory=list)
    taken: deque[float] = field(default_factory=deque)
    refused: int = 0
    peak: int = 0
    under_way: int = 0
    most_under_way: int = 0

    def begin(self) -> None:
        """Note a request that will be answered later."""
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)

    def count(self) -> bool:
        """Count one request; False when it is one too many."""
        now = time.monotonic()
        self.arrivals.append(now)
        if not self.limit:
            return True
        while self.taken and self.taken[0] <= now - self.window_s:
            self.taken.popleft()
        # the peak is over all requests, refused ones too: what a stricter provider would see
        self.peak = max(self.peak, self._in_window(now))
        if len(self.taken) >= self.limit:
            self.refused += 1
            return False
        self.taken.append(now)
        return True

    def _in_window(self, now: float) -> int:
        inside = 0
        for at in reversed(self.arrivals):
            if at <= now - self.window_s:
                break
            inside += 1
        return inside

    def as_json(self) -> dict[str, Any]:
        """Tell what came."""
        return {
            "requests": len(self.arrivals),
            "refused": self.refused,
            "peak": self.peak,
            "most_under_way": self.most_under_way,
            "arrivals": self.arrivals,
        }


@dataclass(frozen=True, slots=True)
class Network:
    """How long a request travels, and how long it takes to be answered, s; drawn at random."""

    uplink_s: tuple[float, float] = (0.0, 0.0)
    stall_probability: float = 0.0
    stall_s: tuple[float, float] = (0.0, 0.0)
    answer_s: tuple[float, float] = (0.0, 0.0)

    @property
    def is_instant(self) -> bool:
        return self == Network()

    def uplink(self) -> float:
        """Draw one request's way there."""
        stalls = random.random() < self.stall_probability
        return random.uniform(*self.uplink_s) + (random.uniform(*self.stall_s) if stalls else 0.0)


class Provider(asyncio.Protocol):
    """One connection; requests on it are answered one after the other."""

    def __init__(self, books: Books, network: Network, sids: "itertools.count[int]") -> None:
        self._books = books
        self._network = network
        self._sids = sids
        self._pending = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (head_end := self._pending.find(_HEAD_END)) >= 0:
            end = head_end + len(_HEAD_END) + _content_length(self._pending[:head_end])
            if len(self._pending) < end:
                return
            request, self._pending = self._pending[:end], self._pending[end:]
            if request.startswith(b"GET /books"):
                self._write(b"200 OK", json.dumps(self._books.as_json()).encode())
            elif request.startswith(b"GET /count"):
                self._write(b"200 OK", b"%d" % len(self._books.arrivals))
            elif self._network.is_instant:
                self._answer()
            else:
                self._arrive_later()

    def _arrive_later(self) -> None:
        self._books.begin()
        asyncio.get_running_loop().call_later(self._network.uplink(), self._arrive)

    def _arrive(self) -> None:
        answer_s = random.uniform(*self._network.answer_s)
        counted = self._books.count()
        asyncio.get_running_loop().call_later(answer_s, self._answer_late, counted)

    def _answer_late(self, counted: bool) -> None:
        self._books.under_way -= 1
        self._write_verdict(counted)

    def _answer(self) -> None:
        self._write_verdict(self._books.count())

    def _write_verdict(self, counted: bool) -> None:
        if counted:
            sid = f"{next(self._sids):032x}"
            self._write(b"200 OK", b'{"Call":{"Sid":"%s","Status":"in-progress"}}' % sid.encode())
        else:
            self._write(b"429 Too Many Requests", b"{}")

    def _write(self, status: bytes, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                % (status, len(body), body)
            )


def _content_length(head: bytes) -> int:
    lower = head.lower()
    at = lower.find(_LENGTH)
    return int(lower[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def _serve(args: argparse.Namespace) -> None:
    books = Books(args.limit, args.window_s)
    network = Network(answer_s=tuple(args.answer_s))
    if args.jitter:
        # as in the published comparison: 2–15 ms up-link, one in fifty 50–500 ms late
        answer_s = args.answer_s if any(args.answer_s) else (0.001, 0.005)
        network = Network((0.002, 0.015), 0.02, (0.05, 0.5), tuple(answer_s))
    sids = itertools.count(1)
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(
        lambda: Provider(books, network, sids), "127.0.0.1", args.port
    )
    async with server:
        await stopped.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--window-s", type=float, default=60.0)
    parser.add_argument("--jitter", action="store_true")
    parser.add_argument("--answer-s", type=float, nargs=2, default=(0.0, 0.0))
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
