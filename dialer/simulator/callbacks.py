"""Tells callers about their calls: on time, late, twice, in disorder, or never."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Coroutine
from random import Random
from typing import Any

import httpx

from dialer.simulator.bodies import CallPrinter, Event, Json, flattened, minimal
from dialer.simulator.clock import SimulatorClock
from dialer.simulator.exchange import Call
from dialer.simulator.faults import CallbackTrouble, FaultPlan
from dialer.simulator.ledger import CallbackEntry, Ledger
from dialer.simulator.options import SimulatorOptions
from dialer.simulator.posting import post

MAX_CONCURRENT_POSTS = 256
ANSWER_WITHIN_S = 15.0
COPIES = 3
"""How often a duplicated callback is sent, at the same time."""


class CallbackSender:
    """Follows every call that has a StatusCallback, and posts what its caller asked to know."""

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        clock: SimulatorClock,
        faults: FaultPlan,
        ledger: Ledger,
        printer: CallPrinter,
    ) -> None:
        self._options = options
        self._clock = clock
        self._faults = faults
        self._ledger = ledger
        self._printer = printer
        self._rng = Random(options.seed)  # noqa: S311 - a delay, not a secret
        self._tasks: set[asyncio.Task[None]] = set()
        self._free_posts = asyncio.Semaphore(MAX_CONCURRENT_POSTS)

    def follow(self, call: Call) -> asyncio.Event:
        """Report this call from now on; the returned event tells that the first callback is out."""
        first_sent = asyncio.Event()
        if call.request.status_callback:
            self._start(self._follow(call, call.request.status_callback, first_sent))
        else:
            first_sent.set()
        return first_sent

    async def close(self) -> None:
        """Drop every callback that is still to come."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, call: Call, url: str, first_sent: asyncio.Event) -> None:
        events = _events_of(call)
        if not events:
            first_sent.set()
        if len(events) > 1 and self._meets(CallbackTrouble.REORDERED, call):
            await self._sleep_until(call.ends_at_s)
            for event, at_s in reversed(events):
                await self._report(call, url, event, at_s)
                first_sent.set()
            return
        for event, at_s in events:
            await self._sleep_until(at_s)
            self._start(self._report(call, url, event, at_s), then=first_sent)

    async def _report(self, call: Call, url: str, event: Event, at_s: float) -> None:
        """Send one event's callback, with all the troubles that it meets."""
        if self._meets(CallbackTrouble.LOST, call):
            self._ledger.callbacks_lost += 1
            return
        if self._meets(CallbackTrouble.LATE, call):
            await asyncio.sleep(self._rng.uniform(*self._options.callback_late_s))
        body = self._printer.callback(call, event, at_s)
        if self._meets(CallbackTrouble.CONTRADICTING, call):
            body |= _as_if_they_talked(body)
        if not call.request.events or self._meets(CallbackTrouble.MINIMAL, call):
            body = minimal(body)
        copies = COPIES if self._meets(CallbackTrouble.DUPLICATED, call) else 1
        malformed = self._meets(CallbackTrouble.MALFORMED, call)
        posts: list[Awaitable[None]] = [
            self._deliver(call, url, event, self._encoded(call, body, malformed=malformed))
            for _ in range(copies)
        ]
        if self._meets(CallbackTrouble.FORGED, call):
            forged = self._encoded(call, body | {"CallSid": uuid.uuid4().hex}, malformed=False)
            posts.append(self._deliver(call, url, event, forged))
        await asyncio.gather(*posts)

    async def _deliver(self, call: Call, url: str, event: Event, content: "_Content") -> None:
        """Post until a 2xx; a redirect is a failure like any other."""
        for pause_s in (0.0, *self._options.callback_retry_delays_s):
            await asyncio.sleep(pause_s)
            sent_at_s = self._clock.now_s()
            status = await self._post(url, content)
            self._ledger.note_callback(CallbackEntry(sent_at_s, call.sid, event, status))
            if status is not None and 200 <= status < 300:
                return

    async def _post(self, url: str, content: "_Content") -> int | None:
        async with self._free_posts:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    return await post(httpx.Request("POST", url, **content))
            except (OSError, ValueError, httpx.InvalidURL):  # a timeout is an OSError
                return None

    def _encoded(self, call: Call, body: Json, *, malformed: bool) -> "_Content":
        """The body in the encoding that was asked for, or its first half."""
        if call.request.callback_as_json:
            text = json.dumps(body)
            return _raw("application/json", text[: len(text) // 2] if malformed else text)
        if malformed:
            return _raw("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-da")
        return {"files": {name: (None, value) for name, value in flattened(body).items()}}

    def _meets(self, trouble: CallbackTrouble, call: Call) -> bool:
        return self._faults.meets(trouble, call.request.agent, call.request.customer)

    async def _sleep_until(self, at_s: float) -> None:
        await asyncio.sleep(max(0.0, at_s - self._clock.now_s()))

    def _start(self, work: Coroutine[Any, Any, None], *, then: asyncio.Event | None = None) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if then is not None:
            task.add_done_callback(lambda _: then.set())


_Content = dict[str, Any]
"""Keyword arguments of `httpx.Request`: files, or content with its type."""


def _raw(content_type: str, text: str) -> _Content:
    return {"content": text.encode(), "headers": {"Content-Type": content_type}}


def _events_of(call: Call) -> list[tuple[Event, float]]:
    """What will be told of this call, and when; the end is all a caller hears who asked nothing."""
    events: list[tuple[Event, float]] = []
    if "answered" in call.request.events:
        if call.agent_answers_at_s is not None:
            events.append((Event.AGENT_ANSWERED, call.agent_answers_at_s))
        if call.customer_answers_at_s is not None:
            events.append((Event.CUSTOMER_ANSWERED, call.customer_answers_at_s))
    if "terminal" in call.request.events or not call.request.events:
        events.append((Event.ENDED, call.ends_at_s))
    return events


def _as_if_they_talked(body: Json) -> Json:
    if body["EventType"] != "terminal":
        return {}
    leg = {"OnCallDuration": 42, "Status": "completed", "AnsweredBy": "HUMAN"}
    return {"Status": "completed", "ConversationDuration": 42, "Legs": [leg, leg]}
