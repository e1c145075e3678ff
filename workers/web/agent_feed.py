"""Agents' pages as they stand, told to every agent who looks.

One task an account reads Redis once a second for all who look, in a handful of round trips; what did
not change is told to nobody.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

import redis

from campaigns.agents.agent import Agent
from dialer.clock import boottime_s
from dialer.logger import get_logger
from dialer.watching.agent_desk import DeskView, desk_views
from workers.web.live import TooManyWatchers
from workers.wiring import Wiring

log = get_logger(__name__)

MOST_PAGES = 300
MOST_PAGES_OF_AGENT = 4
_EVERY_S = 1.0
_AFTER_FAULT_S = 3.0
_SHARE = 10  # of the time at most a tenth goes into reading


@dataclass(slots=True, eq=False)
class _Page:
    """An agent's page that is looked at, once or several times.

    Args:
        view: None until it was read.
        changed: Set when it did; whoever takes the news puts another one here.
    """

    agent: Agent
    open: int = 0
    view: DeskView | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, view: DeskView) -> None:
        """Have those who look told of it."""
        self.view = view
        self.changed.set()
        self.changed = asyncio.Event()


class AgentFeed:
    """Reads the pages that are looked at."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._zone = wiring.zone
        self._pages: dict[str, _Page] = {}
        self._task: asyncio.Task[None] | None = None

    async def read(self, agent: Agent) -> DeskView:
        """Read one page now."""
        (view,) = await asyncio.to_thread(desk_views, self._wiring.db, [agent], self._zone)
        return view

    async def follow(self, agent: Agent) -> AsyncGenerator[DeskView, None]:
        """Follow an agent's page, whenever it changes.

        Raises:
            TooManyWatchers: Ask again later.
        """
        page = self._pages.get(agent.id) or _Page(agent)
        if (
            page.open >= MOST_PAGES_OF_AGENT
            or sum(one.open for one in self._pages.values()) >= MOST_PAGES
        ):
            raise TooManyWatchers
        self._pages[agent.id] = page
        page.open += 1
        page.agent = agent  # as they are known now
        if self._task is None:
            self._task = asyncio.create_task(self._read_on(), name="agents' pages")
        try:
            while True:
                changed = page.changed
                if page.view is not None:
                    yield page.view
                await changed.wait()
        finally:
            self._leave(page)

    def _leave(self, page: _Page) -> None:
        page.open -= 1
        if not page.open:
            del self._pages[page.agent.id]
        if not self._pages and self._task:
            self._task.cancel()
            self._task = None

    async def _read_on(self) -> None:
        while True:
            began_s, pages = boottime_s(), list(self._pages.values())
            try:
                changed = await asyncio.to_thread(self._changed, pages)
            except redis.RedisError as error:
                log.warning("agents_pages_failed", message=str(error))
                await asyncio.sleep(_AFTER_FAULT_S)
                continue
            for page, view in changed:
                page.show(view)
            await asyncio.sleep(max(_EVERY_S, (boottime_s() - began_s) * _SHARE))

    def _changed(self, pages: Sequence[_Page]) -> list[tuple[_Page, DeskView]]:
        views = desk_views(self._wiring.db, [one.agent for one in pages], self._zone)
        return [(page, view) for page, view in zip(pages, views, strict=True) if page.view != view]
