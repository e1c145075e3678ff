"""The same POST as a taskiq task on a Redis stream; run as a module it fills the queue."""

import asyncio
import os
from typing import Any

import httpx
from taskiq import TaskiqEvents
from taskiq_redis import RedisStreamBroker

from bench.forms import form

PROVIDER = os.environ.get("BENCH_PROVIDER", "")

broker = RedisStreamBroker(os.environ.get("BENCH_REDIS", "redis://127.0.0.1"))


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def _start(state: Any) -> None:
    state.http = httpx.AsyncClient(auth=("key", "token"), timeout=45, trust_env=False)


@broker.task("post")  # its module has another name when it fills the queue
async def post(fields: dict[str, str]) -> None:
    """Send one form, as a dial does."""
    url = f"{PROVIDER}/v1/Accounts/demo/Calls/connect.json"
    answer = await broker.state.http.post(url, data=fields)
    answer.raise_for_status()


async def _fill() -> None:
    await broker.startup()
    for n in range(int(os.environ["BENCH_JOBS"])):
        await post.kiq(form(n))
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(_fill())
