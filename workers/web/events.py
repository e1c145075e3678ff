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

ENDING = "ending"
"""Where the server that ends says so: an `asyncio.Event` in the state of each request."""

Events = AsyncGenerator[tuple[str, str], None]
"""Names and data; data has no line breaks."""


def event_stream(
    request: Request,
    events: Events,
    *,
    may_stay: Callable[[], Awaitable[bool]],
    check_s: float = _CHECK_VISITOR_S,
) -> StreamingResponse:
    """Send events until there are no more, the server ends, or the visitor may not stay, which is asked so often."""
    ending = getattr(request.state, ENDING, None) or asyncio.Event()
    return StreamingResponse(
        _written(events, ending, may_stay, check_s),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _written(
    events: Events,
    ending: asyncio.Event,
    may_stay: Callable[[], Awaitable[bool]],
    check_s: float,
) -> AsyncGenerator[str, None]:
    yield f"retry: {_RETRY_MS}\n\n"
    check_at_s = boottime_s() + check_s
    upcoming = asyncio.ensure_future(anext(events, None))
    end = asyncio.create_task(ending.wait())
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
