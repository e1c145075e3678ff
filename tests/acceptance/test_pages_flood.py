"""Callbacks come first: a burst of them beside open dashboards is answered in time and stored."""

import asyncio
import os
import time
from pathlib import Path

import httpx
import redis

from dialer.callback_paths import CallbackPaths
from dialer.embedded import ensure_running
from dialer.store import Database, Facts
from tests.acceptance.rig import Rig, dialer, pairs

CALLBACKS = int(os.environ.get("DIALER_FLOOD", "1000"))
"""`DIALER_FLOOD=5000` is the flood that the promise names."""

DASHBOARDS = int(os.environ.get("DASH","10"))
PROVIDER_WAITS_S = 15.0  # then the callback counts as failed


def test_a_burst_of_callbacks_beside_open_dashboards_is_answered_and_stored(tmp_path: Path) -> None:
    with dialer(tmp_path, "http://127.0.0.1:9", roles=("web",)) as rig:
        campaign = rig.load(pairs(2_500, agents=50), "--start")["campaign_id"]

        slowest_s, statuses, told = asyncio.run(flood(rig, campaign))

        with ensure_running(tmp_path / "var") as server:
            client = redis.Redis.from_url(server.url)
            stored = Facts(Database(client, "demo")).waiting()
            client.close()
    assert statuses == {200}
    assert stored == CALLBACKS
    assert slowest_s < PROVIDER_WAITS_S
    assert min(told) >= 2


async def flood(rig: Rig, campaign: str) -> tuple[float, set[int], list[int]]:
    """Open the dashboards, send the burst, and count what each dashboard was told."""
    url = f"http://127.0.0.1:{rig.port}"
    paths = CallbackPaths(url, [rig.env["DIALER_CALLBACK_SECRET"]])
    limits = httpx.Limits(max_connections=None)
    told = [0] * DASHBOARDS
    is_over = asyncio.Event()
    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:

        async def watch(number: int) -> None:
            page = f"{url}/campaigns/{campaign}/events"
            async with client.stream("GET", page) as answer:
                async for line in answer.aiter_lines():
                    told[number] += line.startswith("event: parts")
                    if is_over.is_set() and told[number] >= 2:
                        return

        async def call_back(number: int) -> tuple[float, int]:
            began = time.perf_counter()
            answer = await client.post(
                paths.url(f"{campaign}-{number + 1}-1-0000000000"),
                json={"CallSid": f"s{number}", "Status": "completed"},
            )
            return time.perf_counter() - began, answer.status_code

        watchers = [asyncio.create_task(watch(number)) for number in range(DASHBOARDS)]
        while not all(told):
            await asyncio.sleep(0.05)
        answers = await asyncio.gather(*map(call_back, range(CALLBACKS)))
        is_over.set()
        await asyncio.wait_for(asyncio.gather(*watchers), timeout=60)
    print(f"slowest of {CALLBACKS} callbacks: {max(answers)[0]:.2f} s, dashboards told {told}")
    return max(answers)[0], {status for _, status in answers}, told
