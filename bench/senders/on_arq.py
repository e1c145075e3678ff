"""The same POST as an arq job; run as a module it fills the queue."""

import asyncio
import os
from typing import Any

import httpx
from arq import create_pool
from arq.connections import RedisSettings

from bench.forms import form

PROVIDER = os.environ.get("BENCH_PROVIDER", "")
REDIS = RedisSettings.from_dsn(os.environ.get("BENCH_REDIS", "redis://127.0.0.1"))


async def post(context: dict[str, Any], fields: dict[str, str]) -> None:
    """Send one form, as a dial does."""
    url = f"{PROVIDER}/v1/Accounts/demo/Calls/connect.json"
    answer = await context["http"].post(url, data=fields)
    answer.raise_for_status()


async def _start(context: dict[str, Any]) -> None:
    context["http"] = httpx.AsyncClient(auth=("key", "token"), timeout=45, trust_env=False)


class WorkerSettings:
    """What the arq command reads."""

    functions = (post,)
    on_startup = _start
    redis_settings = REDIS
    max_jobs = int(os.environ.get("BENCH_SLOTS", "16"))
    poll_delay = 0.05
    keep_result = 0
    max_tries = 1


async def _fill() -> None:
    pool = await create_pool(REDIS)
    for n in range(int(os.environ["BENCH_JOBS"])):
        await pool.enqueue_job("post", form(n))


if __name__ == "__main__":
    asyncio.run(_fill())
