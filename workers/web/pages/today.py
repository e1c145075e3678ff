"""Today: how all campaigns do, beside yesterday and what is usual, what binds, and what wants a person."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time

from starlette.exceptions import HTTPException

from campaigns.campaign import CampaignState
from campaigns.day_figures import Compared, DayFigures
from campaigns.sentence import told
from dialer.access.api_keys import Scope
from dialer.ids import ContactId
from dialer.store import Campaign, Counts
from dialer.store.agents import AgentStore
from dialer.store.work import account_work
from dialer.watching.browsing import names_of
from dialer.watching.day_rows import LIVE, OF_THE_DAY, DayRows, live_rows, rows_of_day
from dialer.watching.health import AccountStops, account_stops
from dialer.watching.living import who_lives
from dialer.watching.status import Status
from dialer.watching.today import UNDER_WAY, DayNow, day_now, figures_now
from workers.web.pages.declaring import Answer, Asked, Pages, page
from workers.web.pages.views import Bar, progress
from workers.web.templating import duration, number, percent
from workers.wiring import Wiring

pages = Pages()

_MOST_SHOWN = 12
_ROWS = 100
_MOST_LIVE = 2_000
_CURSOR = re.compile(r"([0-9a-z]{8})-([1-9][0-9]{0,9})")
_ORDER = {state: place for place, state in enumerate(UNDER_WAY)}


@dataclass(frozen=True, slots=True)
class Tile:
    """A figure beside others of its kind, written for people.

    Args:
        href: The calls behind it.
        usual: '' where no earlier day had calls, likewise of the hour.
    """

    label: str
    href: str
    now: str
    yesterday: str
    usual: str
    hour: str
    usual_hour: str


@dataclass(frozen=True, slots=True)
class Line:
    """A campaign under way; `binds` is what keeps it, '' where nothing does or it is not looked at."""

    campaign: Campaign
    counts: Counts
    progress: Bar
    binds: str


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One of several accounts."""

    name: str
    live: int
    today: DayFigures
    stops: AccountStops


@pages.get("/", Scope.READ_MASKED)
def show(asked: Asked) -> Answer:
    """Show the day."""
    day, lines = _read(asked.wiring)
    opened = asked.services.accounts.open_to(asked.visitor)
    return page(
        "today.html",
        day=day,
        tiles=tiles(day),
        lines=lines,
        more=len(day.campaigns) - len(lines),
        account_lines=[_account(one.wiring) for one in opened] if len(opened) > 1 else [],
    )


def _read(wiring: Wiring) -> tuple[DayNow, list[Line]]:
    found = sorted(wiring.campaigns.counted(*UNDER_WAY), key=lambda one: _ORDER[one[0].state])
    shown = found[:_MOST_SHOWN]
    running = [one for one in shown if one[0].state is CampaignState.RUNNING]
    statuses = wiring.statuses.together(running)
    day = day_now(
        wiring.db,
        found,
        rate=wiring.pacing.rate(),
        used=wiring.account_day.read(),
        # to look for them takes a walk over all keys
        processes=statuses[0].processes if statuses else who_lives(wiring.db),
        zone=wiring.zone,
    )
    binds = binding_of(statuses)
    return day, [
        Line(one, counts, progress(one.id, counts), binds.get(one.id, one.why))
        for one, counts in shown
    ]


def binding_of(statuses: Iterable[Status]) -> dict[str, str]:
    """Say by campaign what binds it; '' = nothing does."""
    return {one.campaign.id: one.binding.sentence if one.binding else "" for one in statuses}


def _account(wiring: Wiring) -> AccountLine:
    now_s = wiring.db.now()
    figures = figures_now(wiring.db, wiring.zone, now_s=now_s)
    live = account_work(wiring.db, now_s=now_s).live
    return AccountLine(wiring.name, live, figures.day.now, account_stops(wiring.db))


def tiles(day: DayNow) -> list[Tile]:
    """Write the day's figures."""
    return [_tile(label, f"/today/{figure}", write, day) for label, figure, write in _TILES]


def _tile(label: str, href: str, write: Callable[[DayFigures], str], day: DayNow) -> Tile:
    def written(of: Compared) -> tuple[str, str, str]:
        return write(of.now), write(of.yesterday), write(of.usual) if of.usual else ""

    now, yesterday, usual = written(day.figures.day)
    hour, _, usual_hour = written(day.figures.hour)
    return Tile(label, href, now, yesterday, usual, hour, usual_hour)


_TILES: tuple[tuple[str, str, Callable[[DayFigures], str]], ...] = (
    (told("Calls"), "calls", lambda one: number(round(one.calls))),
    (told("Connected"), "connected", lambda one: number(round(one.connected))),
    (told("Connect rate"), "connected", lambda one: percent(one.connected, one.calls)),
    (told("Agents answered"), "answered", lambda one: percent(one.answered, one.calls)),
    (told("Talk time"), "connected", lambda one: duration(one.talk_s)),
    (told("Spend"), "calls", lambda one: f"{one.spend:,.2f}"),
)


@pages.get("/today/{figure}", Scope.READ_MASKED)
def rows(asked: Asked) -> Answer:
    """List the calls behind a figure, of all campaigns."""
    wiring, figure, masked = asked.wiring, asked.named("figure"), asked.visitor.is_masked
    if figure not in {LIVE, *OF_THE_DAY}:
        raise HTTPException(404)
    found = _CURSOR.fullmatch(asked.query("after"))
    after = (found[1], int(found[2])) if found else None
    listed, names = _rows(wiring, figure, after)
    rung = {row.one.attempt.agent for row in listed.rows}
    return page(
        "day.html",
        figure=figure,
        listed=listed,
        names={} if masked else names,
        agent_names={} if masked else AgentStore(wiring.db).names(rung),
        is_first=after is None,
    )


def _rows(
    wiring: Wiring, figure: str, after: tuple[str, int] | None
) -> tuple[DayRows, dict[ContactId, str]]:
    campaigns = list(wiring.campaigns.all())
    if figure == LIVE:
        listed = live_rows(wiring.db, campaigns, most=_MOST_LIVE)
    else:
        now = datetime.fromtimestamp(wiring.db.now(), wiring.zone)
        since_s = datetime.combine(now, time(), now.tzinfo).timestamp()
        listed = rows_of_day(wiring.db, campaigns, figure, since_s=since_s, after=after, most=_ROWS)
    names: dict[ContactId, str] = {}
    for campaign in {one.campaign.id: one.campaign for one in listed.rows}.values():
        ns = {one.one.id.n for one in listed.rows if one.campaign.id == campaign.id}
        of_it = names_of(wiring.db, campaign, ns)
        names |= {ContactId(campaign.id, n): name for n, name in of_it.items()}
    return listed, names
