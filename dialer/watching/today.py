"""Use case: today. How the account does beside other days, what binds it, and what wants a person."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from campaigns.campaign import CampaignState
from campaigns.day_figures import DayCompared, compared
from campaigns.sentence import told
from dialer.account_day import Today as DayUsed
from dialer.pacing import Rate
from dialer.store import Campaign, Counts, Database
from dialer.store.day import figures_by_quarter
from dialer.store.webhooks import Webhooks
from dialer.store.work import AccountWork, account_work
from dialer.watching.living import Living
from dialer.watching.overview import AWAY, AgentNow, AgentState, busy_agents

UNDER_WAY = (
    CampaignState.RUNNING,
    CampaignState.CANCELLING,
    CampaignState.PAUSED,
    CampaignState.LOADING,
)
"""Campaigns in which something goes on, or should."""

_NEARLY_REACHED = 0.8
_LATE_S = 30.0  # a callback is settled within one
_CAPS = {"calls": told("calls"), "seconds": told("minutes"), "spend": told("spend")}
_NO_PROCESS = {
    "web": told("no web process gives a sign of life"),
    "feeder": told("no feeder process gives a sign of life"),
    "worker": told("no worker process gives a sign of life"),
    "results": told("no results process gives a sign of life"),
    "events": told("no events process gives a sign of life"),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that wants a person.

    Args:
        href: The page of exactly what is counted.
        count: How many of it there are; None: it is one thing, and its words say all.
    """

    what: str
    href: str
    why: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class DayNow:
    """An account's day at one instant.

    Args:
        campaigns: Those under way, the newest first, with their counts.
        wanted: What wants a person, the gravest first.
    """

    as_of: float
    work: AccountWork
    figures: DayCompared
    rate: Rate
    campaigns: tuple[tuple[Campaign, Counts], ...]
    wanted: tuple[Wanted, ...]

    @property
    def running(self) -> int:
        """How many campaigns run."""
        return sum(one.state is CampaignState.RUNNING for one, _ in self.campaigns)


def figures_now(db: Database, zone: ZoneInfo, *, now_s: float) -> DayCompared:
    """Compare an account's day with those before."""
    return compared(figures_by_quarter(db, now_s=now_s), datetime.fromtimestamp(now_s, zone))


def day_now(
    db: Database,
    campaigns: Sequence[tuple[Campaign, Counts]],
    *,
    rate: Rate,
    used: DayUsed,
    processes: Living,
    zone: ZoneInfo,
) -> DayNow:
    """Tell an account's day.

    Args:
        campaigns: Those under way.
        used: Of its caps.
        processes: Those that live.
        zone: Whose midnight begins the day.
    """
    now_s = db.now()
    work = account_work(db, now_s=now_s)
    return DayNow(
        as_of=now_s,
        work=work,
        figures=figures_now(db, zone, now_s=now_s),
        rate=rate,
        campaigns=tuple(campaigns),
        wanted=(
            *_of_processes(processes),
            *_of_campaigns(campaigns),
            *_of_caps(used),
            *_of_agents(busy_agents(db).values()),
            *_of_callbacks(work, now_s),
            *_of_webhooks(Webhooks(db)),
        ),
    )


def _of_processes(processes: Living) -> Iterator[Wanted]:
    if processes.says:
        yield Wanted(processes.says, "/health#h-redis")
    for role in processes.missing:
        yield Wanted(_NO_PROCESS[role], "/health#h-processes")


def _of_campaigns(campaigns: Sequence[tuple[Campaign, Counts]]) -> Iterator[Wanted]:
    for campaign, counts in campaigns:
        page = f"/campaigns/{campaign.id}"
        if counts.unresolved:
            where = f"{page}/contacts?state=unresolved"
            what = told("unresolved in {name}", name=campaign.name)
            why = told("nobody knows yet whether they were called")
            yield Wanted(what, where, why, counts.unresolved)
        if campaign.state is CampaignState.PAUSED and campaign.why:
            what = told("campaign paused by itself: {name}", name=campaign.name)
            yield Wanted(what, page, campaign.why)
        if campaign.asked_by:
            why = told("{who} has started it", who=campaign.asked_by)
            what = told("campaign waits for a second person: {name}", name=campaign.name)
            yield Wanted(what, page, why)
        if campaign.in_part:
            why = told(
                "if nobody is loading it, load the file again: it goes on where it broke off"
            )
            yield Wanted(told("list of {name} is not whole", name=campaign.name), page, why)


def _of_caps(used: DayUsed) -> Iterator[Wanted]:
    for use in used.uses:
        if use.most and use.used >= _NEARLY_REACHED * use.most:
            why = told("{used:,.0f} of {most:,.0f} used", used=use.used, most=use.most)
            what = told("cap of the day is near: {cap}", cap=_CAPS[use.name])
            yield Wanted(what, "/health#h-today", why)


def _of_agents(agents: Iterable[AgentNow]) -> Iterator[Wanted]:
    counted = Counter(one.state for one in agents)
    if parked := counted[AgentState.PARKED]:
        yield Wanted(
            told("parked agents"),
            f"/agents?doing={AgentState.PARKED}",
            told("they missed too many calls in a row"),
            parked,
        )
    if away := sum(counted[state] for state in AWAY):
        yield Wanted(
            told("agents away"),
            "/agents?doing=away",
            told("on a break, off or out of their shift"),
            away,
        )


def _of_callbacks(work: AccountWork, now_s: float) -> Iterator[Wanted]:
    waits_s = now_s - (work.oldest_callback_at or now_s)
    if waits_s > _LATE_S:
        why = told("the first of them since some time: see whether a results process runs")
        what = told("callbacks wait to be settled")
        yield Wanted(what, "/health#h-callbacks", why, work.callbacks)
    if work.orphans:
        what = told("callbacks that belong to no call")
        yield Wanted(what, "/health#h-callbacks", count=work.orphans)


def _of_webhooks(webhooks: Webhooks) -> Iterator[Wanted]:
    for webhook in webhooks.all():
        standing = webhooks.standing(webhook.id)
        if standing.paused or standing.failing_since:
            what = told("receiver of a webhook fails: {host}", host=urlsplit(webhook.url).hostname)
            yield Wanted(what, f"/webhooks/{webhook.id}", standing.paused)
