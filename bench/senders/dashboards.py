"""People at dashboards: each reads Today again and again, and follows campaigns as their pages do.

Arguments: port; a key; campaigns' ids, with commas between; how many people; a file that is made once
every page is open.
"""

import asyncio
import sys
from pathlib import Path

_AGAIN_S = 5.0  # as `refresh.js` does


class _Dashboard:
    """One person, with a connection for each page."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nAuthorization: Bearer {key}\r\n"
        )

    async def follow(self, campaign: str, opened: asyncio.Event) -> None:
        """Keep a campaign's page open."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"GET /campaigns/{campaign}/events {self._head}\r\n".encode())
        await reader.readuntil(b"event: parts")
        opened.set()
        while await reader.read(65_536):
            pass

    async def read_today(self, first_s: float, opened: asyncio.Event) -> None:
        """Read Today again and again."""
        await asyncio.sleep(first_s)
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(f"GET / {self._head}Connection: close\r\n\r\n".encode())
            answer = await reader.read()
            if not answer.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(answer.decode(errors="replace")[:200])
            writer.close()
            opened.set()
            await asyncio.sleep(_AGAIN_S)


async def main(port: int, key: str, campaigns: list[str], people: int, opened: Path) -> None:
    """Look until somebody ends it."""
    async with asyncio.TaskGroup() as group:
        seen = []
        for n in range(people):
            one = _Dashboard(port, key)
            events = [asyncio.Event() for _ in (*campaigns, "Today")]
            group.create_task(one.read_today(_AGAIN_S * n / people, events[-1]))
            for campaign, event in zip(campaigns, events, strict=False):
                group.create_task(one.follow(campaign, event))
            seen += events
        for event in seen:
            await event.wait()
        await asyncio.to_thread(opened.touch)


if __name__ == "__main__":
    _port, _key, _campaigns, _people, _opened = sys.argv[1:]
    asyncio.run(main(int(_port), _key, _campaigns.split(","), int(_people), Path(_opened)))
