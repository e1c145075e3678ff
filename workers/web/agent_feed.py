"""Agents' pages as they stand, told to every agent who looks.

One task an account reads Redis once a second for all who look, in a handful of round trips; what did
not change is told to nobody.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from zoneinfo import ZoneInfo

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


class AgentFeed:
    """Reads the pages that are looked at."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._zone = ZoneInfo(wiring.settings.dialer_timezone)
        self._followed: Counter[str] = Counter()
        self._agents: dict[str, Agent] = {}
        self._views: dict[str, DeskView] = {}
        self._news = asyncio.Condition()
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
        if self._followed[agent.id] >= MOST_PAGES_OF_AGENT or self._followed.total() >= MOST_PAGES:
            raise TooManyWatchers
        self._followed[agent.id] += 1
        self._agents[agent.id] = agent
        if self._task is None:
            self._task = asyncio.create_task(self._read_on(), name="agents' pages")
        seen: DeskView | None = None
        try:
            while True:
                seen = await self._other_than(agent.id, seen)
                yield seen
        finally:
            self._leave(agent.id)

    def _leave(self, id_: str) -> None:
        self._followed[id_] -= 1
        if self._followed[id_] <= 0:
            for some in (self._followed, self._agents, self._views):
                some.pop(id_, None)
        if not self._agents and self._task:
            self._task.cancel()
            self._task = None

    async def _other_than(self, id_: str, seen: DeskView | None) -> DeskView:
        async with self._news:
            while (view := self._views.get(id_)) is None or view == seen:
                await self._news.wait()
            return view

    async def _read_on(self) -> None:
        while True:
            began_s, agents = boottime_s(), list(self._agents.values())
            try:
                views = await asyncio.to_thread(desk_views, self._wiring.db, agents, self._zone)
            except redis.RedisError as error:
                log.warning("agents_pages_failed", message=str(error))
                await asyncio.sleep(_AFTER_FAULT_S)
                continue
            async with self._news:
                found = {one.agent.id: one for one in views if one.agent.id in self._agents}
                has_news = any(self._views.get(id_) != one for id_, one in found.items())
                self._views |= found
                if has_news:
                    self._news.notify_all()
            await asyncio.sleep(max(_EVERY_S, (boottime_s() - began_s) * _SHARE))
