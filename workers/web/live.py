"""Campaigns as they stand, told to everybody who watches.

One task a campaign reads Redis once a second, however many watch; each watcher takes the newest
reading when it can, so a slow one skips readings instead of piling them up.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import redis

from dialer.clock import boottime_s
from dialer.logger import get_logger
from dialer.store import Campaign, Counts
from dialer.store.agents import AgentStore
from dialer.watching.health import AccountStops, account_stops
from dialer.watching.overview import (
    AgentFigures,
    AgentNow,
    Overview,
    agent_states,
    read_overview,
    seen_from,
)
from dialer.watching.status import Status
from workers.web import jobs
from workers.web.subprocesses import Apart, WorkDied
from workers.wiring import Wiring

log = get_logger(__name__)

HISTORY_MIN = 11
MOST_WATCHERS = 200
MOST_WATCHERS_OF_KEY = 50  # an office may share a key
KEPT_FOR_NEWCOMERS = 20
_EVERY_S = 1.0
_AFTER_FAULT_S = 3.0
_FEW_CONTACTS = 2_000  # read here in some 40 ms; more are read apart
_OVERVIEW_PAUSE_S = 2.0
_OVERVIEW_SHARE = 20  # of the time at most one twentieth goes into overviews
_MOST_AGENTS = 500


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """A campaign at one instant.

    Args:
        overview: None until it was read; it may be some seconds old while the campaign goes on, and
            is none but the last once that is over.
        history: (second, requests, refusals) of the last minutes, whole account.
        stops: What keeps the whole account from dialling.
        agents: What those with open contacts are doing, at most 500 of them.
        agent_names: Of those of them that have one.
        shown: What was made of it, by who sees the same, so that it is made once for all of them.
    """

    status: Status
    overview: Overview | None
    history: list[tuple[int, int, int]]
    stops: AccountStops
    agents: dict[str, AgentNow]
    agent_names: dict[str, str]
    shown: dict[tuple[str, bool], asyncio.Task[object]] = field(default_factory=dict, repr=False)


class TooManyWatchers(Exception):
    """This process serves as many event streams as it may."""


class Watching:
    """Reads campaigns for those who watch.

    Args:
        watchers: How many streams each key follows, of all accounts.
    """

    def __init__(self, wiring: Wiring, apart: Apart, watchers: Counter[str]) -> None:
        self._wiring = wiring
        self._overviews = _Overviews(wiring, apart)
        self._feeds: dict[str, _Feed] = {}
        self._watchers = watchers

    async def read(self, campaign: str) -> Reading:
        """Read a campaign now.

        Raises:
            CampaignNotFound: There is none of this id.
        """
        status = await asyncio.to_thread(self._wiring.statuses.of, campaign)
        overview = await self._overviews.of(status)
        return await asyncio.to_thread(self._complete, status, overview)

    async def follow(self, campaign: str, *, who: str) -> AsyncGenerator[Reading, None]:
        """Follow a campaign; it goes on as long as somebody asks for more.

        Args:
            who: The key of whoever watches.

        Raises:
            TooManyWatchers: Ask again later.
        """
        self._check_room(who)
        feed = self._feeds.get(campaign)
        if feed is None:
            feed = self._feeds[campaign] = _Feed(self, campaign)
        self._watchers[who] += 1
        feed.watchers += 1
        seen: Reading | None = None
        try:
            while True:
                seen = await feed.newer_than(seen)
                yield seen
        finally:
            self._watchers[who] -= 1
            feed.watchers -= 1
            if not feed.watchers:
                feed.stop()
                self._feeds.pop(campaign, None)

    def _check_room(self, who: str) -> None:
        """Some places are kept for those who watch nothing yet."""
        mine, in_all = self._watchers[who], self._watchers.total()
        most = MOST_WATCHERS - KEPT_FOR_NEWCOMERS if mine else MOST_WATCHERS
        if mine >= MOST_WATCHERS_OF_KEY or in_all >= most:
            raise TooManyWatchers

    def _complete(self, status: Status, overview: Overview | None) -> Reading:
        shown = _at_work(overview) if overview else []
        numbers = [one.number for one in shown[:_MOST_AGENTS]]
        return Reading(
            status=status,
            overview=overview,
            stops=account_stops(self._wiring.db),
            history=self._wiring.pacing.history(minutes=HISTORY_MIN),
            agents=seen_from(
                status.campaign.id,
                agent_states(self._wiring.db, numbers),
                in_flight=status.counts.in_flight + status.counts.unresolved,
            ),
            agent_names=AgentStore(self._wiring.db).names(numbers),
        )


def _at_work(overview: Overview) -> list[AgentFigures]:
    """Give the agents with contacts left, and who was rung of teams that have some."""
    teams_go_on = any(one.open for one in overview.teams.values())
    return [one for one in overview.agents.values() if one.open or (one.shares and teams_go_on)]


class _Feed:
    """One campaign's readings; without Redis those who watch are told so, and come again."""

    def __init__(self, watching: Watching, campaign: str) -> None:
        self._watching = watching
        self._campaign = campaign
        self._latest: Reading | None = None
        self._lost: redis.RedisError | None = None
        self._news = asyncio.Condition()
        self.watchers = 0
        self._task = asyncio.create_task(self._read_on(), name=f"watch {campaign}")

    async def newer_than(self, seen: Reading | None) -> Reading:
        async with self._news:
            while True:
                if self._lost is not None:
                    raise self._lost
                if self._latest is not None and self._latest is not seen:
                    return self._latest
                await self._news.wait()

    def stop(self) -> None:
        self._task.cancel()

    async def _read_on(self) -> None:
        while True:
            try:
                reading = await self._watching.read(self._campaign)
            except redis.RedisError as error:
                log.warning("watching_failed", campaign_id=self._campaign, message=str(error))
                await self._tell(None, error)
                await asyncio.sleep(_AFTER_FAULT_S)
                continue
            await self._tell(reading, None)
            await asyncio.sleep(_EVERY_S)

    async def _tell(self, reading: Reading | None, lost: redis.RedisError | None) -> None:
        async with self._news:
            self._latest, self._lost = reading, lost
            self._news.notify_all()


