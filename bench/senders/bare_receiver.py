"""The least a callback receiver can do: one Starlette route that appends the body to a stream.

python -m bench.senders.bare_receiver PORT REDIS_URL
"""

import sys

import redis.asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def main(port: str, redis_url: str) -> None:
    """Serve until SIGTERM."""
    client = redis.asyncio.Redis.from_url(redis_url)

    async def receive(request: Request) -> Response:
        body = await request.body()
        fields = {"path": request.url.path, "body": body}
        await client.xadd("bare", fields)  # type: ignore[arg-type]  # text and bytes are fine
        return Response(status_code=200)

    app = Starlette(routes=[Route("/callbacks/{rest:path}", receive, methods=["POST"])])
    uvicorn.run(app, port=int(port), access_log=False, log_level="warning", lifespan="off")


if __name__ == "__main__":
    main(*sys.argv[1:])
