"""Agents who look at their pages: each keeps its stream open, and says now and then where they are.

Arguments: port; a file of links, one a line; seconds between an agent's clicks; a file that is made once
every page is open.
"""

import asyncio
import sys
from pathlib import Path
from urllib.parse import urlencode

_FORM = "Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\n"


async def _follow(port: int, link: str, opened: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /a/{link}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    await reader.readuntil(b"event: desk")
    opened.set()
    while await reader.read(65_536):
        pass


async def _click(port: int, link: str, *, every_s: float, first_s: float) -> None:
    await asyncio.sleep(first_s)
    state = "on"
    while True:
        state = "break" if state == "on" else "on"
        body = urlencode({"state": state})
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /a/{link}/presence HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        writer.write(f"{head}{_FORM}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        answer = await reader.read()
        if not answer.startswith(b"HTTP/1.1 204"):
            raise RuntimeError(answer.decode(errors="replace")[:200])
        writer.close()
        await asyncio.sleep(every_s)


async def main(port: int, links: list[str], every_s: float, opened: Path) -> None:
    """Look and click until somebody ends it."""
    async with asyncio.TaskGroup() as group:
        seen = [asyncio.Event() for _ in links]
        for link, event in zip(links, seen, strict=True):
            group.create_task(_follow(port, link, event))
        for event in seen:
            await event.wait()
        for n, link in enumerate(links):
            first_s = every_s * n / len(links)
            group.create_task(_click(port, link, every_s=every_s, first_s=first_s))
        await asyncio.to_thread(opened.touch)


if __name__ == "__main__":
    _port, _links, _every_s, _opened = sys.argv[1:]
    asyncio.run(main(int(_port), Path(_links).read_text().split(), float(_every_s), Path(_opened)))