@dataclass(slots=True)
class _Kept:
    overview: Overview
    counts: Counts
    next_at_s: float


class _Overviews:
    """Keeps each campaign's overview for a while: it costs a look at every contact."""

    def __init__(self, wiring: Wiring, apart: Apart) -> None:
        self._wiring = wiring
        self._apart = apart
        self._kept: dict[str, _Kept] = {}
        self._reading: dict[str, asyncio.Task[None]] = {}

    async def of(self, status: Status) -> Overview | None:
        campaign, counts = status.campaign, status.counts
        kept = self._kept.get(campaign.id)
        is_old = kept is not None and kept.counts != counts
        if is_old and status.is_over:  # nothing would bring a newer one to the page
            kept, is_old = None, False
        is_due = kept is None or (is_old and boottime_s() >= kept.next_at_s)
        if is_due and campaign.id not in self._reading:
            task = asyncio.create_task(self._read(campaign, counts))
            self._reading[campaign.id] = task
            if kept is None and campaign.accepted <= _FEW_CONTACTS:
                await task
        kept = self._kept.get(campaign.id)
        is_told = kept and not (status.is_over and kept.counts != counts)
        return kept.overview if kept and is_told else None

    async def _read(self, campaign: Campaign, counts: Counts) -> None:
        began_s = boottime_s()
        try:
            if campaign.accepted <= _FEW_CONTACTS:
                found = await asyncio.to_thread(read_overview, self._wiring.db, campaign)
            else:
                found = await self._apart.run(
                    jobs.overview, lambda _: None, self._wiring.settings_apart, campaign.id
                )
        except (redis.RedisError, WorkDied) as error:
            log.warning("overview_failed", campaign_id=campaign.id, message=str(error))
            return
        finally:
            del self._reading[campaign.id]
        now_s = boottime_s()
        pause_s = max(_OVERVIEW_PAUSE_S, (now_s - began_s) * _OVERVIEW_SHARE)
        self._kept[campaign.id] = _Kept(found, counts, now_s + pause_s)
