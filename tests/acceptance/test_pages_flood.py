"""Callbacks come first: a burst of them beside open dashboards is answered in time and stored."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from dialer.callback_paths import CallbackPaths
from dialer.embedded.embedded import ensure_running
from dialer.store import CallbackInbox, Database
from tests.acceptance.rig import Rig, dialer, pairs

CALLBACKS = int(os.environ.get("FLOOD_CALLBACKS", "1000"))
"""`FLOOD_CALLBACKS=5000` is the flood that the promise names."""

DASHBOARDS = 10
PROVIDER_WAITS_S = 15.0  # then the callback counts as failed


def test_a_burst_of_callbacks_beside_open_dashboards_is_answered_and_stored(tmp_path: Path) -> None:
    with dialer(tmp_path, "http://127.0.0.1:9", roles=("web",)) as rig:
        campaign = rig.load(pairs(2_500, agents=50), "--start")["campaign_id"]

        slowest_s, statuses, told = asyncio.run(flood(rig, campaign))

        with ensure_running(tmp_path / "var") as server:
            client = redis.Redis.from_url(server.url)
            stored = CallbackInbox(Database(client, "demo")).waiting()
            client.close()
    assert statuses == {200}
    assert stored == CALLBACKS
    assert slowest_s < PROVIDER_WAITS_S
    assert min(told) >= 2


async def flood(rig: Rig, campaign: str) -> tuple[float, set[int], list[int]]:
    """Open the dashboards, send the burst, and count what each dashboard was told."""
    paths = CallbackPaths("", [rig.env["DIALER_CALLBACK_SECRET"]])
    dashboards = [Dashboard() for _ in range(DASHBOARDS)]
    watchers = [asyncio.create_task(one.watch(rig.port, campaign)) for one in dashboards]
    await asyncio.gather(*(one.began.wait() for one in dashboards))

    answers = await asyncio.gather(
        *(
            call_back(rig.port, paths.url(f"{campaign}-{number + 1}-1-0000000000"))
            for number in range(CALLBACKS)
        )
    )

    for one in dashboards:
        one.may_end.set()
    await asyncio.wait_for(asyncio.gather(*watchers), timeout=240)
    slowest_s = max(answers)[0]
    told = [one.told for one in dashboards]
    print(f"slowest of {CALLBACKS} callbacks: {slowest_s:.2f} s, dashboards told {told}")
    return slowest_s, {status for _, status in answers}, told


@dataclass
class Dashboard:
    """A page that is open."""

    told: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self, port: int, campaign: str) -> None:
        """Follow the page's events until the burst is over and there was one more."""
        path = f"/campaigns/{campaign}/events"
        async with connection(port) as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            while self.told < 2 or not self.may_end.is_set():
                self.told += (await reader.readline()).startswith(b"event: parts")
                if self.told:
                    self.began.set()


@asynccontextmanager
async def connection(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Open one, closed whatever happens: what a failure leaves open fails the tests that come next."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=10**7)
    try:
        yield reader, writer
    finally:
        writer.close()


async def call_back(port: int, path: str) -> tuple[float, int]:
    """Send one callback on a connection of its own; give seconds and status.

    By hand: a client's pool of a thousand connections would be what is measured.
    """
    body = json.dumps({"CallSid": path[-20:], "Status": "completed"})
    began = time.perf_counter()
    async with connection(port) as (reader, writer):
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        status = int((await reader.readline()).split()[1])
    return time.perf_counter() - began, status
