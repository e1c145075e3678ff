"""Server-sent events: a heartbeat where nothing is new, an end where the visitor or the server may not stay."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import redis
from starlette.requests import Request
from starlette.responses import StreamingResponse

from dialer.clock import boottime_s
from workers.web.live import TooManyWatchers

_HEARTBEAT_S = 15.0
_CHECK_VISITOR_S = 30.0
_RETRY_MS = 3_000

STREAMS = "streams"
"""Under this name a server keeps its `Streams` in the state of each request."""

Events = AsyncGenerator[tuple[str, str], None]
"""Names and data; data has no line breaks."""


class Streams:
    """The streams of one server: they end together, and write one after the other.

    What all of them have to say in the same moment would hold up a callback for as long.
    """

    def __init__(self) -> None:
        self.ending = asyncio.Event()
        self._turn = asyncio.Lock()

    async def take_turn(self) -> None:
        """Wait until the loop has looked for callbacks since another stream wrote."""
        async with self._turn:
            await asyncio.sleep(0)


def event_stream(
    request: Request,
    events: Events,
    *,
    may_stay: Callable[[], Awaitable[bool]],
    check_s: float = _CHECK_VISITOR_S,
) -> StreamingResponse:
    """Send events until there are no more, the server ends, or the visitor may not stay, which is asked so often."""
    streams = getattr(request.state, STREAMS, None) or Streams()
    return StreamingResponse(
        _written(events, streams, may_stay, check_s),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _written(
    events: Events,
    streams: Streams,
    may_stay: Callable[[], Awaitable[bool]],
    check_s: float,
) -> AsyncGenerator[str, None]:
    yield f"retry: {_RETRY_MS}\n\n"
    check_at_s = boottime_s() + check_s
    upcoming = asyncio.ensure_future(anext(events, None))
    end = asyncio.create_task(streams.ending.wait())
    try:
        while True:
            done, _ = await asyncio.wait(
                {upcoming, end},
                timeout=min(_HEARTBEAT_S, check_s),
                return_when=asyncio.FIRST_COMPLETED,
            )
            if end in done:
                return  # a browser comes again by itself, to whoever serves then
            if boottime_s() >= check_at_s:
                if not await may_stay():
                    yield "event: signed_out\ndata: {}\n\n"
                    return
                check_at_s = boottime_s() + check_s
            if not done:
                yield ": still here\n\n"
                continue
            event = upcoming.result()
            if event is None:
                yield "event: ended\ndata: {}\n\n"
                return
            await streams.take_turn()
            yield f"event: {event[0]}\ndata: {event[1]}\n\n"
            upcoming = asyncio.ensure_future(anext(events, None))
    except TooManyWatchers:
        yield "event: full\ndata: {}\n\n"
    except redis.RedisError:
        yield "event: away\ndata: {}\n\n"
    finally:
        upcoming.cancel()
        end.cancel()
        await asyncio.gather(upcoming, end, return_exceptions=True)
        await events.aclose()
